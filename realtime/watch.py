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
from django.utils import timezone

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
# A stamp is taken before its transaction commits, perhaps on a machine whose clock is behind: so each look goes back
# this far, and what was seen already is remembered for as long.
OVERLAP = datetime.timedelta(seconds=30)


class Watcher:
    """Looks for stamps and notices and has them take effect on this process's sockets."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._seen: dict[tuple[UUID, datetime.datetime], None] = {}
        self._started = timezone.now()

    async def run(self) -> None:
        """Look every FLOWRA_WATCH_INTERVAL seconds, for ever."""
        while True:
            await asyncio.sleep(settings.FLOWRA_WATCH_INTERVAL)
            await self.look()

    async def look(self) -> None:
        """Look once."""
        now = timezone.now()
        since = now - OVERLAP
        stamps, notices = await run_in_db_thread(_newer_than, since)
        for user_id, stamp in stamps:
            if (user_id, stamp) not in self._seen:
                # Noted only once it was done: where the database fails now, the next look tries again.
                await self.check_user(user_id)
                self._seen[user_id, stamp] = None
        for notice in notices:
            key = (notice.pk, notice.created_at)
            if notice.created_at > self._started and key not in self._seen:
                await self._tell(notice)
                self._seen[key] = None
        self._seen = {key: None for key in self._seen if key[1] > since - OVERLAP}

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


def _newer_than(since: datetime.datetime) -> tuple[list[tuple[UUID, datetime.datetime]], list[Notice]]:
    stamps = get_user_model().objects.filter(security_changed_at__gt=since).values_list("pk", "security_changed_at")
    return [(pk, stamp) for pk, stamp in stamps if stamp], list(Notice.objects.filter(created_at__gt=since))


def _workspace_members(workspace_id: UUID, user_ids: set[UUID]) -> set[UUID]:
    members = WorkspaceMember.objects.filter(workspace_id=workspace_id, user_id__in=user_ids)
    return set(members.values_list("user_id", flat=True))
