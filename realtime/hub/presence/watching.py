"""Whom each connection here watches, and their changes, wherever in the cluster they happen.

A watched person shares a chat with the watcher, so they share its workspace, and the workspace's group brings their
changes to this process. Each change names the chats that its user is in by then: it is passed on where the watcher is
in one of them.
"""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from collections.abc import Collection, Iterable
from uuid import UUID

from presence.changes import PresenceBatch, PresenceEntry
from presence.selectors import Watched, read_chats_of, read_watched
from realtime import metrics
from realtime.database import run_in_db_thread
from realtime.hub.connections import ConnectionRegistry
from realtime.hub.room_presence import Rounds
from realtime.outbox.connection import Connection
from realtime.outbox.frame import Frame
from realtime.outbox.presence import portions
from realtime.protocol.frames import Priority, encode
from realtime.protocol.presence import PresenceUsers

COLLECT = 0.2  # seconds that changes are collected, as in rooms (hub/presence/feed.py)
READ_TRIES = 5  # readings of people while their watcher is removed from chats
USERS_PER_QUERY = 500
MAX_HELD = 1_000  # changes that wait for a reading; beyond them it is read again


class CannotWatch(Exception):
    """The connection's chats changed during each of READ_TRIES readings."""


@dataclasses.dataclass(slots=True, eq=False)
class Watch:
    """Whom one connection watches.

    `versions` has for each of them the version that the connection was told last, and `chats` are those in which the
    connection's user is. `held` are changes that came during the reading, each with the chats of its user.
    """

    versions: dict[UUID, int]
    chats: frozenset[UUID] = frozenset()
    held: list[tuple[PresenceEntry, Collection[UUID]]] | None = dataclasses.field(default_factory=list)
    is_stale: bool = False  # what is being read has to be read again

    def hold(self, change: PresenceEntry, chats: Collection[UUID]) -> None:
        """Keep a change until the reading is over."""
        if self.held is None:
            return
        self.held.append((change, chats))
        if len(self.held) > MAX_HELD:
            self.held.clear()
            self.is_stale = True

    def admit(self, change: PresenceEntry, chats: Collection[UUID]) -> bool:
        """Note a change of somebody in these chats; returns whether the connection is to be told of it."""
        known = self.versions.get(change.user_id)
        if known is None or change.version <= known or self.chats.isdisjoint(chats):
            return False
        self.versions[change.user_id] = change.version
        return True


