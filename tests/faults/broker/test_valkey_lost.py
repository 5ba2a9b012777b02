"""The broker's machine is gone without a word, and another one takes over its address: nobody resets what was open."""

from __future__ import annotations

import asyncio

from tests.faults.support.far_database import on_a_rig
from tests.faults.support.outcome import Outcome
from tests.faults.support.stage import Rig
from tests.faults.support.traffic import Traffic, cancel, now

GONE = 5.0  # seconds
TYPE_EVERY = 1.1  # seconds; the server passes on one a second
LIVE_WITHIN = 30.0  # seconds


async def happen(rig: Rig) -> Outcome:
    """Let it happen on this rig."""
    async with Traffic.flowing(rig.addresses) as traffic:
        async with traffic.fault():
            with rig.broker.lost():
                await asyncio.sleep(GONE)
        live_after = await _typing_is_seen(traffic)
        outcome = await traffic.settle("Valkey's machine lost, another takes over", within=60)
        return outcome.noting(f"typing was seen at the other server again {live_after:.1f} s later")


async def _typing_is_seen(traffic: Traffic) -> float:
    """Wait until one server's people see who types at the other; returns the seconds that it took.

    Messages cannot tell: what the broker does not bring of them is found in the database.
    """
    typist, watcher = traffic.rest_author, traffic.followers[-1].person
    async with await typist.subscribe(traffic.chat_id) as here, await watcher.subscribe(traffic.chat_id) as there:

        async def type_and_stop() -> None:
            while True:
                for is_typing in (True, False):  # else the server takes it for the same news again
                    await here.send("chat.typing", chat_id=traffic.chat_id, is_typing=is_typing)
                    await asyncio.sleep(TYPE_EVERY)

        typing = asyncio.create_task(type_and_stop())
        try:
            async with asyncio.timeout(LIVE_WITHIN):
                while (await there.receive())["type"] != "chat.typing":
                    pass
            return now() - traffic.fault_ended
        finally:
            await cancel([typing])


def run() -> Outcome:
    """Let it happen on a rig of its own."""
    return on_a_rig(happen)


async def test_dead_subscriptions_are_given_up(rig: Rig) -> None:
    outcome = await happen(rig)
    assert (outcome.lost, outcome.doubled) == (0, 0)
    assert not outcome.close_codes
    assert not outcome.refusals
    assert not outcome.presence_wrong
    assert outcome.slowest_ack < 1.5, "posting waited for the broker"
