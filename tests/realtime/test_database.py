"""Serialised writes: those that wait for the same row have one thread, and all other work has the others."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import uuid
from collections.abc import Iterator

import pytest
from django.conf import settings

from realtime import database
from realtime.database import Key, run_serialized

HERE: Key = ("post", uuid.uuid4())
ELSEWHERE: Key = ("post", uuid.uuid4())
SECONDS = 20.0  # for what happens at once, unless a thread is missing; a busy machine gets its time


class Row:
    """What work waits for in a thread, as it would for a row that somebody holds."""

    def __init__(self) -> None:
        self.is_free = threading.Event()
        self.waited_for = threading.Event()
        self.order: list[int] = []
        self.within = 0
        self.most_within = 0

    def take(self, number: int) -> int:
        """Wait for the row, and note who has it."""
        self.within += 1
        self.most_within = max(self.most_within, self.within)
        self.waited_for.set()
        self.is_free.wait(SECONDS)
        self.order.append(number)
        self.within -= 1
        return number


@pytest.fixture(autouse=True)
def _own_threads() -> Iterator[None]:
    # Locks and semaphores belong to one event loop, and each test has its own.
    database.stop()
    yield
    database.stop()


@pytest.fixture
def row() -> Iterator[Row]:
    """Give a row that is held, and let go after the test whatever happens."""
    held = Row()
    yield held
    held.is_free.set()


async def waited_for(row: Row) -> None:
    """Return once a thread waits for the row."""
    assert await asyncio.to_thread(row.waited_for.wait, SECONDS)
    row.waited_for.clear()


async def test_more_than_there_are_threads_wait_in_one_of_them_and_in_order(row: Row) -> None:
    many = settings.FLOWRA_SOCKET_DB_THREADS * 3
    waiting = [asyncio.ensure_future(run_serialized(HERE, row.take, number)) for number in range(many)]
    await waited_for(row)
    async with asyncio.timeout(SECONDS):
        assert await run_serialized(ELSEWHERE, int, "7") == 7
        assert await database.run_in_db_thread(int, "8") == 8
    row.is_free.set()
    assert await asyncio.gather(*waiting) == list(range(many))
    assert row.order == list(range(many))
    assert row.most_within == 1


async def test_however_many_lanes_are_held_who_only_reads_finds_a_thread(row: Row) -> None:
    keys: list[Key] = [("post", uuid.uuid4()) for _ in range(settings.FLOWRA_SOCKET_DB_THREADS * 2)]
    waiting = [asyncio.ensure_future(run_serialized(key, row.take, number)) for number, key in enumerate(keys)]
    await waited_for(row)
    async with asyncio.timeout(SECONDS):
        assert await database.run_in_db_thread(int, "8") == 8
    waiting[-1].cancel()  # it has its lock, but no thread yet
    await asyncio.wait(waiting[-1:])
    row.is_free.set()
    await asyncio.gather(*waiting[:-1])
    assert sorted(row.order) == list(range(len(keys) - 1))
    assert 1 < row.most_within < settings.FLOWRA_SOCKET_DB_THREADS
    assert await run_serialized(keys[-1], int, "9") == 9


async def test_who_goes_while_waiting_is_not_run_and_holds_up_nobody(row: Row) -> None:
    first, second, third = (asyncio.ensure_future(run_serialized(HERE, row.take, number)) for number in range(3))
    await waited_for(row)
    second.cancel()
    await asyncio.wait([second])
    row.is_free.set()
    await asyncio.gather(first, third)
    assert row.order == [0, 2]


async def test_who_goes_while_running_keeps_the_lane_as_long_as_the_thread(row: Row) -> None:
    goers = []
    for number in range(settings.FLOWRA_SOCKET_DB_THREADS * 2):
        goer = asyncio.ensure_future(run_serialized(HERE, row.take, number))
        if number == 0:
            await waited_for(row)
        goers.append(goer)
    goers[0].cancel()
    await asyncio.wait([goers[0]])
    async with asyncio.timeout(SECONDS):
        assert await run_serialized(ELSEWHERE, int, "7") == 7
    assert not row.waited_for.is_set(), "the next one has got a thread"
    row.is_free.set()
    await asyncio.gather(*goers[1:])
    assert row.order == list(range(len(goers)))
    assert row.most_within == 1


async def test_an_error_is_its_callers_and_lets_the_next_one_in() -> None:
    broken = run_serialized(HERE, int, "not a number")
    fine = run_serialized(HERE, int, "9")
    first, second = await asyncio.gather(broken, fine, return_exceptions=True)
    assert isinstance(first, ValueError)
    assert second == 9


async def test_locks_are_dropped_when_nobody_holds_them() -> None:
    for _ in range(100):
        with contextlib.suppress(ValueError):
            await run_serialized(("post", uuid.uuid4()), int, "x")
    # The last lock is released in a later round of the loop, and its thread lets go of the call when it gets to it.
    async with asyncio.timeout(5):
        while database.start().locks:
            await asyncio.sleep(0.01)
            gc.collect()  # an error and the call that raised it know each other
