"""What crosses the channel layer: for each process one event, with the frame's bytes ready to send."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from presence.changes import PresenceBatch
from realtime import metrics
from realtime.protocol.frames import Priority

LAYER_MESSAGE_TYPE = "hub.event"


class Audience(StrEnum):
    """For whom an event is, within its group, which is named first."""

    CHAT = "chat"  # everybody subscribed to the chat
    COUNT = "count"  # those of them who get counts in place of changes of presence; within a process only
    USER = "user"  # all sockets of the user
    UNREAD = "activity"  # workspace: members of the chat who are not subscribed get new unread counts
    MEMBERS = "members"  # workspace: members of the chat, or `user_ids`, who are not subscribed
    WORKSPACE = "workspace"  # workspace: its members, but for `skip_user_id`
    PRESENCE = "presence"  # workspace: everybody subscribed to one of the chats in `presence`
    JOINED = "joined"  # user: now belongs to the workspace
    LEFT = "left"  # user: no longer does
    RESYNC = "resync"  # everybody: somebody could not publish what it had to


class LayerEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A frame on its way to the sockets of all processes, and what they need to deliver it.

    `payload` is the frame's JSON in UTF-8; empty where there is no frame to send. `access_version` is the chat's at the
    commit (realtime/hub/rooms.py). `revision` is 0 for what is none of the chat's numbered changes; `message_id` is the
    message that it changed. `changes_members`: a member was added or removed. `deleted_seq` is the `seq` of a message
    that was deleted. `display_name` is the user's new one.

    Of the events with the same `latest_of` only the newest is sent, at most one a second. An event about `user_ids` who
    have left the workspace is dropped. `announcement` is the id of its row, 0 if it has none
    (realtime/background/announcements.py). `known_at` is when this process got it, in seconds of its monotonic clock.
    """

    group: str
    audience: Audience
    payload: bytes = b""
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


_encoder = msgspec.msgpack.Encoder(uuid_format="bytes")
_decoder = msgspec.msgpack.Decoder(LayerEvent)


def to_layer(event: LayerEvent, origin: str) -> dict[str, Any]:
    """Return the layer message for `event`, sent by the process `origin`.

    The event is MessagePack, so the frame crosses as bytes. Flowra 0.3 does not know the key `packed`: it logs one line
    and finds what it missed by repair.
    """
    return {
        "type": LAYER_MESSAGE_TYPE,
        "origin": origin,
        "published_at": event.known_at,  # on the clock of `origin`
        "packed": _encoder.encode(event),
    }


def from_layer(message: dict[str, Any], origin: str) -> LayerEvent | None:
    """Return the event in a layer message; None for this process's own, which is delivered already, and timed here.

    Raises msgspec.MsgspecError, KeyError or TypeError for what this version cannot read.
    """
    if message["origin"] == origin:
        metrics.layer_round_trip_seconds.observe(time.monotonic() - message["published_at"])
        return None
    event = _decoder.decode(message["packed"]) if "packed" in message else _read_json(message["event"])
    msgspec.structs.force_setattr(event, "known_at", time.monotonic())  # it came with another machine's clock
    return event


def _read_json(data: bytes) -> LayerEvent:
    """Return an event of Flowra 0.3, with the frame as text in JSON. Read until 0.5."""
    fields = msgspec.json.decode(data)
    fields["audience"] = fields.pop("kind")
    fields["payload"] = str(fields.pop("text", "")).encode()
    if "presence" in fields:
        fields["presence"]["workspace_id"] = fields["workspace_id"]
        for change in fields["presence"]["changes"]:
            change.setdefault("last_seen", None)
    return msgspec.convert(fields, LayerEvent)
