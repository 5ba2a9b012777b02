"""The demo: a workspace in which people have talked for two days.

`seed` does nothing to a demo that exists, so whatever was changed in it since stays. What it makes has ids
made from names (uuid5), so that nothing is ever there twice.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from chats import services
from chats.demo.script import ACCOUNTS, CHATS, LINES, DemoAccount, DemoChat, Post
from chats.models import Chat, ChatKind, ChatMember, Message, Notification, Workspace, WorkspaceMember

if TYPE_CHECKING:
    from flowra.accounts.models import User

__all__ = ["ACCOUNTS", "ALL_HANDS", "PASSWORD", "NameTaken", "demo_exists", "list_accounts", "seed"]

PASSWORD = "demo"  # noqa: S105 (known to everybody on purpose; seed_demo refuses to run outside the demo)
WORKSPACE = "Acme"
ALL_HANDS = "All hands"
MEMBERS_MAX = 100_000
# Chosen so that the people's ids, which their avatars' colours come from, give each of them another colour.
_NAMESPACE = uuid.UUID("a0aecb54-a754-5f15-a899-398a897889a0")
_BATCH = 500  # rows per INSERT, within SQLite's limit of 32,766 variables
_AGE = datetime.timedelta(days=3)  # of the workspace and its chats


class NameTaken(ValueError):
    """A user outside the demo has the name of one of its people."""


def demo_exists() -> bool:
    """Whether the demo has been made, by the ids of its people, because names may belong to others."""
    return get_user_model().objects.filter(pk=_user_id(ACCOUNTS[0].username)).exists()


def list_accounts() -> list[User]:
    """Return the people of the demo that can sign in by a click, in the script's order."""
    people = get_user_model().objects.in_bulk([_user_id(account.username) for account in ACCOUNTS])
    found = [people.get(_user_id(account.username)) for account in ACCOUNTS]
    return [person for person in found if person is not None and person.is_active]


@transaction.atomic
def seed(members: int = 0, *, tell: Callable[[str], object] = lambda text: None) -> None:
    """Make the demo if there is none, and a chat "All hands" of at least `members` numbered members.

    `tell` is given a line of text now and then. Raises NameTaken; ValueError for a number of members that cannot be.
    """
    if not 0 <= members <= MEMBERS_MAX:
        raise ValueError(f"members must be 0 to {MEMBERS_MAX:,}, not {members:,}.")
    if not demo_exists():
        _seed_conversation()
        tell(f"The demo is ready: {len(LINES)} messages in {len(CHATS)} chats.")
    if members:
        _seed_members(members, tell)


# --- People and their conversation --------------------------------------------------------------


def _seed_conversation() -> None:
    people = _make_people()
    workspace = _make_workspace(people)
    chats = {script.key: _make_chat(script, workspace, people) for script in CHATS}
    posted: dict[str, Message] = {}
    now = timezone.now()
    # In order of time across all chats, so that ids, `seq` and times agree.
    for number, line in enumerate(sorted(LINES, key=lambda line: -line.ago)):
        message = _post(number, line, chats[line.chat], people[line.author], posted.get(line.reply_to))
        _set_times(message, now - datetime.timedelta(minutes=line.ago))
        if line.key:
            posted[line.key] = message
    for script in CHATS:
        _mark_read(script, chats[script.key], people)


def _make_people() -> dict[str, User]:
    """Return the demo's people by username; raises NameTaken if a real user has one of the names."""
    encoded = make_password(PASSWORD)  # once: hashing is slow on purpose
    people = {}
    for account in ACCOUNTS:
        if get_user_model().objects.filter(username__iexact=account.username).exists():
            raise NameTaken(f"Somebody who is not of the demo has the name {account.username} already.")
        people[account.username] = _make_person(account, encoded)
    return people


def _make_person(account: DemoAccount, encoded: str) -> User:
    return get_user_model().objects.create(
        pk=_user_id(account.username),
        username=account.username,
        display_name=account.display_name,
        email=f"{account.username}@example.org",
        password=encoded,
        is_staff=account.is_staff,
        is_superuser=account.is_staff,
    )


def _make_workspace(people: dict[str, User]) -> Workspace:
    first, *others = ACCOUNTS
    owner = people[first.username]
    workspace = services.create_workspace(user=owner, name=WORKSPACE).workspace
    for account in others:
        services.moderate_add_workspace_member(
            workspace_id=workspace.pk, user_id=people[account.username].pk, role=account.role
        )
    Workspace.objects.filter(pk=workspace.pk).update(created_at=timezone.now() - _AGE)
    return workspace


