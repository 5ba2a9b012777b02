"""The broker is killed while people talk, is away for a while, and comes back empty."""

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
            await asyncio.to_thread(stage.valkey.kill)
            await asyncio.sleep(AWAY)
            await asyncio.to_thread(stage.valkey.start)
        return await traffic.settle("Valkey killed, back empty", within=40)


def run() -> Outcome:
    """Let it happen on a stage of its own."""
    with set_stage() as stage:
        return asyncio.run(happen(stage))


async def test_nobody_is_disconnected_and_nothing_is_lost(stage: Stage) -> None:
    outcome = await happen(stage)
    assert (outcome.lost, outcome.doubled) == (0, 0)
    assert not outcome.close_codes
    assert not outcome.refusals
    assert not outcome.presence_wrong
    assert outcome.slowest_ack < 1.5, "posting waited for the broker"
