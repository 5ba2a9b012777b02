"""Finds messages and removals whose events were lost: the broker restarted, or a process was killed after the commit.

Every few seconds each process compares, in one query, the chats of its rooms with what it has fanned out, and fans out
what is missing. So even the last message of a quiet chat arrives, and a removal takes effect.
"""

from __future__ import annotations

import asyncio
import logging
from uuid import UUID

from django.conf import settings

from chats.models import FAR_BEHIND, Chat
from chats.selectors.chats import chat_versions
from chats.selectors.messages import Changes, list_changes
from realtime import metrics
from realtime.background.failover import find_failover
from realtime.database import run_in_db_thread
from realtime.frames.chats import change_event
from realtime.hub.connections import ConnectionRegistry
from realtime.hub.membership import Membership
from realtime.hub.rooms import Room
from realtime.outbox.connection import resync

logger = logging.getLogger(__name__)


class Repairer:
    """Finds and delivers what this process's rooms have missed."""

    def __init__(self, registry: ConnectionRegistry, membership: Membership) -> None:
        self._registry = registry
        self._membership = membership
        self._database = ""  # its identity when it was last compared

    async def run(self) -> None:
        """Compare every FLOWRA_REPAIR_INTERVAL seconds, for ever."""
        while True:
            await self.compare_database()
            await self.compare_rooms()
            await asyncio.sleep(settings.FLOWRA_REPAIR_INTERVAL)

    async def compare_database(self) -> None:
        """Resync connections without a room if the database may have lost commits; `compare_rooms` finds the others."""
        database = await run_in_db_thread(find_failover)
        if database and self._database not in ("", database):
            resync((one for one in self._registry.connections if not one.chats), "restored")
        self._database = database or self._database

    async def compare_rooms(self) -> None:
        """Compare all rooms with the database once and repair those that are behind."""
        rooms = {
            chat_id: room for chat_id, room in self._registry.rooms.items() if room.revisions.contiguous is not None
        }
        if not rooms:
            return
        versions = await run_in_db_thread(chat_versions, set(rooms))
        for chat_id, room in rooms.items():
            if chat_id not in versions:
                self._membership.close_room(chat_id, "chat_deleted")
                continue
            revision, access_version = versions[chat_id]
            await self._repair(room, revision, access_version)

    async def _repair(self, room: Room, revision: int, access_version: int) -> None:
        room.require(access_version)
        if room.needs_check:
            self._membership.check(room)
        known = room.revisions.contiguous
        if known is None or revision == known:
            return
        if revision < known:
            # Live events may have moved the room on since the query, so read again before taking it for an old backup.
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
            # A room is that far behind only after all revisions were raised: the database lost something.
            resync(list(room.subscriptions), "restored" if revision - known >= FAR_BEHIND else "behind")
            return
        for message in changes.messages:
            metrics.events_repaired.inc()
            event = change_event(message, since=known, access_version=access_version)
            self._membership.deliver(room, event)
        if not room.needs_check:
            # Revisions in between belong to messages that were changed again since: there is nothing to send for them.
            room.revisions.advance_to(changes.revision)


def _changes_after(chat_id: UUID, since: int) -> Changes | None:
    chat = Chat.objects.filter(pk=chat_id).first()
    if chat is None:
        return None
    return list_changes(chat, since, settings.FLOWRA_CATCHUP_LIMIT, max_bytes=settings.FLOWRA_OUTBOX_BYTES)
