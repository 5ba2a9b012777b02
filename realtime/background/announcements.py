"""Finds events that were announced and have not arrived: a process was killed, or the broker did not answer.

A lost message is found by its chat's revision (repair.py). Every other event (chats, members, notifications) stores a
row in its own transaction, with the layer groups it is for. Every few seconds each process reads the rows of the last
minute in one query by an index. If one has not arrived in a group that connections here need, these connections resync.
"""

from __future__ import annotations

import asyncio
import datetime
import itertools
import logging
import time
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from chats.lib.clock import database_now
from chats.models import Chat, WorkspaceMember
from chats.selectors.chats import members_among
from realtime import metrics
from realtime.database import run_in_db_thread
from realtime.hub.connections import ConnectionRegistry
from realtime.hub.delivery import Delivery
from realtime.hub.unread import UnreadFeed
from realtime.models import Announcement
from realtime.outbox.connection import Connection, resync

logger = logging.getLogger(__name__)
WINDOW = datetime.timedelta(seconds=60)  # that a transaction may last from the row to its commit
ON_ITS_WAY = datetime.timedelta(seconds=2)  # that an event may take from the row to this process
KEEP = datetime.timedelta(minutes=10)
CLEAR_EVERY = 60.0  # seconds between two deletions of old rows
MOST = 5_000  # rows read at a time, the oldest first
PER_SECOND = 100  # connections that load again in a second


class Announcements:
    """Compares what was announced with what has arrived in this process."""

    def __init__(self, registry: ConnectionRegistry, delivery: Delivery, unread: UnreadFeed) -> None:
        self._registry = registry
        self._arrived = delivery.arrived
        self._unread = unread
        self._done: set[int] = set()  # ids of rows that were compared
        self._clear_at = time.monotonic() + CLEAR_EVERY

    async def run(self) -> None:
        """Compare every FLOWRA_REPAIR_INTERVAL seconds, for ever."""
        while True:
            await asyncio.sleep(settings.FLOWRA_REPAIR_INTERVAL)
            await self.compare()
            await self._unread.find_missed()

    async def compare(self) -> None:
        """Compare once; resync connections that needed a group before something was announced in it."""
        asked_at = timezone.now()
        now, rows = await run_in_db_thread(_read)
        ahead = now - asked_at  # how far the database's clock is before ours
        missed: set[Connection] = set()
        for row in rows:
            if row.pk in self._done:
                continue
            for group in row.groups.split():
                since = self._registry.groups.get(group)
                if since is not None and since + ahead < row.created_at and (row.pk, group) not in self._arrived:
                    missed |= await self._missed_in(row, group)
            self._done.add(row.pk)
        self._done &= {row.pk for row in rows}
        self._forget_old()
        if missed:
            logger.warning("Changes were announced and did not arrive; %d sockets load again.", len(missed))
            metrics.announcements_missed.inc()
            await self._enter_workspaces({connection.user_id for connection in missed})
            within = min(settings.FLOWRA_RESYNC_WITHIN, len(missed) / PER_SECOND)
            resync(missed, "behind", within=within)
        if time.monotonic() >= self._clear_at:
            self._clear_at = time.monotonic() + CLEAR_EVERY
            await run_in_db_thread(_clear)

    def _forget_old(self) -> None:
        oldest = time.monotonic() - 2 * WINDOW.total_seconds()
        for key, arrived_at in list(self._arrived.items()):  # in the order they came
            if arrived_at > oldest:
                break
            del self._arrived[key]

    async def _missed_in(self, row: Announcement, group: str) -> set[Connection]:
        """Return the connections that the row's event in `group` was for: of a chat that exists, its members."""
        kind, _, name = group.partition(".")
        key = UUID(name)
        if kind == "chat":
            room = self._registry.rooms.get(key)
            return set() if room is None else set(room.subscriptions)
        connections = list((self._registry.by_user if kind == "user" else self._registry.by_workspace).get(key, ()))
        if not connections or row.chat_id is None or kind == "user":
            return set(connections)
        members = await run_in_db_thread(_members, row.chat_id, {connection.user_id for connection in connections})
        return {connection for connection in connections if connection.user_id in members}

    async def _enter_workspaces(self, user_ids: set[UUID]) -> None:
        """Have these users' connections receive the events of all workspaces that they are in by now."""
        for user_id, workspace_id in await run_in_db_thread(_workspaces, user_ids):
            for connection in self._registry.of_users({user_id}):
                self._registry.enter_workspace(connection, workspace_id)


def _read() -> tuple[datetime.datetime, list[Announcement]]:
    now = database_now()
    rows = Announcement.objects.filter(created_at__gt=now - WINDOW, created_at__lte=now - ON_ITS_WAY).order_by("pk")
    return now, list(rows[:MOST])


def _members(chat_id: UUID, user_ids: set[UUID]) -> set[UUID]:
    if not Chat.objects.filter(pk=chat_id, deleted_at__isnull=True).exists():
        return user_ids
    return set(members_among(chat_id, user_ids))


def _workspaces(user_ids: set[UUID]) -> list[tuple[UUID, UUID]]:
    ids = iter(user_ids)
    found: list[tuple[UUID, UUID]] = []
    while some := list(itertools.islice(ids, 500)):
        rows = WorkspaceMember.objects.order_by().filter(user_id__in=some)
        found += rows.values_list("user_id", "workspace_id")
    return found


def _clear() -> None:
    old = Announcement.objects.filter(created_at__lt=database_now() - KEEP)
    if old.exists():
        old.delete()
