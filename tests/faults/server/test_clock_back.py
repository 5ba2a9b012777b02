"""The clock of one of two servers goes an hour back while people talk, and later right again.

The one that only counts, CLOCK_MONOTONIC, goes on, as it does when an administrator or NTP sets the other.
"""

from __future__ import annotations

import asyncio
import datetime
from email.utils import parsedate_to_datetime

import httpx

from tests.faults.support.outcome import Outcome
from tests.faults.support.stage import TOKEN_SECONDS, Rig, set_rig
from tests.faults.support.traffic import Traffic, now
from tests.support.clients import Person, Socket
from tests.support.follower import stored
from tests.support.processes import PostgreSQL

AN_HOUR = 3600  # seconds
BACK = 10.0  # seconds that the clock stays wrong
BRIEFLY = 1.0  # in the test
PATIENCE = 10.0  # seconds for anything to happen at all
WITHIN = 2.5  # seconds for a sign-out to reach the other server: FLOWRA_WATCH_INTERVAL and air for a busy machine


async def until_behind(address: str) -> None:
    """Return when the answers of a server bear a date of an hour ago: uvicorn looks at the clock once a second."""
    async with httpx.AsyncClient(base_url=address) as http:
        for _ in range(20):
            there = parsedate_to_datetime((await http.get("/healthz")).headers["Date"])
            if (datetime.datetime.now(datetime.UTC) - there).total_seconds() > AN_HOUR - 60:
                return
            await asyncio.sleep(0.2)
    raise AssertionError("The clock was not set back.")


async def sign_in_anew(address: str, username: str) -> tuple[Person, str]:
    """Return somebody with a sign-in of its own, and its refresh token."""
    async with httpx.AsyncClient(base_url=f"{address}/api/v1", timeout=20) as http:
        pair = (await http.post("/auth/token", json={"username": username, "password": "demo"})).json()
        me = await http.get("/me", headers={"Authorization": f"Bearer {pair['access']}"})
    return Person(address, pair["access"], me.json()), pair["refresh"]


async def sign_out_from(there: str, person: Person, refresh: str) -> float:
    """Sign out at another server than the one where there is a socket; returns after how many seconds it is closed."""
    async with await person.connect() as socket:
        began = now()
        await person.at(there).call("POST", "/auth/token/revoke", {"refresh": refresh})
        await until_signed_out(socket)
        return now() - began


async def until_signed_out(socket: Socket) -> None:
    """Return when the server has closed the socket with 4401; raises TimeoutError after a while."""
    async with asyncio.timeout(PATIENCE):  # the socket is not silent meanwhile, so nothing else ends the wait
        assert await socket.closed() == 4401


async def happen(rig: Rig, seconds: float) -> Outcome:
    """Let it happen to the second server for so long; signs somebody out meanwhile, once at each server."""
    right, wrong = rig.addresses
    (first, first_refresh), (second, second_refresh) = [await sign_in_anew(right, "bob") for _ in range(2)]
    async with Traffic.flowing([right, wrong]) as traffic:
        async with traffic.fault():
            expiring, _ = await sign_in_anew(wrong, "maria")
            signed_in_at = now()
            async with await expiring.connect() as socket:
                rig.clock.set(-AN_HOUR)
                try:
                    await until_behind(wrong)
                    reached = max(
                        await sign_out_from(wrong, first, first_refresh),
                        await sign_out_from(right, second.at(wrong), second_refresh),
                    )
                    await until_signed_out(socket)
                    expired_after = now() - signed_in_at
                    await asyncio.sleep(seconds)
                finally:
                    rig.clock.set(0)
        outcome = await traffic.settle("One server's clock an hour back", within=40)
        times = [message["created_at"] for message in await stored(traffic.rest_author, traffic.chat_id, [right])]
    assert times == sorted(times), "Messages bear times that go back."
    assert reached < WITHIN, f"Signing out reached the other server after {reached:.1f} s."
    assert expired_after < TOKEN_SECONDS + 1, f"A socket stood for {expired_after:.1f} s."
    return outcome.noting(
        f"signing out closed sockets at the other server within {reached:.1f} s",
        f"a token of {TOKEN_SECONDS} s kept its socket open for {expired_after:.1f} s",
    )


def run() -> Outcome:
    """Let it happen on a rig of its own."""
    with PostgreSQL(durable=True) as postgresql, set_rig(postgresql) as rig:
        return asyncio.run(happen(rig, BACK))


async def test_nothing_goes_by_one_servers_clock(rig: Rig) -> None:
    outcome = await happen(rig, BRIEFLY)
    assert (outcome.lost, outcome.doubled) == (0, 0)
    assert not outcome.close_codes
    assert not outcome.refusals
    assert not outcome.presence_wrong
    assert not outcome.presence_unknown
    assert not outcome.seconds_until_normal
