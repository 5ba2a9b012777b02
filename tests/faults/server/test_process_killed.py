"""One of two servers is killed without warning while people talk, and started again."""

from __future__ import annotations

import asyncio

from tests.faults.support.outcome import Outcome
from tests.faults.support.stage import Stage, set_stage
from tests.faults.support.traffic import Traffic, now

LEASE = 15.0  # seconds; the default of FLOWRA_PRESENCE_LEASE
NOTICED = 2.0  # seconds more until the end of a lease is told


async def happen(stage: Stage) -> Outcome:
    """Let it happen on this stage, and watch until the dead server's lease has run out."""
    victim = stage.servers[0]
    async with Traffic.flowing(stage.addresses, roaming=True) as traffic:
        killed_at = now()
        async with traffic.fault():
            await asyncio.to_thread(victim.kill)
            await asyncio.to_thread(victim.start)
        await asyncio.sleep(max(0.0, killed_at + LEASE + NOTICED - now()))
        outcome = await traffic.settle("One of two processes killed, started again", within=40)
        offline = {
            change["user_id"]
            for follower in traffic.followers
            for at, change in follower.presence
            if at > killed_at and not change["is_online"]
        }
    if offline:
        return outcome.noting(f"{len(offline)} people were shown as offline before they had found the other process")
    return outcome.noting("nobody was shown as offline, because they were back before the dead process's lease ran out")


def run() -> Outcome:
    """Let it happen on a stage of its own."""
    with set_stage() as stage:
        return asyncio.run(happen(stage))


async def test_everybody_is_at_the_other_process_and_nothing_is_lost(stage: Stage) -> None:
    outcome = await happen(stage)
    assert (outcome.lost, outcome.doubled) == (0, 0)
    assert outcome.close_codes == {1006: 2}, "half of the four were there"
    assert outcome.longest_outage < 5
    assert not outcome.presence_wrong
    assert "nobody was shown as offline" in outcome.remarks[0]
