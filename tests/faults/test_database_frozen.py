"""PostgreSQL does not answer at all for a while, and its connections stay open: a machine that swaps, a dead link."""

from __future__ import annotations

import asyncio

from tests.faults.outcome import Outcome
from tests.faults.pulse import Pulse
from tests.faults.stage import Rig, set_rig
from tests.faults.traffic import Traffic
from tests.processes import PostgreSQL

FROZEN = 5.0  # seconds
BRIEFLY = 3.0  # in the test


async def happen(rig: Rig, seconds: float) -> Outcome:
    """Let it happen on this rig for so long."""
    async with Traffic.flowing(rig.addresses) as traffic:
        typist, watcher = traffic.rest_author, traffic.followers[-1].person
        async with Pulse.beating(typist, watcher, traffic.chat_id) as pulse:
            async with traffic.fault():
                rig.database.freeze()
                try:
                    await asyncio.sleep(seconds)
                finally:
                    rig.database.thaw()
            outcome = await traffic.settle("PostgreSQL does not answer", within=60)
            return outcome.noting(pulse.remark())


def run() -> Outcome:
    """Let it happen on a rig of its own."""
    with PostgreSQL(durable=True) as postgresql, set_rig(postgresql) as rig:
        return asyncio.run(happen(rig, FROZEN))


async def test_it_delays_messages_and_nothing_else(rig: Rig) -> None:
    outcome = await happen(rig, BRIEFLY)
    assert (outcome.lost, outcome.doubled) == (0, 0)
    assert not outcome.close_codes
    assert not outcome.presence_wrong
    assert outcome.seconds_until_normal < 5
