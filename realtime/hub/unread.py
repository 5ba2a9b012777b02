"""Unread counts, and changes of a chat, for members who are not subscribed to it.

A post sends one small event to its workspace's group, not one per member. Each process finds its own users' counts in
one query for all chats of a round, once a second at most. Subscribers count posts by themselves: they are sent counts
only when a message that they have not read was deleted, or their mentions changed. Who has a chat in the background is
sent its counts as if they were not subscribed.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
from collections import deque
from uuid import UUID

from chats.lib.clock import database_now
from chats.models import Chat
from chats.selectors.chats import members_among
from chats.selectors.unread import UnreadState, unread_counts
from realtime.broker.events import Audience, LayerEvent
from realtime.database import run_in_db_thread
from realtime.hub.connections import ConnectionRegistry
from realtime.outbox.connection import Connection, resync
from realtime.outbox.frame import Frame
from realtime.protocol.frames import Unread

ROUND = 1.0  # seconds between two rounds
MAX_CHANGES = 1_000  # changes of chats waiting for a round
_USERS_PER_QUERY = 500
RECENT = datetime.timedelta(seconds=60)  # that a post may take from its row's lock to its commit, and to be found
MOST_RECENT = 5_000  # chats that one call of `find_missed` reads
MOST_REMEMBERED = 50_000  # chats whose last revision is remembered; the others' counts are sent once more


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """What happened in a chat since the last round that subscribers cannot count by themselves.

    `user_ids` are those whose mentions changed, `deleted_seq` is the `seq` of the latest message that was deleted.
    """

    user_ids: set[UUID] = dataclasses.field(default_factory=set)
    deleted_seq: int = 0

    def merged(self, other: Change) -> Change:
        """Return both in one."""
        return Change(self.user_ids | other.user_ids, max(self.deleted_seq, other.deleted_seq))

    @property
    def is_for_subscribers(self) -> bool:
        """Whether it may change the counts of members who are subscribed."""
        return bool(self.user_ids or self.deleted_seq)

    def affects(self, count: UnreadState) -> bool:
        """Whether this member's counts have changed by it although they are subscribed."""
        return count.user_id in self.user_ids or count.last_read_seq < self.deleted_seq