class WatchFeed:
    """Collects changes and sends them to those who watch."""

    def __init__(self, registry: ConnectionRegistry) -> None:
        self._registry = registry
        self._watches: dict[Connection, Watch] = {}
        self._watchers: dict[UUID, set[Connection]] = {}  # by whom they watch
        self._waiting: dict[Connection, Rounds] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._unchecked: set[UUID] = set()
        self._wake = asyncio.Event()

    def stop(self) -> None:
        """Send nothing more."""
        if self._timer is not None:
            self._timer.cancel()

    # --- Who watches whom -----------------------------------------------------------------------

    def begin(self, connection: Connection, user_ids: Collection[UUID]) -> None:
        """Watch these users from now on, instead of those before; their changes are held back until `release`."""
        self._registry.begin_watching(connection)
        self.forget(connection)
        self._index(connection, Watch(dict.fromkeys(user_ids, -1)))

    async def read(self, connection: Connection) -> list[PresenceEntry]:
        """Return those of the users whom the connection may watch; the others are not watched.

        Raises RegistryUnavailable, CannotWatch.
        """
        watch = self._watches[connection]
        for _ in range(READ_TRIES):
            watch.is_stale = False
            found: Watched = await run_in_db_thread(read_watched, connection.user_id, list(watch.versions))
            if not watch.is_stale and self._watches.get(connection) is watch:
                break
        else:
            raise CannotWatch
        self._unindex(connection)
        watch.versions = {entry.user_id: entry.version for entry in found.people}
        watch.chats = found.chats
        self._index(connection, watch)
        return found.people

    def release(self, connection: Connection) -> None:
        """Let changes through: the connection was told the state of those whom it watches."""
        watch = self._watches[connection]
        held, watch.held = watch.held, None
        for change, chats in held or ():
            self._add(connection, watch, change, chats)

    def forget(self, connection: Connection) -> None:
        """Watch nobody for this connection any more."""
        self._waiting.pop(connection, None)
        self._unindex(connection)

    def ask_recheck(self, user_ids: Iterable[UUID]) -> None:
        """Have `recheck` called soon for these users, who are in another chat now."""
        self._unchecked.update(user_ids)
        self._wake.set()

    async def run(self) -> None:
        """Do what `ask_recheck` asks for, for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._unchecked:
                some = set(itertools.islice(self._unchecked, USERS_PER_QUERY))
                await self.recheck(some)  # the database may fail: the restarted task goes on with them
                self._unchecked -= some

    async def recheck(self, user_ids: Collection[UUID]) -> None:
        """Read again which chats these users are in, at most USERS_PER_QUERY: they were removed from some, or added."""
        mine = [(one, self._watches[one]) for one in self._registry.of_users(set(user_ids)) if one in self._watches]
        if not mine:
            return
        for _, watch in mine:
            watch.is_stale = True
        chats = await run_in_db_thread(read_chats_of, {connection.user_id for connection, _ in mine})
        for connection, watch in mine:
            if self._watches.get(connection) is watch and watch.held is None:
                watch.chats = chats.get(connection.user_id, frozenset())

    def _index(self, connection: Connection, watch: Watch) -> None:
        self._watches[connection] = watch
        for user_id in watch.versions:
            self._watchers.setdefault(user_id, set()).add(connection)
        metrics.watched.inc(len(watch.versions))

    def _unindex(self, connection: Connection) -> None:
        watch = self._watches.pop(connection, None)
        if watch is None:
            return
        for user_id in watch.versions:
            watchers = self._watchers[user_id]
            watchers.discard(connection)
            if not watchers:
                del self._watchers[user_id]
        metrics.watched.dec(len(watch.versions))

    # --- Changes --------------------------------------------------------------------------------

    def put(self, batch: PresenceBatch) -> None:
        """Add announced changes, to be sent within COLLECT seconds to who watches these users and may."""
        watched = {
            position: watchers
            for position, change in enumerate(batch.changes)
            if (watchers := self._watchers.get(change.user_id))
        }
        if not watched:
            return
        chats: dict[int, set[UUID]] = {position: set() for position in watched}
        for chat in batch.chats:
            for position in chat.positions:
                if position in chats:
                    chats[position].add(chat.chat_id)
        for position, watchers in watched.items():
            for connection in watchers:
                self._add(connection, self._watches[connection], batch.changes[position], chats[position])

    def _add(self, connection: Connection, watch: Watch, change: PresenceEntry, chats: Collection[UUID]) -> None:
        if watch.held is not None:
            watch.hold(change, chats)
        elif watch.admit(change, chats):
            if connection not in self._waiting:
                self._waiting[connection] = Rounds()
            self._waiting[connection].add(change)
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(COLLECT, self._flush)

    def _flush(self) -> None:
        """Send what was collected. Many watch the same people: a frame is made once for all who get the same."""
        self._timer = None
        waiting, self._waiting = self._waiting, {}
        frames: dict[tuple[int, ...], list[Frame]] = {}
        for connection, rounds in waiting.items():
            for changes in rounds.pop():
                key = tuple(change.version for change in changes)  # no two changes have the same
                if key not in frames:
                    frames[key] = [_frame(list(some)) for some in portions(changes)]
                for frame in frames[key]:
                    connection.outbox.put(frame)


def _frame(changes: list[PresenceEntry]) -> Frame:
    return Frame(encode(PresenceUsers(users=changes)), Priority.PRESENCE)
