"""Domain events: what has changed, published after the commit.

Services call `publish_on_commit`; receivers connect to `domain_event`. Events carry values, not rows, so that they can
be handled in another thread, and sent to users who could not fetch the rows.
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
        ChatCreatedPayload,
        ChatPayload,
        ChatSettingsPayload,
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
# the receivers of `domain_event` as `announcement`. An exception in it rolls the transaction back.
domain_event_pending = Signal()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChatEvent:
    """A change in a chat; `access_version` is the chat's as of that commit."""

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
    """The chat itself changed; `data` is its new state."""

    data: ChatPayload


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChatCreated(ChatChanged):
    """A new chat; `labels` of a direct chat has for each of the two users the name of the other."""

    data: ChatCreatedPayload
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
    """The chat was deleted; `member_ids` are those who were in it."""

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
    """A member hid a direct chat; sent to their own sockets, as if it were deleted."""

    chat_id: UUID
    user_id: UUID
    data: ChatPayload


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DirectChatShown:
    """A hidden direct chat is shown again; sent to the member's own sockets, as if it were new."""

    chat_id: UUID
    user_id: UUID
    data: ChatCreatedPayload


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChatSettingsChanged:
    """A member has changed what is their own in a chat; sent to their own sockets."""

    chat_id: UUID
    user_id: UUID
    data: ChatSettingsPayload


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BlockChanged:
    """One of these two users blocks the other, or no longer does."""

    user_ids: tuple[UUID, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChatRead:
    """A member has read further, when the chat was at `revision`; sent to their own sockets."""

    workspace_id: UUID
    chat_id: UUID
    revision: int
    user_id: UUID
    last_read_seq: int
    unread_count: int
    mention_count: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MentionsChanged:
    """A message of a chat, which is now at `revision`, mentions these members, or no longer does."""

    workspace_id: UUID
    chat_id: UUID
    revision: int
    user_ids: tuple[UUID, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NotificationsRead:
    """Notifications (all if `ids` is None) were read or deleted; sent to their user's own sockets."""

    user_id: UUID
    ids: tuple[UUID, ...] | None
    unread_count: int  # after that


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NotificationCreated:
    user_id: UUID
    data: NotificationPayload


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UserChanged:
    """A user has another name; sent to all members of these workspaces, which are the user's."""

    user_id: UUID
    workspace_ids: tuple[UUID, ...]
    data: UserStatePayload


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MeChanged:
    """A user's own profile has changed; sent to their own sockets."""

    user_id: UUID
    data: MePayload


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceRenamed:
    workspace_id: UUID
    data: WorkspaceNamePayload


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceMemberEvent:
    """A membership changed; `data` is its state, or its last one."""

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
    """`data` is None if the workspace was deleted, which only the member is sent."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceDeleted:
    workspace_id: UUID


# Not announced: the counts are sent again with the next change and when a page loads.
Reading = ChatRead | MentionsChanged | NotificationsRead
DomainEvent = (
    MessageChanged
    | ChatChanged
    | MemberAdded
    | MemberRemoved
    | Reading
    | DirectChatHidden
    | DirectChatShown
    | ChatSettingsChanged
    | BlockChanged
    | NotificationCreated
    | UserChanged
    | MeChanged
    | WorkspaceRenamed
    | WorkspaceMemberEvent
    | WorkspaceDeleted
)


def publish_on_commit(*happened: DomainEvent) -> None:
    """Send these events to all receivers of `domain_event` once the transaction has committed.

    A failing receiver is logged and changes nothing for the caller.
    """
    answers: list[Any] = [answer for _, answer in domain_event_pending.send(sender=None, events=happened)]
    announcements: list[int] = answers[0] if answers else [0] * len(happened)
    for event, announcement in zip(happened, announcements, strict=True):
        send = functools.partial(domain_event.send_robust, sender=type(event), event=event, announcement=announcement)
        transaction.on_commit(send, robust=True)
