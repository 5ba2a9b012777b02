"""PostgreSQL's machine is gone without a word, and another one takes over its address: nobody resets what was open."""

from __future__ import annotations

from tests.faults.support.far_database import go_on, on_a_rig
from tests.faults.support.outcome import Outcome
from tests.faults.support.stage import Rig

GONE = 5.0  # seconds


async def happen(rig: Rig) -> Outcome:
    """Let it happen on this rig."""
    return await go_on(rig, "PostgreSQL's machine lost, another takes over", rig.database.lost(), GONE)


def run() -> Outcome:
    """Let it happen on a rig of its own."""
    return on_a_rig(happen)


async def test_dead_connections_are_given_up(rig: Rig) -> None:
    outcome = await happen(rig)
    assert (outcome.lost, outcome.doubled) == (0, 0)
    assert not outcome.close_codes
    assert not outcome.presence_wrong
    assert outcome.seconds_until_normal < 20, "TCP by itself goes on trying for a quarter of an hour"
