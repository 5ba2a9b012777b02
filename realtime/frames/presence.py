"""Presence to the events that cross the layer, and to frames: one per chat and flush."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from presence.changes import PresenceBatch, PresenceEntry
from realtime.broker.events import Audience, LayerEvent, chat_group, workspace_group
from realtime.outbox.presence import diff_frame
from realtime.protocol.frames import Priority, encode
from realtime.protocol.presence import PresenceChanged, PresenceCount, PresenceDiff


def batch_event(batch: PresenceBatch) -> LayerEvent:
    """Return the event for a batch. It goes to the workspace's group and not to each chat's."""
    return LayerEvent(group=workspace_group(batch.workspace_id), audience=Audience.PRESENCE, presence=batch)


def presence_event(
    chat_id: UUID, entries: Sequence[PresenceEntry], *, online_count: int | None, access_version: int
) -> LayerEvent:
    """Return the event for a chat's subscribers in this process; `entries` has each user once."""
    frame: PresenceChanged | PresenceDiff
    if len(entries) == 1:
        frame = PresenceChanged(chat_id=chat_id, online_count=online_count, **msgspec.structs.asdict(entries[0]))
    else:
        frame = diff_frame(chat_id, entries, online_count)
    return LayerEvent(
        group=chat_group(chat_id),
        audience=Audience.CHAT,
        payload=encode(frame),
        priority=int(Priority.PRESENCE),
        chat_id=chat_id,
        access_version=access_version,
    )


def count_event(chat_id: UUID, online_count: int | None, *, access_version: int) -> LayerEvent:
    """Return the event that tells those of a chat's subscribers here who watch people how many members are online."""
    return LayerEvent(
        group=chat_group(chat_id),
        audience=Audience.COUNT,
        payload=encode(PresenceCount(chat_id=chat_id, online_count=online_count)),
        priority=int(Priority.PRESENCE),
        chat_id=chat_id,
        access_version=access_version,
    )
