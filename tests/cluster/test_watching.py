"""Watching people who are at another server: their changes, the end of access, and a registry that lost everything."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
import redis

from tests.cluster.conftest import two_servers
from tests.realtime.attention.test_watching import entries_so_far, make_guests, told_of, watch
from tests.support.clients import Person, make_chat
from tests.support.processes import PostgreSQL, Server, Valkey

Twins = tuple[Server, Server]


@pytest.fixture(scope="module")
def twins(postgresql: PostgreSQL, broker: Valkey) -> Iterator[Twins]:
    """Give two running servers."""
    with two_servers(postgresql, broker, {"FLOWRA_RATE_LIMITS": "false", "FLOWRA_RESYNC_WITHIN": "1"}) as servers:
        yield servers


async def at_both(twins: Twins) -> tuple[Person, Person, Person, str]:
    """Return an owner at the first server, two others at the second, and the only chat that they share."""
    owner, *others = await make_guests(twins[0], 3)
    chat = await make_chat(owner, *others)
    one, two = (person.at(twins[1].base_url) for person in others)
    return owner, one, two, f"/chats/{chat['id']}"


async def test_changes_cross_once_until_the_last_chat_is_left(twins: Twins) -> None:
    owner, one, two, path = await at_both(twins)
    async with await owner.connect() as owners, await one.connect() as ones:
        await owners.ask("subscribe", chat_id=path.removeprefix("/chats/"))
        assert set(await watch(owners, one.id, two.id)) == {one.id, two.id}
        assert set(await watch(ones, owner.id, two.id)) == {owner.id, two.id}
        async with await two.connect():
            for socket in (owners, ones):
                assert (await told_of(socket, two.id, True))["display_name"] == "Guest"
            await owners.until("presence.count", online_count=3)
        await told_of(owners, two.id, False)
        await told_of(ones, two.id, False)
        await owner.call("DELETE", f"{path}/members/{one.id}", expect=204)
        await asyncio.sleep(1)  # the time that the contract gives
        async with await two.connect():
            await told_of(owners, two.id, True)
            assert await entries_so_far(ones) == []
        assert await entries_so_far(owners) == []


async def test_after_the_registry_lost_everything_watching_again_is_right(twins: Twins, broker: Valkey) -> None:
    owner, one, _, _ = await at_both(twins)
    async with await owner.connect() as owners:
        async with await one.connect():
            assert set(await watch(owners, one.id)) == {one.id}
            redis.Redis.from_url(broker.url).flushall()
            async with asyncio.timeout(20):
                while (await owners.until("resync"))["reason"] != "presence":
                    continue
            state = (await watch(owners, one.id))[one.id]
            assert state["is_online"] is True
        gone = await told_of(owners, one.id, False)
        assert gone["version"] > state["version"]
