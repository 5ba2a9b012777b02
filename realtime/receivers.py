"""What happens, to the hub: domain events once committed, and presence."""

from __future__ import annotations

from typing import Any

import msgspec

from chats.events import DomainEvent, MessageDeleted, MessageEdited, MessagePosted
from presence.events import DisconnectRequested, PresenceChanged, PresenceEvent, PresenceReset
from realtime import metrics
from realtime.frames.chats import layer_events
from realtime.frames.presence import presence_events
from realtime.hub import hub
from realtime.outbox.connection import resync

_MESSAGE_CHANGES: dict[type, str] = {MessagePosted: "posted", MessageEdited: "edited", MessageDeleted: "deleted"}


def broadcast(sender: type, event: DomainEvent, **kwargs: Any) -> None:
    """Receive a domain event (chats/events.py) and send its frames to the groups they concern."""
    change = _MESSAGE_CHANGES.get(type(event))
    if change is not None:
        metrics.messages.labels(change).inc()
    announcement: int = kwargs.get("announcement", 0)
    for layer_event in layer_events(event):
        hub.publish(msgspec.structs.replace(layer_event, announcement=announcement) if announcement else layer_event)


async def broadcast_presence(sender: type, event: PresenceEvent, **kwargs: Any) -> None:
    """Receive a presence event (presence/events.py); raises what keeps a change from the other processes."""
    if isinstance(event, PresenceChanged):
        for layer_event in presence_events(event):
            await hub.publish_confirmed(layer_event)
        return
    running = hub.running_hub()
    if running is None:
        return  # no sockets here
    match event:
        case PresenceReset():
            running.presence.forget()
            resync(running.directory.connections, "presence")
        case DisconnectRequested(user_id=user_id):
            running.presence.disconnect(user_id)
