"""What sockets read from the database; each function runs in a thread (`run_in_db_thread`)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings

from chats.models import Chat, Message, WorkspaceMember
from chats.selectors.access import chat_standing
from chats.selectors.messages import Part, Plan, load_part, plan_changes
from realtime import credentials

if TYPE_CHECKING:
    from flowra.accounts.models import User

PART_BYTES = 64 * 1024  # of a catch-up, read at a time; as many may wait in the outbox when the next part is read


@dataclasses.dataclass(frozen=True, slots=True)
class Caller:
    """A user whose credential was valid when the socket was opened, and the user's workspaces."""

    user: User
    credential: credentials.Credential
    workspace_ids: set[UUID]


@dataclasses.dataclass(frozen=True, slots=True)
class Allowance:
    """How much one catch-up may still send."""

    messages: int
    size: int  # bytes

    @classmethod
    def whole(cls) -> Allowance:
        """Return how much one catch-up may send in all."""
        return cls(settings.FLOWRA_CATCHUP_LIMIT, settings.FLOWRA_CATCHUP_BYTES)

    def without(self, plan: Plan) -> Allowance:
        """Return what is left after everything in `plan`."""
        return Allowance(self.messages - sum(part.count for part in plan.parts), self.size - plan.size)


@dataclasses.dataclass(frozen=True, slots=True)
class ChatSnapshot:
    """A chat as one member may see it, with the plan of what changed since the client's revision and its first part."""

    access_version: int
    is_direct: bool
    display_name: str
    plan: Plan
    first: Sequence[Message]

    @property
    def revision(self) -> int:
        """The revision of a client that has everything up to the plan's, and the first part, which was read later."""
        return max([self.plan.revision, *(message.revision for message in self.first)])


def read_caller(handshake: credentials.Handshake) -> Caller | None:
    """Return the caller, or None if the credential is not valid."""
    found = credentials.authenticate(handshake)
    if found is None:
        return None
    user, credential = found
    workspaces = WorkspaceMember.objects.order_by().filter(user_id=user.pk).values_list("workspace_id", flat=True)
    return Caller(user, credential, set(workspaces))


def read_chat(user: User, chat_id: UUID, since: int | None, allowance: Allowance | None = None) -> ChatSnapshot:
    """Return the chat as `user` may see it; raises chats.exceptions.NotFound if they may not."""
    standing = chat_standing(user, chat_id)
    if since is None:
        return ChatSnapshot(
            standing.access_version, standing.is_direct, standing.display_name, Plan(standing.revision, reset=False), ()
        )
    chat = Chat(pk=chat_id, revision=standing.revision)
    left = allowance or Allowance.whole()
    plan = plan_changes(chat, since, limit=left.messages, max_bytes=left.size, part_bytes=PART_BYTES)
    first = load_part(chat, since, plan.parts[0], is_last=len(plan.parts) == 1) if plan.parts else ()
    return ChatSnapshot(standing.access_version, standing.is_direct, standing.display_name, plan, first)


def read_part(user: User, chat_id: UUID, after: int, part: Part) -> Sequence[Message]:
    """Return the messages of a later part of a plan.

    Raises chats.exceptions.NotFound if `user` is no longer a member.
    """
    standing = chat_standing(user, chat_id)
    return load_part(Chat(pk=chat_id, revision=standing.revision), after, part, is_last=False)
