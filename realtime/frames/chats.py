"""Domain events to the events that cross the layer, with their frames encoded once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from chats import events
from chats.models import Message
from chats.payloads import message_payload
from realtime.broker.events import Audience, LayerEvent, chat_group, user_group, workspace_group
from realtime.frames.people import people_events, to_user
from realtime.protocol.frames import (
    ChatFrame,
    NotificationNew,
    NotificationRead,
    Priority,
    Resync,
    Typing,
    Unread,
    encode,
)
from realtime.protocol.people import ChatSettings

CHAT_FRAME_TYPES: dict[type, str] = {
    events.MessagePosted: "chat.message.posted",
    events.MessageEdited: "chat.message.edited",
    events.MessageDeleted: "chat.message.deleted",
    events.ChatCreated: "chat.created",
    events.ChatRenamed: "chat.renamed",
    events.ChatClosed: "chat.closed",
    events.ChatReopened: "chat.reopened",
    events.ChatDeleted: "chat.deleted",
    events.MemberAdded: "chat.member_added",
    events.MemberRemoved: "chat.member_removed",
}


def layer_events(event: events.DomainEvent) -> Iterator[LayerEvent]:
    """Yield what has to be sent for a domain event, to which groups."""
    match event:
        case events.MessageChanged():
            yield _to_subscribers(event, event.data, revision=event.revision, message_id=UUID(event.data["id"]))
            deleted_seq = event.data["seq"] if isinstance(event, events.MessageDeleted) else 0
            yield _unread(event, deleted_seq=deleted_seq)
        case events.MentionsChanged():
            yield _unread(event, user_ids=event.user_ids)
        case events.ChatCreated(labels=labels) if labels:
            for user_id in event.member_ids:
                yield _to_users(event, {**event.data, "label": labels[user_id]}, (user_id,))
        case events.ChatCreated():
            yield _to_users(event, event.data, event.member_ids)
        case events.ChatDeleted():
            yield _to_subscribers(event, event.data)
            yield _to_users(event, event.data, event.member_ids)
        case events.MemberRemoved():
            yield _to_subscribers(event, event.data, changes_members=True)
            yield _to_users(event, event.data, ())
            yield to_user(event.user_id, _chat_payload(event, event.data))
        case events.MemberAdded():
            yield _to_subscribers(event, event.data, changes_members=True)
            yield _to_users(event, event.data, ())
            # Without a frame: for what the user's processes know of the user's chats.
            group = user_group(event.user_id)
            yield LayerEvent(group=group, audience=Audience.USER, user_ids=(event.user_id,), chat_id=event.chat_id)
        case events.ChatChanged():
            yield _to_subscribers(event, event.data)
            yield _to_users(event, event.data, ())
        case events.ChatRead():
            yield _chat_read(event)
        case events.NotificationsRead():
            yield to_user(event.user_id, encode(_notification_read(event)))
        case events.DirectChatHidden():
            yield to_user(event.user_id, _own_chat_payload("chat.deleted", event))
        case events.DirectChatShown():
            yield to_user(event.user_id, _own_chat_payload("chat.created", event))
        case events.ChatSettingsChanged():
            yield to_user(event.user_id, encode(ChatSettings(chat_id=event.chat_id, data=event.data)))
        case events.BlockChanged():
            for user_id in event.user_ids:
                yield to_user(user_id, encode(Resync(reason="presence", within=0)))
        case events.NotificationCreated():
            yield to_user(event.user_id, encode(NotificationNew(data=event.data)))
        case _:
            yield from people_events(event)


def change_frame(message: Message, *, since: int) -> ChatFrame:
    """Return the frame of a message for a client that knows the chat up to revision `since`."""
    if message.posted_revision > since:
        kind = "chat.message.posted"
    elif message.deleted_at is not None:
        kind = "chat.message.deleted"
    else:
        kind = "chat.message.edited"
    return ChatFrame(type=kind, chat_id=str(message.chat_id), data=message_payload(message))


def change_event(message: Message, *, since: int, access_version: int) -> LayerEvent:
    """Return the event that replaces a lost one; for this process only."""
    return LayerEvent(
        group=chat_group(message.chat_id),
        audience=Audience.CHAT,
        payload=encode(change_frame(message, since=since)),
        chat_id=message.chat_id,
        access_version=access_version,
        revision=message.revision,
        message_id=message.pk,
    )


def typing_event(
    *, chat_id: UUID, user_id: UUID, display_name: str, is_typing: bool, access_version: int
) -> LayerEvent:
    """Return the event that a user types, or has stopped; it skips the user's own connections."""
    frame = Typing(chat_id=chat_id, user_id=user_id, display_name=display_name, is_typing=is_typing)
    return LayerEvent(
        group=chat_group(chat_id),
        audience=Audience.CHAT,
        payload=encode(frame),
        priority=int(Priority.TYPING),
        chat_id=chat_id,
        skip_user_id=user_id,
        access_version=access_version,
    )


