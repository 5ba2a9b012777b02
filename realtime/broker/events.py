"""What crosses the channel layer: one small event per process, with the frame's text ready to send."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from realtime import metrics
from realtime.outbox.frame import Priority

LAYER_MESSAGE_TYPE = "hub.event"


class Audience(StrEnum):
    """For whom an event is, within its group."""

    CHAT = "chat"  # everybody subscribed to the chat
    USER = "user"  # all sockets of the user
    ACTIVITY = "activity"  # workspace: members of the chat who are not subscribed get new unread counts
    MEMBERS = "members"  # workspace: members of the chat, or `user_ids`, who are not subscribed
    WORKSPACE = "workspace"  # workspace: its members, but for `skip_user_id`
    PRESENCE = "presence"  # workspace: everybody subscribed to one of the chats in `presence`
    JOINED = "joined"  # user: now belongs to the workspace
    LEFT = "left"  # user: no longer does
    RESYNC = "resync"  # everybody: somebody could not publish what it had to


class PresenceChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A user came online or went offline; the fields are those of a presence frame."""

    user_id: UUID
    display_name: str
    is_online: bool
    last_seen: str | None = None
    version: int


class ChatScope(msgspec.Struct, frozen=True, array_like=True):
    """A chat that changes concern: places in `PresenceBatch.changes` of those who are members."""

    chat_id: UUID
    access_version: int
    places: tuple[int, ...]


class PresenceBatch(msgspec.Struct, frozen=True):
    """What changed for the chats of one workspace; a user is in it once."""

    changes: tuple[PresenceChange, ...]
    chats: tuple[ChatScope, ...]


class LayerEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"audience": "kind"}):
    """An event on its way to sockets; ids are hexadecimal text so that every layer can carry them.

    Of those with the same `latest_of` the newest alone is told, and one a second at most; nothing is told of one about
    `user_ids` who are not in the workspace any more. `display_name`: what the user is called from now on.

    `access_version` is the chat's at the commit (see realtime/hub/rooms.py); `revision` is 0 where the event is none
    of the chat's numbered changes, and `message_id` says whose it is. `changes_members`: somebody came into the chat
    or went. `deleted_seq` is the place of a message that is unread to nobody now. `announcement` is the id of its
    row, if it has one (realtime/background/announcements.py). `known_at` is when this process learned of it, in
    seconds of its own monotonic clock.
    """

    group: str
    audience: Audience
    text: str = ""
    priority: int = int(Priority.MUST)
    chat_id: UUID | None = None
    workspace_id: UUID | None = None
    user_ids: tuple[UUID, ...] = ()
    skip_user_id: UUID | None = None
    access_version: int = 0
    revision: int = 0
    message_id: UUID | None = None
    deleted_seq: int = 0
    changes_members: bool = False
    latest_of: str = ""
    display_name: str = ""
    announcement: int = 0
    presence: PresenceBatch | None = None
    known_at: float = msgspec.field(default_factory=time.monotonic)


EVERYBODY = "everybody"  # the group that every process is in


def chat_group(chat_id: UUID) -> str:
    """Return the group of a chat's subscribers."""
    return f"chat.{chat_id}"


def user_group(user_id: UUID) -> str:
    """Return the group of a user's sockets."""
    return f"user.{user_id}"


def workspace_group(workspace_id: UUID) -> str:
    """Return the group of the sockets of a workspace's members."""
    return f"workspace.{workspace_id}"


def to_layer(event: LayerEvent, origin: str) -> dict[str, Any]:
    """Return the layer message for `event`, sent by the process `origin`."""
    return {
        "type": LAYER_MESSAGE_TYPE,
        "origin": origin,
        "published_at": event.known_at,  # means something to `origin` alone
        "event": msgspec.json.encode(event),
    }


def from_layer(message: dict[str, Any], origin: str) -> LayerEvent | None:
    """Return the event in a layer message; None where it is this process's own, delivered already and now timed.

    Raises msgspec.MsgspecError, KeyError or TypeError where another version of Flowra sent what this one cannot read.
    """
    if message["origin"] == origin:
        metrics.layer_round_trip_seconds.observe(time.monotonic() - message["published_at"])
        return None
    event = msgspec.json.decode(message["event"], type=LayerEvent)
    msgspec.structs.force_setattr(event, "known_at", time.monotonic())  # it came with another machine's clock
    return event
