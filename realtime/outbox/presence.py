"""Presence frames for several users, and several of them as one for a client that does not keep up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar
from uuid import UUID

import msgspec

from presence.changes import PresenceEntry
from realtime.protocol.frames import encode
from realtime.protocol.presence import PresenceChanged, PresenceCount, PresenceDiff, PresenceUsers

_decoder = msgspec.json.Decoder(PresenceChanged | PresenceDiff | PresenceCount | PresenceUsers)

USERS_PER_FRAME = 200  # with the longest names some 100 kB, a small part of FLOWRA_OUTBOX_BYTES
T = TypeVar("T")


def portions(entries: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield `entries` in portions of at most USERS_PER_FRAME."""
    for start in range(0, len(entries), USERS_PER_FRAME):
        yield entries[start : start + USERS_PER_FRAME]


def fold(payloads: Sequence[bytes]) -> list[bytes]:
    """Return, for these presence frames of one connection, as few frames with the latest entries, and counts of chats.

    Both are the frames' JSON. The states in between are dropped.
    """
    chats: dict[UUID, tuple[dict[UUID, PresenceEntry], int | None]] = {}
    counts: dict[UUID, PresenceCount] = {}
    watched: dict[UUID, PresenceEntry] = {}
    for payload in payloads:
        frame = _decoder.decode(payload)
        if isinstance(frame, PresenceCount):
            counts[frame.chat_id] = frame
        elif isinstance(frame, PresenceUsers):
            _keep_latest(watched, frame.users)
        else:
            entries, _ = chats.get(frame.chat_id, ({}, None))
            _keep_latest(entries, _entries(frame))
            chats[frame.chat_id] = (entries, frame.online_count)
    diffs = [
        diff_frame(chat_id, some, count)
        for chat_id, (entries, count) in chats.items()
        for some in portions(list(entries.values()))
    ]
    users = [PresenceUsers(users=list(some)) for some in portions(list(watched.values()))]
    return [encode(frame) for frame in (*diffs, *counts.values(), *users)]


def _keep_latest(entries: dict[UUID, PresenceEntry], newer: Sequence[PresenceEntry]) -> None:
    for entry in newer:
        known = entries.get(entry.user_id)
        if known is None or known.version < entry.version:
            entries[entry.user_id] = entry


def _entries(frame: PresenceChanged | PresenceDiff) -> list[PresenceEntry]:
    if isinstance(frame, PresenceDiff):
        return [*frame.online, *frame.offline]
    return [
        PresenceEntry(
            user_id=frame.user_id,
            display_name=frame.display_name,
            is_online=frame.is_online,
            last_seen=frame.last_seen,
            version=frame.version,
        )
    ]


def diff_frame(chat_id: UUID, entries: Sequence[PresenceEntry], online_count: int | None) -> PresenceDiff:
    """Return the frame for these entries, each user once."""
    return PresenceDiff(
        chat_id=chat_id,
        online=[entry for entry in entries if entry.is_online],
        offline=[entry for entry in entries if not entry.is_online],
        online_count=online_count,
    )
