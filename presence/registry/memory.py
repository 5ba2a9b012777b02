"""The registry in the memory of one process, and the reference for the Lua scripts beside it.

A store stands for a Redis server: tests share one among several registries, empty it, and put it back to an earlier
state. Times are whole milliseconds, as in Redis.
"""

from __future__ import annotations

import dataclasses
import threading
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from uuid import UUID

from typing_extensions import override

from presence.exceptions import LeaseLost, RegistryUnavailable
from presence.registry.base import (
    CONFIRM_WITHIN,
    MAX_STEP,
    MAX_UNCONFIRMED,
    REAP_LIMIT,
    SETTLE,
    Edge,
    ProcessInfo,
    ProcessState,
    Reaped,
    Registration,
    Registry,
    UserState,
)


def milliseconds(seconds: float) -> int:
    """Return whole milliseconds."""
    return round(seconds * 1000)


@dataclasses.dataclass(slots=True)
class _Process:
    info: ProcessInfo
    lease_until: int
    number: int = 0  # of the last update
    holds: dict[UUID, int] = dataclasses.field(default_factory=dict)
    kicks: dict[UUID, None] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(slots=True)
class _Pending:
    edge: Edge
    available_at: int


class Store:
    """The data of a registry."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.clear()

    def clear(self) -> None:
        """Delete everything, as FLUSHALL does."""
        self.epoch = ""
        self.serial = 0  # the last version given out
        self.base = 0  # the version of users who have none in this epoch
        self.settled_at = 0
        self.clock = 0  # registry time: advances with the wall clock, by at most MAX_STEP between two calls
        self.wall = 0
        self.processes: dict[str, _Process] = {}
        self.users: dict[UUID, UserState] = {}
        self.holders: dict[UUID, set[str]] = {}
        self.leaving: dict[UUID, int] = {}
        self.pending: dict[int, _Pending] = {}  # by version
        self.unconfirmed: dict[UUID, list[int]] = {}

    @property
    def is_settled(self) -> bool:
        """Whether SETTLE has passed since the epoch began."""
        return self.clock >= self.settled_at


class MemoryRegistry(Registry):
    """A registry on a store; `lease` and `grace` in seconds, `clock` gives Unix time in seconds."""

    is_local = True

    def __init__(self, store: Store, *, lease: float, grace: float, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._lease = milliseconds(lease)
        self._grace = milliseconds(grace)
        self._clock = clock
        self._floor = 0  # the highest version that this process has seen: a store with a lower one was put back

    # --- The interface --------------------------------------------------------------------------

    @override
    def register(self, process: ProcessInfo) -> Registration:
        with self._store.lock:
            store = self._begin(wake=self._floor == 0)
            if not store.epoch:
                self._begin_epoch()
            known = store.processes.get(process.incarnation)
            if known is None:
                known = store.processes[process.incarnation] = _Process(process, 0)
            known.lease_until = store.clock + self._lease
            self._raise_floor()
            return Registration(store.epoch, max(0, store.settled_at - store.clock) / 1000)

    @override
    def update(self, incarnation: str, number: int, changes: Mapping[UUID, int]) -> list[Edge]:
        with self._store.lock:
            process = self._live(incarnation)
            if number <= process.number:
                return []
            if number > process.number + 1:
                raise LeaseLost(f"Update {process.number + 1} of {incarnation} is missing; this is {number}.")
            process.number = number
            came: list[UUID] = []
            for user_id, connections in changes.items():
                if connections > 0:
                    if self._hold(process, user_id, connections):
                        came.append(user_id)
                else:
                    self._drop(process, user_id)
            versions = [version for user_id in came for version in self._store.unconfirmed.get(user_id, ())]
            return self._hand_out(versions)

    @override
    def renew(self, incarnation: str, number: int) -> None:
        with self._store.lock:
            process = self._live(incarnation)
            if number != process.number:
                raise LeaseLost(f"{incarnation} has sent update {number}; the last one here is {process.number}.")
            process.lease_until = self._store.clock + self._lease

    @override
    def retire(self, incarnation: str) -> None:
        with self._store.lock:
            process = self._begin().processes.get(incarnation)
            if process is not None:
                for user_id in list(process.holds):
                    self._drop(process, user_id)
                del self._store.processes[incarnation]
            self._raise_floor()

    @override
    def reap(self, incarnation: str | None) -> Reaped:
        with self._store.lock:
            kicked: list[UUID] = []
            if incarnation is None:
                store = self._begin()
            else:
                process, store = self._live(incarnation), self._store
                kicked = list(process.kicks)
                process.kicks.clear()
            waiting = sorted((pending.available_at, version) for version, pending in store.pending.items())
            due = [version for available_at, version in waiting if available_at <= store.clock]
            self._raise_floor()
            return Reaped(self._hand_out(due[:REAP_LIMIT]), kicked, has_more=len(due) > REAP_LIMIT)

    @override
    def confirm(self, versions: Collection[int]) -> None:
        with self._store.lock:
            self._begin()
            for version in versions:
                self._drop_edge(version)
            self._raise_floor()

    @override
    def snapshot(self, user_ids: Collection[UUID]) -> dict[UUID, UserState]:
        with self._store.lock:
            store = self._begin()
            self._raise_floor()
            if not store.epoch or not store.is_settled:
                raise RegistryUnavailable("The registry is new; who is online is not known yet.")
            nobody = UserState(is_online=False, version=store.base, at=None)
            return {user_id: store.users.get(user_id, nobody) for user_id in user_ids}

    @override
    def processes(self) -> list[ProcessState]:
        with self._store.lock:
            store = self._begin()
            self._raise_floor()
            return sorted(
                (
                    ProcessState(process.info, (process.lease_until - store.clock) / 1000, dict(process.holds))
                    for process in store.processes.values()
                ),
                key=lambda process: (process.info.since, process.info.incarnation),
            )

    @override
    def kick(self, user_id: UUID) -> int:
        with self._store.lock:
            holders = self._begin().holders.get(user_id, set())
            for incarnation in holders:
                self._store.processes[incarnation].kicks[user_id] = None
            self._raise_floor()
            return len(holders)

    @override
    def ping(self) -> None:
        return

    # --- Time -----------------------------------------------------------------------------------

    def _begin(self, *, wake: bool = False) -> Store:
        """Apply the time that has passed and return the store, emptied if it was put back to an earlier state.

        `wake`: the caller has just started. If nobody called for longer than a lease, all other processes have ended
        and all that time counts.
        """
        store = self._store
        if store.serial < self._floor:
            store.clear()
            # The next epoch begins above it; otherwise every read would empty the store until the clock has caught up.
            store.serial = self._floor
        wall = milliseconds(self._clock())
        passed = max(0, wall - store.wall)
        if not (wake and passed > self._lease):
            passed = min(passed, milliseconds(MAX_STEP))
        store.clock += passed
        store.wall = wall
        # The longest lease last: a user of several processes was last seen by that one.
        for incarnation, process in sorted(store.processes.items(), key=lambda item: (item[1].lease_until, item[0])):
            if process.lease_until <= store.clock:
                for user_id in list(process.holds):
                    if self._release(process, user_id):
                        self._make_edge(user_id, is_online=False, at=process.lease_until - self._lease)
                del store.processes[incarnation]
        for user_id, due in sorted(store.leaving.items(), key=lambda item: (item[1], item[0])):
            if due <= store.clock:
                del store.leaving[user_id]
                self._make_edge(user_id, is_online=False, at=due - self._grace)
        return store

    def _begin_epoch(self) -> None:
        store = self._store
        store.epoch = uuid.uuid4().hex
        # Versions rise over epochs, even if no process knows the last one.
        has_past = store.serial > 0
        store.serial = store.base = max(store.wall, store.serial + 1)
        store.settled_at = store.clock + (milliseconds(SETTLE) if has_past else 0)

    def _raise_floor(self) -> None:
        self._floor = max(self._floor, self._store.serial)

    def _live(self, incarnation: str) -> _Process:
        process = self._begin().processes.get(incarnation)
        self._raise_floor()
        if process is None:
            raise LeaseLost(f"{incarnation} has no live lease.")
        return process

    # --- Users ----------------------------------------------------------------------------------

    def _hold(self, process: _Process, user_id: UUID, connections: int) -> bool:
        """Record that the process holds the user; returns whether they came online."""
        store = self._store
        process.holds[user_id] = connections
        store.holders.setdefault(user_id, set()).add(process.info.incarnation)
        if store.leaving.pop(user_id, None) is not None:
            return False
        state = store.users.get(user_id)
        if state is not None and state.is_online:
            return False
        self._make_edge(user_id, is_online=True, at=store.clock)
        return True

    def _drop(self, process: _Process, user_id: UUID) -> None:
        """Record that the process no longer holds the user; if no process does, their grace begins."""
        if self._release(process, user_id):
            self._store.leaving[user_id] = self._store.clock + self._grace

    def _release(self, process: _Process, user_id: UUID) -> bool:
        """Record that the process no longer holds the user; returns whether it was the last one."""
        if process.holds.pop(user_id, None) is None:
            return False
        holders = self._store.holders[user_id]
        holders.discard(process.info.incarnation)
        if holders:
            return False
        del self._store.holders[user_id]
        return True

    # --- Edges ----------------------------------------------------------------------------------

    def _make_edge(self, user_id: UUID, *, is_online: bool, at: int) -> None:
        """Record an edge; `at` is registry time. While the registry settles, none is handed out: clients load again."""
        store = self._store
        store.serial += 1
        seen_at = (store.wall - (store.clock - at)) / 1000
        store.users[user_id] = UserState(is_online, store.serial, seen_at)
        if not store.is_settled:
            return
        store.pending[store.serial] = _Pending(Edge(user_id, is_online, store.serial, seen_at), 0)
        mine = store.unconfirmed.setdefault(user_id, [])
        mine.append(store.serial)
        if len(mine) > MAX_UNCONFIRMED:
            self._drop_edge(mine[0])

    def _hand_out(self, versions: Collection[int]) -> list[Edge]:
        """Return these edges and all earlier unconfirmed ones of the same users, in order of version."""
        store = self._store
        users = {store.pending[version].edge.user_id: version for version in sorted(versions)}
        given = {
            earlier for user_id, last in users.items() for earlier in store.unconfirmed[user_id] if earlier <= last
        }
        for version in given:
            store.pending[version].available_at = store.clock + milliseconds(CONFIRM_WITHIN)
        self._raise_floor()
        return [store.pending[version].edge for version in sorted(given)]

    def _drop_edge(self, version: int) -> None:
        pending = self._store.pending.pop(version, None)
        if pending is None:
            return
        mine = self._store.unconfirmed[pending.edge.user_id]
        mine.remove(version)
        if not mine:
            del self._store.unconfirmed[pending.edge.user_id]
