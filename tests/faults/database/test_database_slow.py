"""Each answer of PostgreSQL comes late while people talk: a network or a disk that has too much to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.support.far_database import go_on, on_a_rig
from tests.faults.support.outcome import Outcome
from tests.faults.support.stage import Rig
from tests.support.freezing_proxy import FreezingProxy

LATE = 0.5  # seconds for each answer
SLOW = 10.0  # seconds
BRIEFLY = 4.0  # in the test


@contextmanager
def _slow(database: FreezingProxy) -> Iterator[None]:
    database.delay = LATE
    try:
        yield
    finally:
        database.delay = 0.0


async def happen(rig: Rig, seconds: float = SLOW) -> Outcome:
    """Let it happen on this rig for so long."""
    return await go_on(rig, f"PostgreSQL slow: {LATE} s for each answer", _slow(rig.database), seconds)


def run() -> Outcome:
    """Let it happen on a rig of its own."""
    return on_a_rig(happen)


async def test_it_delays_messages_and_nothing_else(rig: Rig) -> None:
    outcome = await happen(rig, BRIEFLY)
    assert (outcome.lost, outcome.doubled) == (0, 0)
    assert not outcome.close_codes
    assert not outcome.presence_wrong
