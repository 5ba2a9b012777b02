"""What was announced and has not arrived: the process was killed after the commit, or nobody could reach the broker.

Messages are numbered, and found again by their chats' revisions. All else that a member is told of (chats that come,
go and change, members, notifications) leaves a row in the same transaction, with the layer groups it goes to. Every few
seconds each process reads the rows of the last minute in one query. Where it has not heard one of them in a group that
somebody here listens to, these connections resync. It costs a row for each such event, none for messages, and one query
by an index however many sockets there are.
"""

from __future__ import annotations

import asyncio
import datetime
import itertools
import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from chats.events import DomainEvent, MessageChanged, Reading
from chats.lib.clock import database_now
from chats.models import Chat, WorkspaceMember
from chats.selectors.chats import members_among
from realtime import metrics
from realtime.broker.events import Audience, LayerEvent
from realtime.database import run_in_db_thread
from realtime.frames.chats import layer_events
from realtime.models import Announcement
from realtime.outbox.connection import Connection, resync

if TYPE_CHECKING:
    from realtime.hub.hub import Hub

logger = logging.getLogger(__name__)
WINDOW = datetime.timedelta(seconds=60)  # that a transaction may last from the row to its commit
ON_ITS_WAY = datetime.timedelta(seconds=2)  # that an event may take from the row to this process
KEEP = datetime.timedelta(minutes=10)
CLEAR_EVERY = 60.0  # seconds between two deletions of old rows
MOST = 5_000  # rows of one look; the oldest are read first, the others by the next one
PER_SECOND = 100  # connections that load again in a second


def announce(sender: object, events: Sequence[DomainEvent], **kwargs: Any) -> list[int]:
    """Receive domain events inside their transaction; returns the id of each one's row, or 0 where it needs none."""
    rows = [_row(event) for event in events]
    if any(rows):
        Announcement.objects.bulk_create([row for row in rows if row is not None], batch_size=500)
    return [0 if row is None else row.pk for row in rows]


def _row(event: DomainEvent) -> Announcement | None:
    if isinstance(event, MessageChanged | Reading):
        return None
    told = list(layer_events(event))
    if not told:
        return None
    chat_id = next((part.chat_id for part in told if part.audience is Audience.MEMBERS), None)
    return Announcement(groups=" ".join(sorted({part.group for part in told})), chat_id=chat_id)


class Announcements:
    """Compares what was announced with what this process has heard."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._heard: dict[tuple[int, str], float] = {}
        self._since: dict[str, datetime.datetime] = {}  # groups with listeners here; by this machine's clock
        self._done: set[int] = set()
        self._clear_at = time.monotonic() + CLEAR_EVERY

    def hear(self, event: LayerEvent) -> None:
        """Note an event that has arrived here."""
        self._heard[event.announcement, event.group] = time.monotonic()

    def begin(self, group: str) -> None:
        """Note that somebody here listens to `group` from now on."""
        self._since[group] = timezone.now()

    def end(self, group: str) -> None:
        """Note that nobody here listens to `group` any more."""
        self._since.pop(group, None)

    async def run(self) -> None:
        """Look every FLOWRA_REPAIR_INTERVAL seconds, for ever."""
        while True:
            await asyncio.sleep(settings.FLOWRA_REPAIR_INTERVAL)
            await self.look()
            await self._hub.activity.look()

    async def look(self) -> None:
        """Compare once, and have those resync who listened to a group before something was announced there."""
        asked_at = timezone.now()
        now, rows = await run_in_db_thread(_read)
        ahead = now - asked_at  # how far the database's clock is before ours
        missed: set[Connection] = set()
        for row in rows:
            if row.pk in self._done:
                continue
            for group in row.groups.split():
                since = self._since.get(group)
                if since is not None and since + ahead < row.created_at and (row.pk, group) not in self._heard:
                    missed |= await self._concerned(row, group, self._listening(group))
            self._done.add(row.pk)
        self._done &= {row.pk for row in rows}
        self._forget()
        if missed:
            logger.warning("Changes were announced and did not arrive; %d sockets load again.", len(missed))
            metrics.announcements_missed.inc()
            await self._enter_workspaces({connection.user_id for connection in missed})
            within = min(settings.FLOWRA_RESYNC_WITHIN, len(missed) / PER_SECOND)
            resync(missed, "behind", within=within)
        if time.monotonic() >= self._clear_at:
            self._clear_at = time.monotonic() + CLEAR_EVERY
            await run_in_db_thread(_clear)

    def _forget(self) -> None:
        oldest = time.monotonic() - 2 * WINDOW.total_seconds()
        for key, heard_at in list(self._heard.items()):  # in the order they came
            if heard_at > oldest:
                break
            del self._heard[key]

    def _listening(self, group: str) -> list[Connection]:
        kind, _, name = group.partition(".")
        directory, key = self._hub.directory, UUID(name)
        if kind == "chat":
            room = directory.rooms.get(key)
            return list(room.subscriptions) if room is not None else []
        return list((directory.by_user if kind == "user" else directory.by_workspace).get(key, ()))

    async def _concerned(self, row: Announcement, group: str, listening: list[Connection]) -> set[Connection]:
        """Return those of `listening` who are told of the row: of a chat that is still there, its members."""
        if not listening or row.chat_id is None or not group.startswith("workspace."):
            return set(listening)
        user_ids = {connection.user_id for connection in listening}
        members = await run_in_db_thread(_members, row.chat_id, user_ids)
        return {connection for connection in listening if connection.user_id in members}

    async def _enter_workspaces(self, user_ids: set[UUID]) -> None:
        """Have these users' connections listen to all workspaces that they are in by now."""
        by_user = self._hub.directory.by_user
        for user_id, workspace_id in await run_in_db_thread(_workspaces, user_ids):
            for connection in list(by_user.get(user_id, ())):
                self._hub.directory.enter_workspace(connection, workspace_id)


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
