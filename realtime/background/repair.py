"""Announcements can be lost: a broker that restarts, a process killed between commit and publish.

Every few seconds each process compares, in one query, the chats its sockets are subscribed to with what it fanned
out, and fans out what is missing. So even the last message of a quiet chat arrives, and a removal takes effect.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings

from chats.models import FAR_BEHIND, Chat
from chats.selectors.chats import chat_versions
from chats.selectors.messages import Changes, list_changes
from realtime import metrics
from realtime.background.failover import find_failover
from realtime.database import run_in_db_thread
from realtime.frames.chats import change_event
from realtime.hub.rooms import Room
from realtime.outbox.connection import resync

if TYPE_CHECKING:
    from realtime.hub.hub import Hub

logger = logging.getLogger(__name__)


class Repairer:
    """Finds and mends what this process's rooms have missed."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._database = ""  # which one it was at the last look

    async def run(self) -> None:
        """Look every FLOWRA_REPAIR_INTERVAL seconds, for ever."""
        while True:
            await self.look_at_database()
            await self.look()
            await asyncio.sleep(settings.FLOWRA_REPAIR_INTERVAL)

    async def look_at_database(self) -> None:
        """Tell those who are in no room if the database may have lost something; rooms are mended as they are found."""
        database = await run_in_db_thread(find_failover)
        if database and self._database not in ("", database):
            resync((one for one in self._hub.directory.connections if not one.chats), "restored")
        self._database = database or self._database

    async def look(self) -> None:
        """Compare all rooms with the database once and mend those that are behind."""
        rooms = {
            chat_id: room
            for chat_id, room in self._hub.directory.rooms.items()
            if room.revisions.contiguous is not None
        }
        if not rooms:
            return
        versions = await run_in_db_thread(chat_versions, set(rooms))
        for chat_id, room in rooms.items():
            if chat_id not in versions:
                self._hub.close_room(chat_id, "chat_deleted")
                continue
            revision, access_version = versions[chat_id]
            await self._mend(room, revision, access_version)

    async def _mend(self, room: Room, revision: int, access_version: int) -> None:
        room.require(access_version)
        if room.needs_check:
            self._hub.check_members(room)
        known = room.revisions.contiguous
        if known is None or revision == known:
            return
        if revision < known:
            # Live events may have moved the room on since the query, so ask again before believing in an old backup.
            changes = await run_in_db_thread(_changes_after, room.chat_id, known)
            if changes is not None and changes.reset:
                logger.warning("The chat %s went back from revision %d to %d.", room.chat_id, known, changes.revision)
                room.revisions.advance_to(changes.revision)
                resync(list(room.subscriptions), "restored")
            return
        changes = await run_in_db_thread(_changes_after, room.chat_id, known)
        if changes is None:
            return
        if changes.reset or changes.more:
            room.revisions.advance_to(max(revision, changes.revision))
            # So far behind is nobody but after a leap: the database lost something.
            resync(list(room.subscriptions), "restored" if revision - known >= FAR_BEHIND else "behind")
            return
        for message in changes.messages:
            metrics.events_repaired.inc()
            self._hub.deliver(change_event(message, since=known, access_version=access_version))
        if not room.needs_check:
            # Revisions in between belong to messages that were changed again since: nothing is left of them to send.
            room.revisions.advance_to(changes.revision)


def _changes_after(chat_id: UUID, since: int) -> Changes | None:
    chat = Chat.objects.filter(pk=chat_id).first()
    if chat is None:
        return None
    return list_changes(chat, since, settings.FLOWRA_CATCHUP_LIMIT, max_bytes=settings.FLOWRA_OUTBOX_BYTES)
