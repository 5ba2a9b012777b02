"""Everybody's server is killed, and all of them come to the other one at once, while people talk."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from collections import Counter

from tests.faults.support.outcome import Outcome
from tests.faults.support.stage import Stage, set_stage
from tests.faults.support.traffic import Traffic, cancel, now
from tests.support.crowd import Crowd, make_members
from tests.support.follower import stored

FULL = 1_000  # tabs, each somebody else's; in the table
FEW = 200  # in a test, with the default limits: each comes twice, and one address may come 600 times a minute
# Of the defaults these are for one address, from which all tabs of the test come.
LIMITS = {"FLOWRA_HANDSHAKES_PER_MINUTE": "100000", "FLOWRA_CONNECTIONS_PER_ADDRESS": "5000"}
POST_EVERY = 0.5  # seconds, in the crowd's chat


async def talk(crowd: Crowd) -> None:
    """Have one after the other write something, until cancelled."""
    for number, follower in enumerate(itertools.cycle(crowd.followers)):
        await follower.post(f"{follower.person.username} {number}")
        await asyncio.sleep(POST_EVERY)


async def happen(stage: Stage, tabs: int) -> Outcome:
    """Let it happen on this stage, to so many tabs."""
    victim, other = stage.servers
    chat_id, people = await asyncio.to_thread(make_members, victim, tabs)
    async with (
        Crowd.gathered(people, 1, chat_id, [victim.base_url]) as crowd,
        Traffic.flowing(stage.addresses, roaming=True) as traffic,
    ):
        for follower in crowd.followers:
            follower.addresses[:] = stage.addresses
            follower.presence.clear()  # of the arrivals
        talking = asyncio.create_task(talk(crowd))
        try:
            async with traffic.fault():
                await asyncio.to_thread(victim.kill)
                await asyncio.to_thread(victim.start)
            await crowd.until_live(60)
            outcome = await traffic.settle(f"{tabs:,} clients reconnecting at once", within=60)
        finally:
            await cancel([talking])
        sent = [sent for follower in crowd.followers for sent in follower.sent]
        bodies = [each.body for each in sent]
        for follower in crowd.followers:
            await follower.until(lambda each=follower: not each.unacked, 20, "ticks")  # type: ignore[misc]
        await crowd.until_shown(bodies, 20)
        kept = Counter(message["body"] for message in await stored(people[0], chat_id, [other.base_url]))
        lost, doubled = crowd.lost_and_doubled(bodies)
        back = max((outage.ended or now()) for outage in crowd.outages) - traffic.fault_began
        acks = max((each.acked_at or now()) - each.at for each in sent)
    return dataclasses.replace(
        outcome,
        written=outcome.written + len(bodies),
        lost=outcome.lost + max(lost, sum(not kept[body] for body in bodies)),
        doubled=outcome.doubled + max(doubled, sum(kept[body] > 1 for body in bodies)),
        slowest_ack=max(outcome.slowest_ack, acks),
        longest_outage=max(outcome.longest_outage, crowd.longest_outage),
        close_codes=Counter(outcome.close_codes) + crowd.close_codes,
    ).noting(
        f"all were back {back:.1f} s after the process was killed",
        f"{len(crowd.shown_offline)} of them were shown as offline",
    )


def run() -> Outcome:
    """Let it happen on a stage of its own, in full."""
    with set_stage(LIMITS) as stage:
        return asyncio.run(happen(stage, FULL))


async def test_hundreds_come_back_and_nothing_is_lost(stage: Stage) -> None:
    outcome = await happen(stage, FEW)
    assert (outcome.lost, outcome.doubled) == (0, 0)
    assert outcome.close_codes == {1006: FEW + 2}
    assert outcome.longest_outage < 10
    assert not outcome.presence_wrong
    assert "0 of them were shown as offline" in outcome.remarks
