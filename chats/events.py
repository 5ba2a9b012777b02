"""Domain events: what happened, told after it was committed.

Services call `publish_on_commit`; whoever wants to know connects to `domain_event`. Events carry values,
not rows, so that they can be told in another thread, and to people who could not fetch them.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.dispatch import Signal

from chats.payloads import (
    ChatPayload,
    MemberPayload,
    MessagePayload,
    NotificationPayload,
    WorkspaceNamePayload,
    chat_payload,
    message_payload,
)
from chats.people_payloads import MePayload, RolePayload, UserStatePayload
from chats.reading_events import ChatRead as ChatRead
from chats.reading_events import MentionsChanged as MentionsChanged
from chats.reading_events import NotificationsRead as NotificationsRead
from chats.reading_events import Reading
from chats.selectors.unread import unread_count

if TYPE_CHECKING:
    from chats.models import Chat, ChatMember, Message

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


# --- Events from rows, as they are inside the transaction ---------------------------------------


def message_changed(kind: type[MessageChanged], chat: Chat, message: Message) -> MessageChanged:
    """Return the event of this `kind` for `message`, whose author is loaded."""
    return kind(
        workspace_id=chat.workspace_id,
        chat_id=chat.pk,
        access_version=chat.access_version,
        revision=message.revision,
        data=message_payload(message),
    )


def chat_changed(kind: type[ChatChanged], chat: Chat) -> ChatChanged:
    """Return the event of this `kind`, one that needs no members, for `chat`."""
    return kind(
        workspace_id=chat.workspace_id, chat_id=chat.pk, access_version=chat.access_version, data=chat_payload(chat)
    )


def chat_created(chat: Chat, member_ids: Iterable[UUID], labels: Mapping[UUID, str]) -> ChatCreated:
    """Return the event for a new chat; `labels` see ChatCreated."""
    return ChatCreated(
        workspace_id=chat.workspace_id,
        chat_id=chat.pk,
        access_version=chat.access_version,
        data=chat_payload(chat),
        member_ids=tuple(member_ids),
        labels=labels,
    )


def chat_deleted(chat: Chat) -> ChatDeleted:
    """Return the event for a chat that is about to be deleted; reads its members."""
    return ChatDeleted(
        workspace_id=chat.workspace_id,
        chat_id=chat.pk,
        access_version=chat.access_version,
        data=chat_payload(chat),
        member_ids=tuple(chat.memberships.values_list("user_id", flat=True)),
    )


def chat_hidden(membership: ChatMember) -> DirectChatHidden:
    """Return the event for a member who took a direct chat, which is loaded, off their list."""
    chat = membership.chat
    return DirectChatHidden(chat_id=chat.pk, user_id=membership.user_id, data=chat_payload(chat))


def chat_shown(membership: ChatMember, label: str) -> DirectChatShown:
    """Return the event for a member to whose list a direct chat, which is loaded, comes back under `label`."""
    data: ChatPayload = {**chat_payload(membership.chat), "label": label}
    return DirectChatShown(chat_id=membership.chat_id, user_id=membership.user_id, data=data)


def chat_read(membership: ChatMember) -> ChatRead:
    """Return the event that tells a member's own sockets how much of a chat, which is loaded, they have not read."""
    return ChatRead(
        workspace_id=membership.chat.workspace_id,
        chat_id=membership.chat_id,
        revision=membership.chat.revision,
        user_id=membership.user_id,
        last_read_seq=membership.last_read_seq,
        unread_count=unread_count(membership),
        mention_count=membership.mention_count,
    )


def member_added(chat: Chat, user_id: UUID, data: MemberPayload) -> MemberAdded:
    """Return the event for a new member."""
    return MemberAdded(
        workspace_id=chat.workspace_id, chat_id=chat.pk, access_version=chat.access_version, user_id=user_id, data=data
    )


def member_removed(chat: Chat, user_id: UUID, data: MemberPayload) -> MemberRemoved:
    """Return the event for somebody who was removed or left."""
    return MemberRemoved(
        workspace_id=chat.workspace_id, chat_id=chat.pk, access_version=chat.access_version, user_id=user_id, data=data
    )