class UnreadFeed:
    """Collects events and sends them to local users: counts in rounds, changes of chats in order."""

    def __init__(self, registry: ConnectionRegistry) -> None:
        self._registry = registry
        self._busy_chats: dict[UUID, dict[UUID, Change]] = {}  # by workspace, then by chat
        self._read_meanwhile: set[tuple[UUID, UUID]] = set()  # user and chat, since the last counts were asked for
        self._changes: deque[LayerEvent] = deque()
        self._revisions: dict[UUID, int] = {}  # by chat, up to which one counts were sent, or will be
        self._chats_wake = asyncio.Event()
        self._changes_wake = asyncio.Event()

    def put(self, event: LayerEvent) -> None:
        """Add an event for UNREAD or MEMBERS; the same chat twice in a round counts once."""
        if event.workspace_id is None or event.chat_id is None or event.workspace_id not in self._registry.by_workspace:
            return
        if event.audience is Audience.UNREAD:
            self._note(event.chat_id, event.revision)
            self._add_change(event.workspace_id, event.chat_id, Change(set(event.user_ids), event.deleted_seq))
        else:
            if len(self._changes) >= MAX_CHANGES:
                self._give_up_changes()
            self._changes.append(event)
            self._changes_wake.set()

    def put_read(self, event: LayerEvent) -> None:
        """Add an event for USER: if it says that somebody read a chat, no older count may be sent after it.

        A count that was asked for before they read is asked for again, and so is theirs if the chat has a later
        revision than the one they read.
        """
        if event.workspace_id is None or event.chat_id is None:
            return
        self._read_meanwhile.update((user_id, event.chat_id) for user_id in event.user_ids)
        if self._revisions.get(event.chat_id, 0) > event.revision:
            self._add_change(event.workspace_id, event.chat_id, Change(set(event.user_ids)))

    def _add_change(self, workspace_id: UUID, chat_id: UUID, change: Change) -> None:
        chats = self._busy_chats.setdefault(workspace_id, {})
        chats[chat_id] = change if chat_id not in chats else chats[chat_id].merged(change)
        self._chats_wake.set()

    async def find_missed(self) -> None:
        """Find chats with posts whose events did not arrive here, in one query, and have their counts sent."""
        workspace_ids = set(self._registry.by_workspace)
        if not workspace_ids:
            return
        for chat_id, workspace_id, revision in await run_in_db_thread(_recent_chats, workspace_ids):
            if self._revisions.get(chat_id, 0) < revision:
                self._note(chat_id, revision)
                self._add_change(workspace_id, chat_id, Change())

    def _note(self, chat_id: UUID, revision: int) -> None:
        self._revisions[chat_id] = max(revision, self._revisions.pop(chat_id, 0))
        if len(self._revisions) > MOST_REMEMBERED:
            del self._revisions[next(iter(self._revisions))]

    def _give_up_changes(self) -> None:
        """Drop all changes that wait; the clients they may concern load again."""
        workspace_ids = {event.workspace_id for event in self._changes if event.workspace_id is not None}
        self._changes.clear()
        resync(self._registry.of_workspaces(workspace_ids), "overload")

    async def run_changes(self) -> None:
        """Send changes of chats to their members, in order, for ever."""
        while True:
            await self._changes_wake.wait()
            self._changes_wake.clear()
            while self._changes:
                event = self._changes.popleft()
                try:
                    await self._send_change(event)
                except Exception:
                    self._changes.appendleft(event)  # the database failed: the restarted task goes on with it
                    self._changes_wake.set()
                    raise

    async def run_unread(self) -> None:
        """Send new unread counts, one round after the other, for ever."""
        while True:
            await self._chats_wake.wait()
            self._chats_wake.clear()
            for workspace_id in list(self._busy_chats):
                chats = self._busy_chats.pop(workspace_id)
                try:
                    await self._send_unread(workspace_id, chats)
                except Exception:
                    for chat_id, change in chats.items():  # as above
                        self._add_change(workspace_id, chat_id, change)
                    raise
            await asyncio.sleep(ROUND)

    async def _send_change(self, event: LayerEvent) -> None:
        """Send a change of a chat to its members here who are not subscribed; `user_ids` names them if given."""
        if event.workspace_id is None or event.chat_id is None:
            return
        user_ids = self._users_outside(event.workspace_id, event.chat_id)
        if event.user_ids:
            members = user_ids & set(event.user_ids)
        else:
            members = set()
            for some in _batches(user_ids):
                members |= await run_in_db_thread(members_among, event.chat_id, some)
        frame = Frame(event.payload)
        for connection in self._connections_outside(members, event.chat_id):
            connection.outbox.put(frame)

    async def _send_unread(self, workspace_id: UUID, chats: dict[UUID, Change]) -> None:
        # Who counts by themselves in all of these chats is counted only where that can have changed their counts.
        user_ids = {
            connection.user_id
            for connection in self._registry.by_workspace.get(workspace_id, ())
            if any(change.is_for_subscribers or not connection.counts(chat_id) for chat_id, change in chats.items())
        }
        for some in _batches(user_ids):
            self._read_meanwhile.clear()
            for count in await run_in_db_thread(unread_counts, list(chats), some):
                change = chats[count.chat_id]
                if (count.user_id, count.chat_id) in self._read_meanwhile:
                    self._add_change(workspace_id, count.chat_id, change)  # they have read since: count again
                else:
                    self._send_count(count, change)

    def _send_count(self, count: UnreadState, change: Change) -> None:
        frame = unread_frame(count)
        for connection in list(self._registry.by_user.get(count.user_id, ())):
            if not connection.counts(count.chat_id) or change.affects(count):
                connection.send(frame)

    def _users_outside(self, workspace_id: UUID, chat_id: UUID) -> set[UUID]:
        inside = self._registry.by_workspace.get(workspace_id, ())
        return {connection.user_id for connection in inside if chat_id not in connection.chats}

    def _connections_outside(self, user_ids: set[UUID], chat_id: UUID) -> list[Connection]:
        return [connection for connection in self._registry.of_users(user_ids) if chat_id not in connection.chats]


def unread_frame(count: UnreadState) -> Unread:
    """Return the `chat.unread` frame for a count."""
    return Unread(
        chat_id=count.chat_id,
        last_read_seq=count.last_read_seq,
        unread_count=count.unread_count,
        mention_count=count.mention_count,
    )


def _recent_chats(workspace_ids: set[UUID]) -> list[tuple[UUID, UUID, int]]:
    """Return id, workspace and revision of the chats of these workspaces in which somebody has just posted."""
    rows = Chat.objects.filter(workspace_id__in=workspace_ids, last_message_at__gt=database_now() - RECENT)
    return list(rows.order_by("-last_message_at").values_list("pk", "workspace_id", "revision")[:MOST_RECENT])


def _batches(user_ids: set[UUID]) -> list[list[UUID]]:
    ids = list(user_ids)
    return [ids[start : start + _USERS_PER_QUERY] for start in range(0, len(ids), _USERS_PER_QUERY)]