def _make_chat(script: DemoChat, workspace: Workspace, people: dict[str, User]) -> Chat:
    maker, *others = (people[name] for name in script.members)
    membership, _created = services.create_chat(
        user=maker,
        workspace_id=workspace.pk,
        kind=script.kind,
        title=script.title,
        member_ids=[person.pk for person in others],
    )
    chat = membership.chat
    then = timezone.now() - _AGE
    Chat.objects.filter(pk=chat.pk).update(created_at=then)
    chat.memberships.update(created_at=then)
    Notification.objects.filter(chat=chat).update(created_at=then, read_at=then)
    return chat


def _post(number: int, line: Post, chat: Chat, author: User, answered: Message | None) -> Message:
    message = services.post_message(
        user=author,
        chat_id=chat.pk,
        body=line.body,
        client_id=uuid.uuid5(_NAMESPACE, f"message {number}"),
        reply_to_id=answered.pk if answered else None,
    ).message
    if line.edited_to:
        return services.edit_message(user=author, chat_id=chat.pk, message_id=message.pk, body=line.edited_to)
    if line.deleted:
        return services.delete_message(user=author, chat_id=chat.pk, message_id=message.pk)
    return message


def _set_times(message: Message, then: datetime.datetime) -> None:
    """Move a message and its notifications into the past."""
    later = then + datetime.timedelta(minutes=1)
    Message.objects.filter(pk=message.pk).update(
        created_at=then,
        edited_at=later if message.edited_at else None,
        deleted_at=later if message.deleted_at else None,
    )
    Chat.objects.filter(pk=message.chat_id).update(last_message_at=then)
    Notification.objects.filter(message_id=message.pk).update(created_at=then)


def _mark_read(script: DemoChat, chat: Chat, people: dict[str, User]) -> None:
    chat.refresh_from_db()
    for name in script.members:
        unread = script.unread_by_john if name == "john" else 0
        services.mark_read(user=people[name], chat_id=chat.pk, seq=chat.seq - unread)


def _user_id(username: str) -> uuid.UUID:
    return uuid.uuid5(_NAMESPACE, username)


# --- Many members -------------------------------------------------------------------------------


def _seed_members(count: int, tell: Callable[[str], object]) -> None:
    maker = get_user_model().objects.get(pk=_user_id(ACCOUNTS[0].username))
    workspace = Workspace.objects.filter(created_by=maker).order_by("created_at").first()
    if workspace is None:  # deleted since
        workspace = services.create_workspace(user=maker, name=WORKSPACE).workspace
    chat = Chat.objects.filter(workspace=workspace, title=ALL_HANDS).order_by("created_at").first()
    if chat is None:
        chat = services.create_chat(user=maker, workspace_id=workspace.pk, kind=ChatKind.DISCUSSION, title=ALL_HANDS)[
            0
        ].chat
    encoded = make_password(PASSWORD)
    for start in range(1, count + 1, _BATCH):
        numbers = range(start, min(start + _BATCH, count + 1))
        _insert_members(numbers, encoded, workspace, chat)
        tell(f"{numbers[-1]:,} of {count:,} members of {ALL_HANDS} are there.")


def _insert_members(numbers: Sequence[int], encoded: str, workspace: Workspace, chat: Chat) -> None:
    model = get_user_model()
    names = {f"member{number:04}": f"Member {number:04}" for number in numbers}
    model.objects.bulk_create(
        [
            model(
                pk=_user_id(username),
                username=username,
                display_name=display_name,
                email=f"{username}@example.org",
                password=encoded,
            )
            for username, display_name in names.items()
        ],
        ignore_conflicts=True,
    )
    # Users outside the demo with one of the names are left alone.
    ids = list(model.objects.filter(pk__in=[_user_id(name) for name in names]).values_list("pk", flat=True))
    WorkspaceMember.objects.bulk_create(
        [WorkspaceMember(workspace=workspace, user_id=pk) for pk in ids], ignore_conflicts=True
    )
    ChatMember.objects.bulk_create(
        [ChatMember(chat=chat, user_id=pk, last_read_seq=chat.seq) for pk in ids], ignore_conflicts=True
    )
