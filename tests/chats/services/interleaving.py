"""Two services at once, each in a thread and a transaction of its own, one stopped between two of its statements.

Only one of the two runs at any moment, so an interleaving is the same each time: nothing here goes by the clock. That
a service waits for a lock of the other is read from PostgreSQL.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

from django.db import connection, connections, transaction

Act = Callable[[], object]

SECONDS = 60.0  # for one step of a service; PostgreSQL finds a deadlock after one
_POLL = 0.005  # seconds between two looks at whether a service waits for a lock


class StuckError(Exception):
    """A service neither ended nor waits for the other."""


class Party:
    """A thread with a connection of its own, which runs a service up to its n-th statement."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.statements: list[str] = []  # those that have ended
        self.error: BaseException | None = None
        self.has_ended = True
        self.has_committed = False
        self.pid = 0
        self._limit: int | None = None
        self._is_paused = self._tells_commit = False
        self._committed: list[str] = []
        self._changed = threading.Condition()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    def begin(self, act: Act, limit: int | None, committed: list[str]) -> None:
        """Run `act` up to the end of its statement number `limit`; None: to its end."""
        self.statements, self.error, self.has_ended, self.has_committed = [], None, False, False
        self._limit, self._is_paused, self._committed, self._tells_commit = limit, False, committed, False
        self._thread.submit(self._run, act)

    def go_on(self, limit: int | None) -> None:
        """Take the limit away, or set another one."""
        with self._changed:
            self._limit = limit
            self._changed.notify_all()

    def stop_when_unblocked(self) -> None:
        """Run no further than to the end of the statement that waits now."""
        with self._changed:
            self._limit = len(self.statements) + 1

    def settle(self, other: Party) -> bool:
        """Wait until it has ended, has come to its limit or waits for `other`; returns whether it waits."""
        for _ in range(int(SECONDS / _POLL)):
            with self._changed:
                if self.has_ended or self._is_at_limit():
                    return False
                self._changed.wait(_POLL)
            if self.pid and not other.has_ended and self._waits_for(other):
                return True
        raise StuckError(f"{self.name} after {self.statements[-1:]}")

    def close(self) -> None:
        """Close its connection and end its thread."""
        self._thread.submit(connections.close_all).result(SECONDS)
        self._thread.shutdown()

    def _is_at_limit(self) -> bool:
        return self._is_paused and self._limit is not None and len(self.statements) >= self._limit

    def _waits_for(self, other: Party) -> bool:
        if connection.vendor != "postgresql":
            return False
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s = ANY(pg_blocking_pids(%s))", [other.pid, self.pid])
            return bool(cursor.fetchall()[0][0])

    def _run(self, act: Act) -> None:
        try:
            connection.ensure_connection()
            if connection.vendor == "postgresql":
                self.pid = connection.connection.info.backend_pid
            with connection.execute_wrapper(self._after_each):
                act()
        except BaseException as error:  # noqa: BLE001  (whoever tests looks at it)
            self.error = error
        finally:
            with self._changed:
                self._note_commit()
                self.has_ended = True
                self._changed.notify_all()

    def _after_each(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if connection.in_atomic_block and not connection.savepoint_ids and not self._tells_commit:
            self._tells_commit = True
            transaction.on_commit(self._note_commit)
        with self._changed:
            self.statements.append(sql)
            self._is_paused = True
            if self._is_at_limit():
                self._changed.notify_all()
            # What comes after the commit is not stopped: it could not change which of the two was first.
            self._changed.wait_for(lambda: self.has_committed or not self._is_at_limit(), SECONDS)
            self._is_paused = False
        return result

    def _note_commit(self) -> None:
        if not self.has_committed:
            self.has_committed = True
            self._committed.append(self.name)


@dataclasses.dataclass(frozen=True, slots=True)
class Interleaving:
    """What came of the two: who committed (or was refused) first, and what each raised."""

    order: tuple[str, ...]
    was_stopped: bool  # else the first one had ended before that statement
    errors: dict[str, BaseException | None]
    statements: dict[str, list[str]]


class Stage:
    """Two parties that can be put to work again and again."""

    def __init__(self, *names: str) -> None:
        self.parties = {name: Party(name) for name in names}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for party in self.parties.values():
            party.close()

    def play(
        self, acts: dict[str, Act], first: str, *, stop: int | None, second_stops: int | None = None
    ) -> Interleaving:
        """Run `first` up to its statement `stop`, then the other to its end or until it waits, then `first` on.

        With `second_stops` the other is stopped as well, goes on when `first` has ended or waits for it.
        """
        committed: list[str] = []
        one = self.parties[first]
        (two,) = (party for name, party in self.parties.items() if name != first)
        two.pid = one.pid = 0
        one.begin(acts[one.name], stop, committed)
        one.settle(two)
        was_stopped = not one.has_ended
        two.begin(acts[two.name], second_stops, committed)
        if two.settle(one):
            two.stop_when_unblocked()
        self._finish(one, two)
        parties = (one, two)
        return Interleaving(
            tuple(committed),
            was_stopped,
            {party.name: party.error for party in parties},
            {party.name: party.statements for party in parties},
        )

    def _finish(self, one: Party, two: Party) -> None:
        """Let each run as far as it comes, alone, until both have ended."""
        turn, other = one, two
        deadline = time.monotonic() + SECONDS  # each may wait for the other until PostgreSQL ends one of them
        while time.monotonic() < deadline:
            if not turn.has_ended:
                turn.go_on(None)
                if turn.settle(other):
                    turn.stop_when_unblocked()
            if one.has_ended and two.has_ended:
                return
            turn, other = other, turn
        raise StuckError(f"{one.name} and {two.name} wait for each other")
