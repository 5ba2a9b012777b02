"""Presence in this process's rooms: a snapshot when it is needed, changes collected into one frame per chat."""

from __future__ import annotations

import asyncio
import logging

from presence.changes import PresenceBatch
from presence.exceptions import RegistryUnavailable
from presence.process.tracker import Tracker
from presence.selectors import read_states
from realtime.database import run_in_db_thread
from realtime.frames.presence import count_event, presence_event
from realtime.hub.connections import ConnectionRegistry
from realtime.hub.membership import Membership
from realtime.hub.rooms import Interest, Room
from realtime.outbox.presence import portions

logger = logging.getLogger(__name__)
# Seconds that a room collects changes: with the announcer's 0.05 s at most 250 ms pass. However many processes
# announce, a subscriber gets five presence frames a second at most.
COLLECT = 0.2
HEARD_BY = (Interest.ALL, Interest.COUNTS)
COUNT_EVERY = 2.0  # seconds between two `presence.count` of a chat
READ_TRIES = 5  # readings of a chat whose members change all the while; after them its count is unknown for now


class PresenceFeed:
    """Keeps the presence of all rooms here up to date and sends what changes; `tracker` is None without presence."""

    def __init__(self, registry: ConnectionRegistry, membership: Membership, tracker: Tracker | None) -> None:
        self._registry = registry
        self._membership = membership
        self._tracker = tracker
        self._loads: dict[Room, asyncio.Task[None]] = {}
        self._flushes: dict[Room, asyncio.TimerHandle] = {}
        self._pauses: dict[Room, asyncio.TimerHandle] = {}  # until the next count may be sent
        self._uncounted: set[Room] = set()  # those of them whose count has changed meanwhile

    async def stop(self) -> None:
        """Stop timers and readings."""
        for timer in (*self._flushes.values(), *self._pauses.values()):
            timer.cancel()
        self._flushes.clear()
        self._pauses.clear()
        loads = list(self._loads.values())
        for task in loads:
            task.cancel()
        await asyncio.gather(*loads, return_exceptions=True)

    def put(self, batch: PresenceBatch) -> None:
        """Add announced changes to the rooms they concern, to be sent within COLLECT seconds."""
        for chat in batch.chats:
            room = self._registry.rooms.get(chat.chat_id)
            if room is None:
                continue
            if not room.write_targets.has(*HEARD_BY):
                for position in chat.positions:
                    room.presence.note(batch.changes[position])
                continue
            for position in chat.positions:
                room.presence.add(batch.changes[position], chat.access_version)
            if room.presence.has_changes and room not in self._flushes:
                loop = asyncio.get_running_loop()
                self._flushes[room] = loop.call_later(COLLECT, self._flush, room)

    def members_changed(self, room: Room) -> None:
        """Have the room's count sent to those who get nothing else: a member was added or removed."""
        if room not in self._pauses and room.write_targets.has(Interest.COUNTS):
            self._pause(room, COLLECT)  # often several are
        self._count(room)

    async def ensure_loaded(self, room: Room) -> None:
        """Return when the room knows who is online, or cannot for now; several callers share one reading."""
        if room.presence.is_known or self._tracker is None or self._tracker.is_unavailable:
            return
        await asyncio.shield(self._loading(room))

    def invalidate(self) -> None:
        """Have all rooms read their presence again when they need it; the caller has their clients load again."""
        for room in self._registry.rooms.values():
            room.presence.invalidate()

    def _loading(self, room: Room) -> asyncio.Task[None]:
        # By room and not by chat: while one is read for, all may have left it and others made a new room.
        task = self._loads.get(room)
        if task is None:
            task = self._loads[room] = asyncio.get_running_loop().create_task(self._load(room))
            task.add_done_callback(lambda _: self._loads.pop(room, None))
        return task

    async def _load(self, room: Room) -> None:
        for _ in range(READ_TRIES):
            generation = room.presence.generation
            try:
                states = await run_in_db_thread(read_states, room.chat_id)
            except RegistryUnavailable:
                return  # unknown, as `online_count` will say
            except Exception:
                logger.exception("Who is online in the chat %s cannot be read.", room.chat_id)
                return
            if room.presence.generation == generation:  # no member was added or removed meanwhile
                room.presence.load(states)
                return

    def _flush(self, room: Room, *, is_loaded: bool = False) -> None:
        """Send what the room has collected; its count is read first if a member was added or removed."""
        if not is_loaded:
            self._flushes.pop(room, None)
        if not room.presence.is_known and not is_loaded and room.write_targets.has(*HEARD_BY):
            load = self._loading(room)
            load.add_done_callback(lambda task: None if task.cancelled() else self._flush(room, is_loaded=True))
            return
        rounds = room.presence.pop_rounds()
        if rounds:
            self._count(room)
        if not room.write_targets.has(Interest.ALL):
            return
        for changes in rounds:
            for some in portions(changes):
                event = presence_event(
                    room.chat_id,
                    some,
                    online_count=room.presence.online_count(),
                    access_version=room.presence.access_version,
                )
                self._membership.deliver(room, event)

    def _count(self, room: Room) -> None:
        """Send how many are online to those who watch people: now, or COUNT_EVERY seconds after the last time."""
        if room in self._pauses:
            self._uncounted.add(room)
        elif room.write_targets.has(Interest.COUNTS):
            self._pause(room, COUNT_EVERY)
            if room.presence.is_known:
                self._send_count(room)
            else:
                load = self._loading(room)
                load.add_done_callback(lambda task: None if task.cancelled() else self._send_count(room))

    def _pause(self, room: Room, seconds: float) -> None:
        self._pauses[room] = asyncio.get_running_loop().call_later(seconds, self._end_pause, room)

    def _end_pause(self, room: Room) -> None:
        del self._pauses[room]
        if room in self._uncounted:
            self._uncounted.discard(room)
            self._count(room)

    def _send_count(self, room: Room) -> None:
        presence = room.presence
        event = count_event(room.chat_id, presence.online_count(), access_version=presence.access_version)
        self._membership.deliver(room, event)
