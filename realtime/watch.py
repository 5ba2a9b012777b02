"""What must reach open sockets from anywhere, with or without a broker.

Users whose credentials may have died carry a stamp (`User.security_changed_at`), notices from the operators are rows.
Every second each process looks for newer ones than it has seen.
"""

from __future__ import annotations

import asyncio
import datetime
import logging
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model

from chats.clock import database_now
from chats.models import WorkspaceMember
from realtime import protocol
from realtime.auth import is_still_good
from realtime.db import run_in_db_thread
from realtime.models import Notice
from realtime.outbox import Frame
from realtime.protocol import CloseCode

if TYPE_CHECKING:
    from realtime.directory import Directory

logger = logging.getLogger(__name__)
# A stamp is taken before its transaction commits: so each look goes back this far by the database's clock, and what was
# seen already is remembered for as long.
OVERLAP = datetime.timedelta(seconds=30)


class Watcher:
    """Looks for stamps and notices and has them take effect on this process's sockets."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._seen: set[tuple[UUID, datetime.datetime]] = set()
        # Kept for ever, few as they are: were the database's clock set back, old ones would be found anew. None: what
        # the first look finds was there before, and nobody is told of it.
        self._notices: set[UUID] | None = None

    async def run(self) -> None:
        """Look every FLOWRA_WATCH_INTERVAL seconds, for ever."""
        while True:
            await self.look()
            await asyncio.sleep(settings.FLOWRA_WATCH_INTERVAL)

    async def look(self) -> None:
        """Look once."""
        stamps, notices = await run_in_db_thread(_read_latest)
        for user_id, stamp in stamps:
            if (user_id, stamp) not in self._seen:
                # Noted only once it was done: where the database fails now, the next look tries again.
                await self.check_user(user_id)
                self._seen.add((user_id, stamp))
        self._seen &= set(stamps)  # what is not found any more will not be found again
        if self._notices is None:
            self._notices = {notice.pk for notice in notices}
        for notice in notices:
            if notice.pk not in self._notices:
                await self._tell(notice)
                self._notices.add(notice.pk)

    async def check_user(self, user_id: UUID) -> None:
        """Close those of a user's sockets whose credential is not good any more."""
        for connection in list(self._directory.by_user.get(user_id, ())):
            if not await run_in_db_thread(is_still_good, connection.credential):
                connection.end(CloseCode.UNAUTHENTICATED)

    async def _tell(self, notice: Notice) -> None:
        notice_frame = protocol.Notice(level=protocol.NoticeLevel(notice.level), text=notice.text)
        frame = Frame(protocol.encode(notice_frame))
        connections = self._directory.connections
        if notice.workspace_id is not None:
            members = await run_in_db_thread(_workspace_members, notice.workspace_id, set(self._directory.by_user))
            connections = {connection for connection in connections if connection.user_id in members}
        for connection in list(connections):
            connection.outbox.put(frame)


def _read_latest() -> tuple[list[tuple[UUID, datetime.datetime]], list[Notice]]:
    since = database_now() - OVERLAP
    stamps = get_user_model().objects.filter(security_changed_at__gt=since).values_list("pk", "security_changed_at")
    return [(pk, stamp) for pk, stamp in stamps if stamp], list(Notice.objects.filter(created_at__gt=since))


def _workspace_members(workspace_id: UUID, user_ids: set[UUID]) -> set[UUID]:
    members = WorkspaceMember.objects.filter(workspace_id=workspace_id, user_id__in=user_ids)
    return set(members.values_list("user_id", flat=True))
