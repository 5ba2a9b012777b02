"""Domain events: what happened, told after it was committed.

Services call `publish_on_commit`; whoever wants to know connects to `domain_event`. Events carry values,
not rows, so that they can be told in another thread, and to people who could not fetch them.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.dispatch import Signal

if TYPE_CHECKING:
    from chats.payload_types import (
        ChatPayload,
        MemberPayload,
        MePayload,
        MessagePayload,
        NotificationPayload,
        RolePayload,
        UserStatePayload,
        WorkspaceNamePayload,
    )

domain_event = Signal()
# Sent with `events` inside the transaction. A receiver may return a number for each of them (0: none), which goes to
# the receivers of `domain_event` as `announcement`; what it raises ends the transaction.
domain_event_pending = Signal()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChatEvent:
    """Something happened in a chat; `access_version` is the chat's as of that commit."""

    workspace_id: UUID
    chat_id: UUID
    access_version: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MessageChanged(ChatEvent):
    """A message was posted, edited or deleted and has `revision` now."""

    revision: int
    data: MessagePayload


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MessagePosted(MessageChanged):
    pass


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MessageEdited(MessageChanged):
    pass


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MessageDeleted(MessageChanged):
    pass


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChatChanged(ChatEvent):
    """The chat itself changed; `data` is how it is now."""

    data: ChatPayload


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChatCreated(ChatChanged):
    """`labels`: of a direct chat, for each of the two the name of the other."""

    member_ids: tuple[UUID, ...]
    labels: Mapping[UUID, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChatRenamed(ChatChanged):
    pass


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChatClosed(ChatChanged):
    pass


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChatReopened(ChatChanged):
    pass


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChatDeleted(ChatChanged):
    """The chat is gone, so whoever was in it is named here."""

    member_ids: tuple[UUID, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MemberAdded(ChatEvent):
    user_id: UUID
    data: MemberPayload


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MemberRemoved(ChatEvent):
    user_id: UUID
    data: MemberPayload


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DirectChatHidden:
    """A member took a direct chat off their list; told to their own sockets, as if it were deleted."""

    chat_id: UUID
    user_id: UUID
    data: ChatPayload


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DirectChatShown:
    """A direct chat is on a member's list again; told to their own sockets, as if it were new."""

    chat_id: UUID
    user_id: UUID
    data: ChatPayload


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BlockChanged:
    """What these two may know of each other's presence has changed."""

    user_ids: tuple[UUID, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChatRead:
    """A member read further, when the chat was at `revision`; told to their own sockets."""

    workspace_id: UUID
    chat_id: UUID
    revision: int
    user_id: UUID
    last_read_seq: int
    unread_count: int
    mention_count: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MentionsChanged:
    """A message of a chat, which is at `revision` now, mentions these members, or no longer does."""

    workspace_id: UUID
    chat_id: UUID
    revision: int
    user_ids: tuple[UUID, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NotificationsRead:
    """Notifications, all of them where `ids` is None, were read or are gone; told to their user's own sockets."""

    user_id: UUID
    ids: tuple[UUID, ...] | None
    unread_count: int  # after that


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NotificationCreated:
    user_id: UUID
    data: NotificationPayload


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UserChanged:
    """Somebody has another name; told to everybody in these workspaces, which they are in."""

    user_id: UUID
    workspace_ids: tuple[UUID, ...]
    data: UserStatePayload


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MeChanged:
    """What somebody sees of themselves has changed; told to their own sockets."""

    user_id: UUID
    data: MePayload


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceRenamed:
    workspace_id: UUID
    data: WorkspaceNamePayload


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceMemberEvent:
    """Something happened to a member of a workspace; `data` is how they are, or were, there."""

    workspace_id: UUID
    workspace_name: str
    user_id: UUID
    data: RolePayload | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceMemberAdded(WorkspaceMemberEvent):
    pass


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceRoleChanged(WorkspaceMemberEvent):
    pass


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceMemberRemoved(WorkspaceMemberEvent):
    """`data` is None where the workspace was deleted, which only the one concerned is told."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceDeleted:
    workspace_id: UUID


# What nobody is told again: it is counted anew whenever a page loads, and with the next change.
Reading = ChatRead | MentionsChanged | NotificationsRead
DomainEvent = (
    MessageChanged
    | ChatChanged
    | MemberAdded
    | MemberRemoved
    | Reading
    | DirectChatHidden
    | DirectChatShown
    | BlockChanged
    | NotificationCreated
    | UserChanged
    | MeChanged
    | WorkspaceRenamed
    | WorkspaceMemberEvent
    | WorkspaceDeleted
)


def publish_on_commit(*happened: DomainEvent) -> None:
    """Tell these events to all receivers of `domain_event` once the transaction has committed.

    A receiver that fails is logged and changes nothing for the caller: what is stored is stored.
    """
    answers: list[Any] = [answer for _, answer in domain_event_pending.send(sender=None, events=happened)]
    announcements: list[int] = answers[0] if answers else [0] * len(happened)
    for event, announcement in zip(happened, announcements, strict=True):
        transaction.on_commit(functools.partial(_publish, event, announcement), robust=True)


def _publish(event: DomainEvent, announcement: int) -> None:
    domain_event.send_robust(sender=type(event), event=event, announcement=announcement)
