"""Revocations and notices, polled from the database: they reach open sockets with or without a broker.

A user who may have lost a credential, a chat or a workspace has a stamp (`User.security_changed_at`); a notice from the
operators is a row. Each process polls for new ones twice a second, so that within a second of the commit a socket is
closed, or gets nothing more of what its user has lost.

A stamp may be older than the time a poll goes back, because its transaction waited for a lock or the database's clock
was set back. So each poll also compares the stamps of some connected users with the ones their connections have.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import logging
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Q

from chats.lib.clock import database_now
from chats.models import ChatMember, WorkspaceMember
from realtime.credentials import is_valid
from realtime.database import run_in_db_thread
from realtime.hub.connections import ConnectionRegistry
from realtime.hub.presence.watching import WatchFeed
from realtime.models import Notice
from realtime.outbox.connection import Connection, resync
from realtime.outbox.frame import Frame
from realtime.protocol import frames
from realtime.protocol.frames import CloseCode

logger = logging.getLogger(__name__)
# A stamp is taken before its transaction commits, so each poll goes back this far by the database's clock, and what it
# has seen is remembered for as long.
OVERLAP = datetime.timedelta(seconds=30)
NOTICE_OVERLAP = datetime.timedelta(hours=1)  # notices are few
COMPARED = 500  # users whose stamps one poll compares, which takes about 5 ms

Stamp = datetime.datetime | None  # None: the user has never lost anything


@dataclasses.dataclass(frozen=True, slots=True)
class _Found:
    """What a poll has read: stamps by user, those of them from the last OVERLAP, and notices."""

    stamps: dict[UUID, Stamp]
    late: set[tuple[UUID, Stamp]]
    notices: list[Notice]


class RevocationPoller:
    """Polls stamps and notices and applies them to this process's connections."""

    def __init__(self, registry: ConnectionRegistry, watching: WatchFeed | None = None) -> None:
        self._registry = registry
        self._watching = watching
        self._seen: set[tuple[UUID, Stamp]] = set()
        # Never cleared, few as they are: if the database's clock is set back, old ones are found anew. None until the
        # first poll, which sends none of what it finds: those notices are older than this process.
        self._notices: set[UUID] | None = None
        self._to_compare: list[UUID] = []

    async def run(self) -> None:
        """Poll every FLOWRA_WATCH_INTERVAL seconds, for ever."""
        while True:
            await self.poll()
            await asyncio.sleep(settings.FLOWRA_WATCH_INTERVAL)

    async def poll(self) -> None:
        """Poll once."""
        compared = self._next_to_compare()
        found = await run_in_db_thread(_read_latest, compared, everything=self._notices is None)
        for user_id in {user_id for user_id, _ in found.late - self._seen} | self._behind(compared, found):
            if user_id not in found.stamps:  # the user was deleted
                await self.check_user(user_id)
                continue
            # Noted after it was done: if the database fails now, the next poll tries again.
            stamp = found.stamps[user_id]
            await self._check_up_to(user_id, stamp)
            self._seen.add((user_id, stamp))
        self._seen &= found.late  # what is not found any more will not be found again
        if self._notices is None:
            self._notices = {notice.pk for notice in found.notices}
        for notice in found.notices:
            if notice.pk not in self._notices:
                await self._send_notice(notice)
                self._notices.add(notice.pk)

    def _next_to_compare(self) -> list[UUID]:
        """Return the users whose stamps this poll compares; in a few polls it is all who are connected."""
        if not self._to_compare:
            self._to_compare = list(self._registry.by_user)
        compared = self._to_compare[-COMPARED:]
        del self._to_compare[-COMPARED:]
        return compared

    def _behind(self, compared: list[UUID], found: _Found) -> set[UUID]:
        """Return those of these users who were deleted, or have a connection that was checked at another stamp."""
        behind: set[UUID] = set()
        by_user, stamps, deleted = self._registry.by_user, found.stamps, object()
        for user_id in compared:  # hundreds in each poll: one look-up each
            stamp = stamps.get(user_id, deleted)
            for connection in by_user.get(user_id, ()):
                if connection.checked_at != stamp:
                    behind.add(user_id)
        return behind

    async def _check_up_to(self, user_id: UUID, stamp: Stamp) -> None:
        """Check a user's connections, and note that they are checked up to this stamp, which was read before."""
        checked = [(one, one.credential) for one in self._registry.by_user.get(user_id, ())]
        await self.check_user(user_id)
        for connection, credential in checked:
            if connection.credential is credential:  # `auth` may have brought another one, which was not checked
                connection.checked_at = stamp

    async def check_user(self, user_id: UUID) -> None:
        """Close a user's connections whose credential is not valid any more; the others lose what the user lost."""
        for connection in list(self._registry.by_user.get(user_id, ())):
            if not await run_in_db_thread(is_valid, connection.credential):
                connection.end(CloseCode.UNAUTHENTICATED)
        await self._check_access(user_id)
        if self._watching is not None:
            await self._watching.recheck([user_id])

    async def _check_access(self, user_id: UUID) -> None:
        """End a user's subscriptions to chats and workspaces that the user is not in any more.

        The event of a removal does that at once. This is for a removal whose event could not be sent.
        """
        rooms = self._registry.rooms
        connections = list(self._registry.by_user.get(user_id, ()))
        # A connection that subscribes again while the query runs reads its membership later than the query.
        asked = {
            (connection, chat_id): rooms[chat_id].subscriptions.get(connection)
            for connection in connections
            for chat_id in connection.chats
            if chat_id in rooms
        }
        workspaces = [(connection, key) for connection in connections for key in connection.workspaces]
        if not asked and not workspaces:
            return
        left = await run_in_db_thread(
            _memberships, user_id, {chat_id for _, chat_id in asked}, {workspace_id for _, workspace_id in workspaces}
        )
        removed: set[Connection] = set()
        for (connection, chat_id), subscription in asked.items():
            if chat_id not in left and subscription is not None and not subscription.has_ended:
                self._registry.unsubscribe(connection, chat_id)
                removed.add(connection)
        for connection, workspace_id in workspaces:
            if workspace_id not in left:
                self._registry.leave_workspace(connection, workspace_id)
        # One user's connections: no need to spread their requests over time.
        resync(removed, "removed", within=0)

    async def _send_notice(self, notice: Notice) -> None:
        notice_frame = frames.Notice(level=frames.NoticeLevel(notice.level), text=notice.text)
        frame = Frame(frames.encode(notice_frame))
        connections = self._registry.connections
        if notice.workspace_id is not None:
            members = await run_in_db_thread(_workspace_members, notice.workspace_id, set(self._registry.by_user))
            connections = {connection for connection in connections if connection.user_id in members}
        for connection in list(connections):
            connection.outbox.put(frame)


