"""Signals to the hub: domain events inside their transaction and after its commit, and presence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from chats.events import DomainEvent, MessageChanged, MessageDeleted, MessageEdited, MessagePosted, Reading
from presence.changes import PresenceBatch
from presence.events import DisconnectRequested, PresenceEvent, PresenceReset
from realtime import metrics
from realtime.broker.channel_layers import get_layer, is_shared
from realtime.broker.events import Audience
from realtime.broker.publisher import DirectPublisher
from realtime.frames.chats import layer_events
from realtime.frames.presence import batch_event
from realtime.lifecycle import running_hub
from realtime.models import Announcement
from realtime.outbox.connection import resync
from realtime.protocol.frames import CloseCode

_direct = DirectPublisher()  # for processes without a hub, which are without sockets
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
    """Receive a domain event (chats/events.py) after its commit and publish its frames; the broker may fail."""
    change = _MESSAGE_CHANGES.get(type(event))
    if change is not None:
        metrics.messages.labels(change).inc()
    announcement: int = kwargs.get("announcement", 0)
    found = [
        msgspec.structs.replace(one, announcement=announcement) if announcement else one for one in layer_events(event)
    ]
    hub = running_hub()
    if hub is not None:
        hub.publish(*found)
    elif is_shared(layer := get_layer()):
        for one in found:
            _direct.send_or_drop(layer, one)


async def broadcast_presence(sender: type, event: PresenceEvent, **kwargs: Any) -> None:
    """Receive a presence event (presence/events.py); raises what keeps a change from the other processes."""
    hub = running_hub()
    match event:
        case PresenceBatch() if hub is not None:
            await hub.publish_confirmed(batch_event(event))
        case PresenceBatch() if is_shared(layer := get_layer()):
            await _direct.send(layer, batch_event(event))
        case PresenceReset() if hub is not None:
            hub.presence.invalidate()
            resync(hub.registry.connections, "presence")
        case DisconnectRequested(user_id=user_id) if hub is not None:
            for connection in hub.registry.of_users({user_id}):
                connection.end(CloseCode.GOING_AWAY)