def _unread(
    event: events.MessageChanged | events.MentionsChanged, *, deleted_seq: int = 0, user_ids: tuple[UUID, ...] = ()
) -> LayerEvent:
    """Return the event that has unread counts sent; `user_ids` are those whose mentions changed."""
    return LayerEvent(
        group=workspace_group(event.workspace_id),
        audience=Audience.UNREAD,
        chat_id=event.chat_id,
        workspace_id=event.workspace_id,
        revision=event.revision,
        deleted_seq=deleted_seq,
        user_ids=user_ids,
    )


def _chat_read(event: events.ChatRead) -> LayerEvent:
    frame = Unread(
        chat_id=event.chat_id,
        last_read_seq=event.last_read_seq,
        unread_count=event.unread_count,
        mention_count=event.mention_count,
    )
    # With the chat, so that counts which are being read are read again; see UnreadFeed.put_read.
    return LayerEvent(
        group=user_group(event.user_id),
        audience=Audience.USER,
        payload=encode(frame),
        user_ids=(event.user_id,),
        chat_id=event.chat_id,
        workspace_id=event.workspace_id,
        revision=event.revision,
    )


def _notification_read(event: events.NotificationsRead) -> NotificationRead:
    if event.ids is None:
        return NotificationRead(all=True, unread_count=event.unread_count)
    return NotificationRead(ids=list(event.ids), unread_count=event.unread_count)


def _chat_payload(event: events.ChatEvent, data: Any) -> bytes:
    return encode(ChatFrame(type=CHAT_FRAME_TYPES[type(event)], chat_id=str(event.chat_id), data=data))


def _own_chat_payload(type_name: str, event: events.DirectChatHidden | events.DirectChatShown) -> bytes:
    return encode(ChatFrame(type=type_name, chat_id=str(event.chat_id), data=event.data))


def _to_subscribers(
    event: events.ChatEvent,
    data: Any,
    *,
    revision: int = 0,
    message_id: UUID | None = None,
    changes_members: bool = False,
) -> LayerEvent:
    return LayerEvent(
        group=chat_group(event.chat_id),
        audience=Audience.CHAT,
        payload=_chat_payload(event, data),
        chat_id=event.chat_id,
        access_version=event.access_version,
        revision=revision,
        message_id=message_id,
        changes_members=changes_members,
    )


def _to_users(event: events.ChatEvent, data: Any, user_ids: tuple[UUID, ...]) -> LayerEvent:
    """Return the event for those who are not subscribed: these users, or with none the chat's members."""
    return LayerEvent(
        group=workspace_group(event.workspace_id),
        audience=Audience.MEMBERS,
        payload=_chat_payload(event, data),
        chat_id=event.chat_id,
        workspace_id=event.workspace_id,
        user_ids=user_ids,
    )
