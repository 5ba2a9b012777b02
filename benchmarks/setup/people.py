"""Accounts, workspaces, chats and messages in bulk, with a token for everybody.

Runs as a process of its own against a server's database, with the server's settings, and prints what it made:
python -m benchmarks.setup.people '{"workspaces": 1, "people": 1000, "chats": 1}'. Signing in over HTTP would hash a
password for each.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from tests.support.processes import ROOT, ProgramError

if TYPE_CHECKING:
    from chats.models import Chat
    from flowra.accounts.models import User

SEED_SECONDS = 300
_BODY = "The build is green again; what remains is the paragraph about restarts, and somebody who reads it aloud. "


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to make. Each person is in `memberships` of their workspace's chats, and at home in one of them."""

    workspaces: int = 1
    people: int  # in each workspace
    chats: int = 1  # in each workspace
    memberships: int = 1
    messages: int = 0  # in each chat


class SeededPerson(msgspec.Struct, frozen=True):
    """Somebody who can connect."""

    id: str
    token: str
    home: str  # the chat they look at
    chats: list[str]


class Seeded(msgspec.Struct, frozen=True):
    """Everybody, workspace by workspace; and all chats."""

    people: list[SeededPerson]
    chats: list[str]


def seed(env: Mapping[str, str], plan: Plan) -> Seeded:
    """Fill the database of a server that has this environment; raises ProgramError with what went wrong."""
    command = [sys.executable, "-m", "benchmarks.setup.people", msgspec.json.encode(plan).decode()]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, timeout=SEED_SECONDS, check=False)
    if done.returncode:
        raise ProgramError(f"Seeding ended with {done.returncode}:\n{done.stderr.decode(errors='replace')}")
    return msgspec.json.decode(done.stdout, type=Seeded)


def _make(plan: Plan) -> Seeded:
    import django

    django.setup()
    from django.db import transaction

    made = Seeded([], [])
    with transaction.atomic():
        for number in range(plan.workspaces):
            _make_workspace(plan, number, made)
    return made


def _make_workspace(plan: Plan, number: int, made: Seeded) -> None:
    from chats.models import Chat, ChatKind, ChatMember, Role, Workspace, WorkspaceMember
    from flowra.accounts.models import User
    from flowra.accounts.security.tokens import issue_access_token

    names = [f"p{number}-{place}" for place in range(plan.people)]
    users = [User(username=name, display_name=f"Person {name[1:]}", password="!") for name in names]
    User.objects.bulk_create(users, batch_size=500)
    workspace = Workspace.objects.create(name=f"Workspace {number}")
    WorkspaceMember.objects.bulk_create(
        [
            WorkspaceMember(workspace=workspace, user=user, role=Role.MEMBER if place else Role.OWNER)
            for place, user in enumerate(users)
        ],
        batch_size=500,
    )
    chats = [
        Chat(
            workspace=workspace,
            kind=ChatKind.DISCUSSION,
            title=f"Chat {place}",
            created_by=users[0],
            seq=plan.messages,
            revision=plan.messages,
        )
        for place in range(plan.chats)
    ]
    Chat.objects.bulk_create(chats, batch_size=500)
    # A prime step spreads the further memberships, so that two chats do not have the same people.
    mine = [
        [chats[(place + step * 7) % plan.chats] for step in range(plan.memberships)] for place in range(plan.people)
    ]
    ChatMember.objects.bulk_create(
        [ChatMember(chat=chat, user=user) for user, some in zip(users, mine, strict=True) for chat in some],
        batch_size=500,
    )
    _make_messages(plan, chats, users)
    made.chats.extend(str(chat.pk) for chat in chats)
    made.people.extend(
        SeededPerson(str(user.pk), issue_access_token(user), str(some[0].pk), [str(chat.pk) for chat in some])
        for user, some in zip(users, mine, strict=True)
    )


def _make_messages(plan: Plan, chats: Sequence[Chat], users: Sequence[User]) -> None:
    import uuid

    from chats.models import Message

    for place, chat in enumerate(chats):
        author = users[place % len(users)]
        Message.objects.bulk_create(
            [
                Message(
                    chat=chat,
                    author=author,
                    seq=seq,
                    revision=seq,
                    posted_revision=seq,
                    client_id=uuid.uuid4(),
                    body=_BODY,
                    html=f"<p>{_BODY}</p>",
                )
                for seq in range(1, plan.messages + 1)
            ],
            batch_size=500,
        )


if __name__ == "__main__":
    import os

    os.environ["DJANGO_SETTINGS_MODULE"] = "flowra.settings"
    sys.stdout.buffer.write(msgspec.json.encode(_make(msgspec.json.decode(sys.argv[1], type=Plan))))
