"""Domain events, once committed, to the hub."""

from __future__ import annotations

from typing import Any

from chats.events import DomainEvent
from realtime import hub
from realtime.frames import layer_events


def broadcast(sender: type, event: DomainEvent, **kwargs: Any) -> None:
    """Receive a domain event (chats/events.py) and send its frames to the groups they concern."""
    for layer_event in layer_events(event):
        hub.publish(layer_event)
