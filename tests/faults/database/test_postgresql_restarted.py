"""PostgreSQL is stopped at once while people talk: its connections break, and it is away for a while."""

from __future__ import annotations

import asyncio

from tests.faults.support.outcome import Outcome
from tests.faults.support.stage import Stage, set_stage
from tests.faults.support.traffic import Traffic

AWAY = 3.0  # seconds


async def happen(stage: Stage) -> Outcome:
    """Let it happen on this stage."""
    async with Traffic.flowing(stage.addresses) as traffic:
        async with traffic.fault():
            await asyncio.to_thread(stage.postgresql.stop)
            await asyncio.sleep(AWAY)
            await asyncio.to_thread(stage.postgresql.start)
        return await traffic.settle("PostgreSQL stopped at once, then started again", within=40)


def run() -> Outcome:
    """Let it happen on a stage of its own."""
    with set_stage() as stage:
        return asyncio.run(happen(stage))


async def test_nobody_is_disconnected_and_nothing_is_lost(stage: Stage) -> None:
    outcome = await happen(stage)
    assert (outcome.lost, outcome.doubled) == (0, 0)
    assert not outcome.close_codes
    assert not outcome.presence_wrong
    assert set(outcome.refusals) <= {"internal", "503"}
    assert outcome.seconds_until_normal < 3, "the pool paused for too long"
