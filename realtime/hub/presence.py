"""Presence in this process's rooms: snapshots when they are needed, changes collected into one frame per chat."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING
from uuid import UUID

from presence.exceptions import RegistryAway
from presence.selectors import read_states
from realtime.database import run_in_db_thread
from realtime.frames.presence import presence_event
from realtime.outbox.presence import portions
from realtime.protocol.frames import CloseCode

if TYPE_CHECKING:
    from realtime.broker.events import PresenceBatch
    from realtime.hub.hub import Hub
    from realtime.hub.rooms import Room

logger = logging.getLogger(__name__)
# Seconds that a room collects changes: with the announcer's 0.05 s the 250 ms of house.md. However many processes
# announce, a subscriber gets five presence frames a second at most.
COLLECT = 0.2
READ_TRIES = 5  # readings of a chat whose members change all the while; then its count is unknown for now


class PresenceFeed:
    """Takes what presence tells and hands it to the rooms of the hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._loads: dict[Room, asyncio.Task[None]] = {}
        self._flushes: dict[UUID, asyncio.TimerHandle] = {}

    async def stop(self) -> None:
        """Stop timers and readings."""
        for timer in self._flushes.values():
            timer.cancel()
        self._flushes.clear()
        loads = list(self._loads.values())
        for task in loads:
            task.cancel()
        await asyncio.gather(*loads, return_exceptions=True)

    def take(self, batch: PresenceBatch) -> None:
        """Hand announced changes to the rooms they concern."""
        for chat_id, access_version, places in (
            (chat.chat_id, chat.access_version, chat.places) for chat in batch.chats
        ):
            room = self._hub.directory.rooms.get(chat_id)
            if room is None:
                continue
            for place in places:
                room.presence.offer(batch.changes[place], access_version)
            if room.presence.has_changes and chat_id not in self._flushes:
                self._flushes[chat_id] = asyncio.get_running_loop().call_later(COLLECT, self._flush, chat_id)

    async def know(self, chat_id: UUID) -> None:
        """Return when the chat's room knows who is online, or cannot for now; several callers share one reading."""
        room = self._hub.directory.rooms.get(chat_id)
        tracker = self._hub.tracker
        if room is None or room.presence.is_known or tracker is None or tracker.is_away:
            return
        await asyncio.shield(self._loading(room))

    def forget(self) -> None:
        """What rooms know may be wrong, so read it anew where it is needed; clients have to look again, too."""
        for room in self._hub.directory.rooms.values():
            room.presence.forget()

    def disconnect(self, user_id: UUID) -> None:
        """Close a user's connections; whoever may still come back will."""
        for connection in list(self._hub.directory.by_user.get(user_id, ())):
            connection.end(CloseCode.GOING_AWAY)

    def _loading(self, room: Room) -> asyncio.Task[None]:
        # By room and not by chat: everybody may have left, and others come into a new room, while one is read for.
        task = self._loads.get(room)
        if task is None:
            task = self._loads[room] = asyncio.get_running_loop().create_task(self._load(room))
            task.add_done_callback(lambda _: self._loads.pop(room, None))
        return task

    async def _load(self, room: Room) -> None:
        for _ in range(READ_TRIES):
            asked = room.presence.times_forgotten
            try:
                states = await run_in_db_thread(read_states, room.chat_id)
            except RegistryAway:
                return  # unknown, as `online_count` will say
            except Exception:
                logger.exception("Who is online in the chat %s cannot be read.", room.chat_id)
                return
            if room.presence.times_forgotten == asked:  # nobody came into the chat or went meanwhile
                room.presence.load(states)
                return

    def _flush(self, chat_id: UUID) -> None:
        self._flushes.pop(chat_id, None)
        room = self._hub.directory.rooms.get(chat_id)
        if room is None:
            return
        if room.presence.is_known:
            self._tell(room)
        else:  # members came or went, so the count is read anew first
            self._loading(room).add_done_callback(lambda task: None if task.cancelled() else self._tell(room))

    def _tell(self, room: Room) -> None:
        for changes in room.presence.take_rounds():
            for some in portions(changes):
                event = presence_event(
                    room.chat_id,
                    some,
                    online_count=room.presence.online_count(),
                    access_version=room.presence.access_version,
                )
                self._hub.deliver(event)
