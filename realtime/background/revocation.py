"""What must reach open sockets from anywhere, with or without a broker.

Users who may have lost a credential, a chat or a workspace carry a stamp (`User.security_changed_at`), notices from the
operators are rows. Twice a second each process looks for newer ones than it has seen, so that within a second of the
commit a socket is closed, or hears nothing more of what its user has lost.

A stamp may be older than any look goes back to, because its transaction waited for a lock or the database's clock was
set back. So each look also compares the stamps of some of the users who are connected here with what is known of them.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import logging
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Q

from chats.lib.clock import database_now
from chats.models import ChatMember, WorkspaceMember
from realtime.credentials import is_valid
from realtime.database import run_in_db_thread
from realtime.models import Notice
from realtime.outbox.connection import Connection, resync
from realtime.outbox.frame import Frame
from realtime.protocol import frames
from realtime.protocol.frames import CloseCode

if TYPE_CHECKING:
    from realtime.hub.connections import Directory

logger = logging.getLogger(__name__)
# A stamp is taken before its transaction commits: so each look goes back this far by the database's clock, and what was
# seen already is remembered for as long.
OVERLAP = datetime.timedelta(seconds=30)
NOTICE_OVERLAP = datetime.timedelta(hours=1)  # notices are few
COMPARED = 500  # users whose stamps a look compares: below this number of them, all at each look; about 5 ms


Stamp = datetime.datetime | None  # None: nothing was ever taken from the user


@dataclasses.dataclass(frozen=True, slots=True)
class _Found:
    """What a look has read: stamps by user, those of them from the last OVERLAP, and notices."""

    stamps: dict[UUID, Stamp]
    late: set[tuple[UUID, Stamp]]
    notices: list[Notice]


class Watcher:
    """Looks for stamps and notices and has them take effect on this process's sockets."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._seen: set[tuple[UUID, Stamp]] = set()
        # Kept for ever, few as they are: were the database's clock set back, old ones would be found anew. None: what
        # the first look finds was there before, and nobody is told of it.
        self._notices: set[UUID] | None = None
        self._to_compare: list[UUID] = []

    async def run(self) -> None:
        """Look every FLOWRA_WATCH_INTERVAL seconds, for ever."""
        while True:
            await self.look()
            await asyncio.sleep(settings.FLOWRA_WATCH_INTERVAL)

    async def look(self) -> None:
        """Look once."""
        compared = self._next_to_compare()
        found = await run_in_db_thread(_read_latest, compared, everything=self._notices is None)
        for user_id in compared:
            if user_id not in found.stamps:  # the user was deleted
                await self.check_user(user_id)
        for user_id, stamp in found.stamps.items():
            is_new = (user_id, stamp) in found.late and (user_id, stamp) not in self._seen
            if is_new or self._is_behind(user_id, stamp):
                # Noted only once it was done: where the database fails now, the next look tries again.
                await self._check_up_to(user_id, stamp)
                self._seen.add((user_id, stamp))
        self._seen &= found.late  # what is not found any more will not be found again
        if self._notices is None:
            self._notices = {notice.pk for notice in found.notices}
        for notice in found.notices:
            if notice.pk not in self._notices:
                await self._tell(notice)
                self._notices.add(notice.pk)

    def _next_to_compare(self) -> list[UUID]:
        """Return whose stamps are compared in this look; all who are connected have their turn."""
        if not self._to_compare:
            self._to_compare = list(self._directory.by_user)
        compared = self._to_compare[-COMPARED:]
        del self._to_compare[-COMPARED:]
        return [user_id for user_id in compared if user_id in self._directory.by_user]

    def _is_behind(self, user_id: UUID, stamp: Stamp) -> bool:
        return any(connection.checked_at != stamp for connection in self._directory.by_user.get(user_id, ()))

    async def _check_up_to(self, user_id: UUID, stamp: Stamp) -> None:
        """Check a user's sockets, and note that they are checked up to this stamp, which was read before."""
        checked = [(one, one.credential) for one in self._directory.by_user.get(user_id, ())]
        await self.check_user(user_id)
        for connection, credential in checked:
            if connection.credential is credential:  # `auth` may have brought another one, which was not looked at
                connection.checked_at = stamp

    async def check_user(self, user_id: UUID) -> None:
        """Close those of a user's sockets whose credential is not good any more; the others lose what the user lost."""
        for connection in list(self._directory.by_user.get(user_id, ())):
            if not await run_in_db_thread(is_valid, connection.credential):
                connection.end(CloseCode.UNAUTHENTICATED)
        await self._check_access(user_id)

    async def _check_access(self, user_id: UUID) -> None:
        """Put a user's sockets out of the chats and workspaces that the user is not in any more.

        The event of a removal does that at once. Here it is for a removal whose event nobody could send.
        """
        rooms = self._directory.rooms
        connections = list(self._directory.by_user.get(user_id, ()))
        chats = [(connection, chat_id) for connection in connections for chat_id in connection.chats]
        # Who subscribes again while the query runs has read their membership later than the query did.
        asked = {
            (connection, chat_id): rooms[chat_id].subscriptions.get(connection)
            for connection, chat_id in chats
            if chat_id in rooms
        }
        workspaces = [(connection, place_id) for connection in connections for place_id in connection.workspaces]
        if not asked and not workspaces:
            return
        left = await run_in_db_thread(
            _memberships, user_id, {chat_id for _, chat_id in asked}, {workspace_id for _, workspace_id in workspaces}
        )
        put_out: set[Connection] = set()
        for (connection, chat_id), subscription in asked.items():
            room = rooms.get(chat_id)
            if chat_id not in left and room is not None and room.subscriptions.get(connection) is subscription:
                self._directory.evict(connection, chat_id)
                put_out.add(connection)
        for connection, workspace_id in workspaces:
            if workspace_id not in left:
                self._directory.leave_workspace(connection, workspace_id)
        # One user's sockets: there is nothing to spread over time.
        resync(put_out, "removed", within=0)

    async def _tell(self, notice: Notice) -> None:
        notice_frame = frames.Notice(level=frames.NoticeLevel(notice.level), text=notice.text)
        frame = Frame(frames.encode(notice_frame))
        connections = self._directory.connections
        if notice.workspace_id is not None:
            members = await run_in_db_thread(_workspace_members, notice.workspace_id, set(self._directory.by_user))
            connections = {connection for connection in connections if connection.user_id in members}
        for connection in list(connections):
            connection.outbox.put(frame)


async def recheck_connection(directory: Directory, connection: Connection) -> None:
    """Look once more at what was read before the hub knew the connection, or its new credential.

    Whatever was taken from the user in between was told to nobody, however long the broker took.
    """
    stamp, workspace_ids = await run_in_db_thread(_read_standing, connection.user_id)
    for workspace_id in workspace_ids - connection.workspaces:
        directory.enter_workspace(connection, workspace_id)
    for workspace_id in connection.workspaces - workspace_ids:
        directory.leave_workspace(connection, workspace_id)
    if stamp == connection.checked_at:
        return
    if await run_in_db_thread(is_valid, connection.credential):
        connection.checked_at = stamp
    else:
        connection.end(CloseCode.UNAUTHENTICATED)


def _read_standing(user_id: UUID) -> tuple[Stamp, set[UUID]]:
    """Return a user's stamp and workspaces, in one statement; of somebody who is gone, nothing."""
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
