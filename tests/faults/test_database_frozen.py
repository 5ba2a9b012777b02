"""PostgreSQL does not answer at all for a while, and its connections stay open: a machine that swaps, a dead link."""

from __future__ import annotations

import asyncio

from tests.faults.outcome import Outcome
from tests.faults.pulse import Pulse
from tests.faults.stage import far_database
from tests.faults.traffic import Traffic
from tests.freezing_proxy import FreezingProxy
from tests.processes import PostgreSQL, Server

FROZEN = 5.0  # seconds
BRIEFLY = 3.0  # in the test
LIVE = 1.0  # seconds for what does not need the database, on a busy machine


async def happen(proxy: FreezingProxy, servers: tuple[Server, Server], seconds: float) -> Outcome:
    """Let it happen to these servers for so long."""
    async with Traffic.flowing([server.base_url for server in servers]) as traffic:
        typist, watcher = traffic.rest_author, traffic.followers[-1].person
        async with Pulse.beating(typist, watcher, traffic.chat_id) as pulse:
            async with traffic.fault():
                proxy.freeze()
                try:
                    await asyncio.sleep(seconds)
                finally:
                    proxy.thaw()
            outcome = await traffic.settle("PostgreSQL does not answer", within=60)
            assert max(pulse.pings.slowest, pulse.typing.slowest) < LIVE, pulse.remark
            return outcome.noting(pulse.remark)


def run() -> Outcome:
    """Let it happen on a stage of its own."""
    with PostgreSQL(durable=True) as postgresql, far_database(postgresql) as (proxy, servers):
        return asyncio.run(happen(proxy, servers, FROZEN))


async def test_it_delays_messages_and_nothing_else(far: tuple[FreezingProxy, tuple[Server, Server]]) -> None:
    outcome = await happen(*far, BRIEFLY)
    assert (outcome.lost, outcome.doubled) == (0, 0)
    assert not outcome.close_codes
    assert not outcome.presence_wrong
    assert outcome.seconds_until_normal < 5
