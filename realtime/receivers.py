"""Signals to the hub: domain events inside their transaction and after its commit, and presence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from chats.events import DomainEvent, MessageChanged, MessageDeleted, MessageEdited, MessagePosted, Reading
from presence.changes import PresenceBatch
from presence.events import DisconnectRequested, PresenceEvent, PresenceReset
from realtime import metrics
from realtime.broker.events import Audience
from realtime.frames.chats import layer_events
from realtime.frames.presence import batch_event
from realtime.models import Announcement
from realtime.outbox.connection import resync
from realtime.process import publish, publish_confirmed, running_hub
from realtime.protocol.frames import CloseCode

_MESSAGE_CHANGES: dict[type, str] = {MessagePosted: "posted", MessageEdited: "edited", MessageDeleted: "deleted"}


def announce(sender: object, events: Sequence[DomainEvent], **kwargs: Any) -> list[int]:
    """Receive domain events inside their transaction, and store an announcement of each (background/announcements.py).

    Returns the id of each one's row, 0 where it needs none: messages are found again by their revisions.
    """
    rows = [_announcement(event) for event in events]
    if any(rows):
        Announcement.objects.bulk_create([row for row in rows if row is not None], batch_size=500)
    return [0 if row is None else row.pk for row in rows]


def _announcement(event: DomainEvent) -> Announcement | None:
    if isinstance(event, MessageChanged | Reading):
        return None
    parts = list(layer_events(event))
    if not parts:
        return None
    chat_id = next((part.chat_id for part in parts if part.audience is Audience.MEMBERS), None)
    return Announcement(groups=" ".join(sorted({part.group for part in parts})), chat_id=chat_id)


def broadcast(sender: type, event: DomainEvent, **kwargs: Any) -> None:
    """Receive a domain event (chats/events.py) and send its frames to the groups they concern."""
    change = _MESSAGE_CHANGES.get(type(event))
    if change is not None:
        metrics.messages.labels(change).inc()
    announcement: int = kwargs.get("announcement", 0)
    found = layer_events(event)
    publish(*(msgspec.structs.replace(one, announcement=announcement) if announcement else one for one in found))


async def broadcast_presence(sender: type, event: PresenceEvent, **kwargs: Any) -> None:
    """Receive a presence event (presence/events.py); raises what keeps a change from the other processes."""
    if isinstance(event, PresenceBatch):
        await publish_confirmed(batch_event(event))
        return
    hub = running_hub()
    if hub is None:
        return  # no sockets here
    match event:
        case PresenceReset():
            hub.presence.invalidate()
            resync(hub.registry.connections, "presence")
        case DisconnectRequested(user_id=user_id):
            for connection in hub.registry.of_users({user_id}):
                connection.end(CloseCode.GOING_AWAY)
