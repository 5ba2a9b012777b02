"""PostgreSQL does not answer at all for a while, and its connections stay open: a machine that swaps, a dead link."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.support.far_database import go_on, on_a_rig
from tests.faults.support.outcome import Outcome
from tests.faults.support.stage import Rig
from tests.support.freezing_proxy import FreezingProxy

FROZEN = 5.0  # seconds
BRIEFLY = 3.0  # in the test


@contextmanager
def _frozen(database: FreezingProxy) -> Iterator[None]:
    database.freeze()
    try:
        yield
    finally:
        database.thaw()


async def happen(rig: Rig, seconds: float = FROZEN) -> Outcome:
    """Let it happen on this rig for so long."""
    return await go_on(rig, "PostgreSQL does not answer", _frozen(rig.database), seconds)


def run() -> Outcome:
    """Let it happen on a rig of its own."""
    return on_a_rig(happen)


async def test_it_delays_messages_and_nothing_else(rig: Rig) -> None:
    outcome = await happen(rig, BRIEFLY)
    assert (outcome.lost, outcome.doubled) == (0, 0)
    assert not outcome.close_codes
    assert not outcome.presence_wrong
    assert outcome.seconds_until_normal < 5
