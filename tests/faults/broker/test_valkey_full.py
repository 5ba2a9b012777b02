"""The broker is out of memory while people talk: it takes no more writes, and serves everything else."""

from __future__ import annotations

import asyncio

import redis

from tests.faults.support.outcome import Outcome
from tests.faults.support.stage import Stage, set_stage
from tests.faults.support.traffic import Traffic

FULL = 20.0  # seconds; longer than a lease of presence
BRIEFLY = 4.0  # in the test


async def happen(stage: Stage, seconds: float) -> Outcome:
    """Let it happen on this stage for so long."""
    async with Traffic.flowing(stage.addresses) as traffic:
        with redis.Redis.from_url(stage.valkey.url) as broker:
            async with traffic.fault():
                broker.config_set("maxmemory-policy", "noeviction")
                broker.config_set("maxmemory", "1")
                try:
                    await asyncio.sleep(seconds)
                finally:
                    broker.config_set("maxmemory", "0")
            refused = broker.info("errorstats").get("errorstat_OOM", {}).get("count", 0)
        assert refused, "Valkey refused nothing."
        return await traffic.settle("Valkey out of memory (`noeviction`)", within=40)


def run() -> Outcome:
    """Let it happen on a stage of its own."""
    with set_stage() as stage:
        return asyncio.run(happen(stage, FULL))


async def test_messages_do_not_need_its_memory(stage: Stage) -> None:
    outcome = await happen(stage, BRIEFLY)
    assert (outcome.lost, outcome.doubled) == (0, 0)
    assert not outcome.close_codes
    assert not outcome.refusals
    assert not outcome.presence_wrong
    assert outcome.slowest_ack < 1.5, "posting waited for the broker"
