"""What is tried with every fault between the servers and their database: people talk, pings and live events go on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from typing import Any

from tests.faults.support.outcome import Outcome
from tests.faults.support.pulse import Pulse
from tests.faults.support.stage import Rig, set_rig
from tests.faults.support.traffic import Traffic
from tests.support.processes import PostgreSQL


async def go_on(rig: Rig, fault: str, broken: AbstractContextManager[None], seconds: float) -> Outcome:
    """Have it broken for so long while people talk; raises AssertionError where pings or live events waited for it."""
    async with Traffic.flowing(rig.addresses) as traffic:
        typist, watcher = traffic.rest_author, traffic.followers[-1].person
        async with Pulse.beating(typist, watcher, traffic.chat_id) as pulse:
            async with traffic.fault():
                with broken:
                    await asyncio.sleep(seconds)
            outcome = await traffic.settle(fault, within=60)
            return outcome.noting(pulse.remark())


def on_a_rig(happen: Callable[[Rig], Coroutine[Any, Any, Outcome]]) -> Outcome:
    """Let something happen on a rig of its own."""
    with PostgreSQL(durable=True) as postgresql, set_rig(postgresql) as rig:
        return asyncio.run(happen(rig))
