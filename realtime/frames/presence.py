"""Presence events to what crosses the layer, and to frames: one per chat and flush."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

import msgspec

from chats.payloads import optional_time_text
from presence.events import PresenceChanged as Changed
from realtime.broker.events import (
    Audience,
    ChatScope,
    LayerEvent,
    PresenceBatch,
    PresenceChange,
    chat_group,
    workspace_group,
)
from realtime.outbox.frame import Priority
from realtime.outbox.presence import diff_frame
from realtime.protocol.frames import PresenceChanged, PresenceDiff, PresenceEntry, encode


def presence_events(event: Changed) -> Iterator[LayerEvent]:
    """Yield one event for each workspace in which somebody hears of this.

    To the workspace's group and not to each chat's: somebody in fifty chats is one event, and each process knows
    which of those chats are open here.
    """
    changes = [
        PresenceChange(
            user_id=change.user_id,
            display_name=change.display_name,
            is_online=change.is_online,
            last_seen=optional_time_text(change.last_seen),
            version=change.version,
        )
        for change in event.changes
    ]
    scopes: dict[UUID, list[tuple[UUID, int, tuple[UUID, ...]]]] = {}
    for chat in event.chats:
        scopes.setdefault(chat.workspace_id, []).append((chat.chat_id, chat.access_version, chat.user_ids))
    for workspace_id, chats in scopes.items():
        concerned = {user_id for _, _, user_ids in chats for user_id in user_ids}
        mine = tuple(change for change in changes if change.user_id in concerned)
        places = {change.user_id: place for place, change in enumerate(mine)}
        yield LayerEvent(
            group=workspace_group(workspace_id),
            audience=Audience.PRESENCE,
            workspace_id=workspace_id,
            presence=PresenceBatch(
                mine,
                tuple(
                    ChatScope(chat_id, access_version, tuple(places[user_id] for user_id in user_ids))
                    for chat_id, access_version, user_ids in chats
                ),
            ),
        )


def presence_event(
    chat_id: UUID, changes: Sequence[PresenceChange], *, online_count: int | None, access_version: int
) -> LayerEvent:
    """Return the event that tells a chat's subscribers in this process; `changes` has each user once."""
    if len(changes) == 1:
        frame: PresenceChanged | PresenceDiff = PresenceChanged(
            chat_id=chat_id, online_count=online_count, **msgspec.structs.asdict(changes[0])
        )
    else:
        entries = [PresenceEntry(**msgspec.structs.asdict(change)) for change in changes]
        frame = diff_frame(chat_id, entries, online_count)
    return LayerEvent(
        group=chat_group(chat_id),
        audience=Audience.CHAT,
        payload=encode(frame),
        priority=int(Priority.PRESENCE),
        chat_id=chat_id,
        access_version=access_version,
    )
