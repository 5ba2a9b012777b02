"""What presence tells the rest of Flowra. `presence` never imports upwards: whoever wants to know connects.

Whoever sends awaits `presence_event.asend(sender=type(event), event=event)`, which raises what a receiver raises.
Receivers of `presence_event` are coroutine functions `receive(sender, event, **kwargs)`. One that raises tells the
announcer that the event was not passed on; it will come again.
"""

from __future__ import annotations

import dataclasses
from uuid import UUID

from django.dispatch import Signal

from presence.changes import PresenceBatch

presence_event = Signal()


@dataclasses.dataclass(frozen=True, slots=True)
class PresenceReset:
    """The registry lost what it knew and knows again: what was known before may be wrong, without edges that say so."""


@dataclasses.dataclass(frozen=True, slots=True)
class DisconnectRequested:
    """Staff want this user's connections closed."""

    user_id: UUID


PresenceEvent = PresenceBatch | PresenceReset | DisconnectRequested