async def recheck_connection(registry: ConnectionRegistry, connection: Connection) -> None:
    """Read again what was read before the connection was registered, or before it had its new credential.

    What the user lost in between, however long the broker took, reached no connection of this process.
    """
    stamp, workspace_ids = await run_in_db_thread(_read_standing, connection.user_id)
    for workspace_id in workspace_ids - connection.workspaces:
        registry.enter_workspace(connection, workspace_id)
    for workspace_id in connection.workspaces - workspace_ids:
        registry.leave_workspace(connection, workspace_id)
    if stamp == connection.checked_at:
        return
    if await run_in_db_thread(is_valid, connection.credential):
        connection.checked_at = stamp
    else:
        connection.end(CloseCode.UNAUTHENTICATED)


def _read_standing(user_id: UUID) -> tuple[Stamp, set[UUID]]:
    """Return a user's stamp and workspaces, in one statement; none of both for a user who was deleted."""
    rows = get_user_model().objects.order_by().filter(pk=user_id)
    found = list(rows.values_list("security_changed_at", "workspace_memberships__workspace_id"))
    return (found[0][0] if found else None), {workspace_id for _, workspace_id in found if workspace_id is not None}


def _read_latest(user_ids: list[UUID], *, everything: bool) -> _Found:
    """Return the stamps of these users, all late ones, and the notices of the last hour, or with `everything` all."""
    now = database_now()
    since = now - OVERLAP
    wanted = Q(security_changed_at__gt=since) | Q(pk__in=user_ids)
    stamps = dict(get_user_model().objects.order_by().filter(wanted).values_list("pk", "security_changed_at"))
    notices = Notice.objects.all() if everything else Notice.objects.filter(created_at__gt=now - NOTICE_OVERLAP)
    late: set[tuple[UUID, Stamp]] = {
        (user_id, stamp) for user_id, stamp in stamps.items() if stamp is not None and stamp > since
    }
    return _Found(stamps, late, list(notices))


def _memberships(user_id: UUID, chat_ids: set[UUID], workspace_ids: set[UUID]) -> set[UUID]:
    """Return those of these chats and workspaces that the user is in."""
    chats = ChatMember.objects.filter(user_id=user_id, chat_id__in=chat_ids).values_list("chat_id", flat=True)
    workspaces = WorkspaceMember.objects.order_by().filter(user_id=user_id, workspace_id__in=workspace_ids)
    return {*chats, *workspaces.values_list("workspace_id", flat=True)}


def _workspace_members(workspace_id: UUID, user_ids: set[UUID]) -> set[UUID]:
    members = WorkspaceMember.objects.filter(workspace_id=workspace_id, user_id__in=user_ids)
    return set(members.values_list("user_id", flat=True))
