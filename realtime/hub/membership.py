"""Removed members leave a chat's room before it is sent anything newer than their removal.

Each event of a chat carries the `access_version` of its commit, and each removal of a member raises it. A room that
sees a higher one holds this event and all later ones back until it has asked which of its subscribers are members.
"""

from __future__ import annotations

import asyncio
import logging
from uuid import UUID

from chats.selectors.chats import members_among
from realtime.broker.events import LayerEvent
from realtime.database import run_in_db_thread
from realtime.hub.connections import ConnectionRegistry
from realtime.hub.rooms import Room
from realtime.outbox.connection import resync
from realtime.protocol.frames import ResyncReason

logger = logging.getLogger(__name__)
RETRY_DELAY = 1.0  # seconds, while the database does not answer


class Membership:
    """Delivers events to rooms, to members only."""

    def __init__(self, registry: ConnectionRegistry) -> None:
        self._registry = registry
        self._checks: dict[UUID, asyncio.Task[None]] = {}  # by chat

    async def stop(self) -> None:
        """Cancel all checks."""
        checks = list(self._checks.values())
        for task in checks:
            task.cancel()
        await asyncio.gather(*checks, return_exceptions=True)

    def deliver(self, room: Room, event: LayerEvent) -> None:
        """Send an event to the room's subscribers, or hold it back until they were checked."""
        room.require(event.access_version)
        if event.changes_members:
            room.presence.invalidate()
        if not room.needs_check and not room.waiting:
            room.fan_out(event)
            return
        room.waiting.append(event)
        if room.is_overloaded:
            self.close_room(room.chat_id, "overload")
        else:
            self.check(room)

    def confirm(self, room: Room, access_version: int) -> bool:
        """Whether a membership that was read at this `access_version` still counts; the room knows the version then."""
        if room.required_version > access_version:
            return False
        room.require(access_version)
        if room.access_version is None:
            room.access_version = access_version
        elif room.needs_check:
            self.check(room)
        return True

    def check(self, room: Room) -> None:
        """Start to find out which of the room's subscribers are still members, unless that goes on already."""
        if room.chat_id in self._checks:
            return
        task = asyncio.get_running_loop().create_task(self._check(room))
        self._checks[room.chat_id] = task
        task.add_done_callback(lambda _: self._checks.pop(room.chat_id, None))

    def close_room(self, chat_id: UUID, reason: ResyncReason) -> None:
        """End all subscriptions to a chat; their clients load again what they may still see."""
        room = self._registry.rooms.get(chat_id)
        if room is None:
            return
        connections = list(room.subscriptions)
        for connection in connections:
            self._registry.unsubscribe(connection, chat_id)
        resync(connections, reason)

    async def _check(self, room: Room) -> None:
        while room.needs_check and self._registry.rooms.get(room.chat_id) is room:
            version = room.required_version
            user_ids = {connection.user_id for connection in room.subscriptions}
            try:
                members = await run_in_db_thread(members_among, room.chat_id, user_ids)
            except Exception:
                # Nothing is sent meanwhile, and `room.waiting` is bounded.
                logger.exception("Members of the chat %s cannot be checked; trying again.", room.chat_id)
                await asyncio.sleep(RETRY_DELAY)
                continue
            # The query has no users who subscribed while it ran; they read their own membership after it.
            for connection in list(room.subscriptions):
                if connection.user_id in user_ids and connection.user_id not in members:
                    self._registry.unsubscribe(connection, room.chat_id)
            room.members_checked(version)
