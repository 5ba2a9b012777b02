"""The frames about who is online, as in realtime/protocol/frames.py."""

from __future__ import annotations

from uuid import UUID

from presence.changes import PresenceEntry
from realtime.protocol.frames import ServerFrame


class PresenceChanged(ServerFrame, frozen=True, tag="presence.changed"):
    """One user changed."""

    chat_id: UUID
    user_id: UUID
    display_name: str
    is_online: bool
    last_seen: str | None  # null while online
    version: int
    online_count: int | None  # null: not known


class PresenceDiff(ServerFrame, frozen=True, tag="presence.diff"):
    """Several users of one chat changed."""

    chat_id: UUID
    online: list[PresenceEntry]
    offline: list[PresenceEntry]
    online_count: int | None


class PresenceCount(ServerFrame, frozen=True, tag="presence.count"):
    """How many of a chat's members are online, to who watches people."""

    chat_id: UUID
    online_count: int | None


class PresenceUsers(ServerFrame, frozen=True, tag="presence.users"):
    """People who are watched changed, each of them once."""

    users: list[PresenceEntry]
