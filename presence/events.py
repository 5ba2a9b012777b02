"""What presence tells the rest of Flowra. `presence` never imports upwards: whoever wants to know connects.

Receivers of `presence_event` are coroutine functions `receive(sender, event, **kwargs)`. One that raises tells the
announcer that the event was not passed on; it will come again.
"""

from __future__ import annotations

import dataclasses
import datetime
from uuid import UUID

from django.dispatch import Signal

presence_event = Signal()


@dataclasses.dataclass(frozen=True, slots=True)
class UserChange:
    """An edge as watchers see it; `last_seen` is None while online."""

    user_id: UUID
    display_name: str
    is_online: bool
    last_seen: datetime.datetime | None
    version: int


@dataclasses.dataclass(frozen=True, slots=True)
class ConcernedChat:
    """A chat in which some of those who changed are members; `access_version` as of the reading of its members."""

    workspace_id: UUID
    chat_id: UUID
    access_version: int
    user_ids: tuple[UUID, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class PresenceChanged:
    """Some users came online or went offline, each of them once."""

    changes: tuple[UserChange, ...]
    chats: tuple[ConcernedChat, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class PresenceReset:
    """The registry lost what it knew and knows again: what was known before may be wrong, without edges that say so."""


@dataclasses.dataclass(frozen=True, slots=True)
class DisconnectRequested:
    """Staff want this user's connections closed."""

    user_id: UUID


PresenceEvent = PresenceChanged | PresenceReset | DisconnectRequested


async def emit(event: PresenceEvent) -> None:
    """Tell all receivers; raises what they raise."""
    await presence_event.asend(sender=type(event), event=event)
