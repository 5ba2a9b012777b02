"""PostgreSQL's machine is gone without a word, and another one takes over its address: nobody resets what was open."""

from __future__ import annotations

import asyncio

from tests.faults.outcome import Outcome
from tests.faults.pulse import Pulse
from tests.faults.stage import Rig, set_rig
from tests.faults.traffic import Traffic
from tests.processes import PostgreSQL

GONE = 5.0  # seconds


async def happen(rig: Rig) -> Outcome:
    """Let it happen on this rig."""
    async with Traffic.flowing(rig.addresses) as traffic:
        typist, watcher = traffic.rest_author, traffic.followers[-1].person
        async with Pulse.beating(typist, watcher, traffic.chat_id) as pulse:
            async with traffic.fault():
                rig.database.vanish()
                try:
                    await asyncio.sleep(GONE)
                finally:
                    rig.database.take_over()
            outcome = await traffic.settle("PostgreSQL's machine lost, another takes over", within=60)
            return outcome.noting(pulse.remark())


def run() -> Outcome:
    """Let it happen on a rig of its own."""
    with PostgreSQL(durable=True) as postgresql, set_rig(postgresql) as rig:
        return asyncio.run(happen(rig))


async def test_dead_connections_are_given_up(rig: Rig) -> None:
    outcome = await happen(rig)
    assert (outcome.lost, outcome.doubled) == (0, 0)
    assert not outcome.close_codes
    assert not outcome.presence_wrong
    assert outcome.seconds_until_normal < 20, "TCP by itself goes on trying for a quarter of an hour"
