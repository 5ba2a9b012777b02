"""Presence while processes, the registry and connections fail: real processes, real signals, the default lease."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest
import redis

from tests.cluster.conftest import two_servers
from tests.cluster.watchers import Watcher
from tests.realtime.conftest import Scene, make_scene, sign_in_all
from tests.support.clients import Socket
from tests.support.crowd import make_members
from tests.support.processes import PostgreSQL, Server, Valkey

logger = logging.getLogger(__name__)
# Seconds; the defaults of the settings.
HEARTBEAT = 5.0
LEASE = 15.0
GRACE = 5.0
COLLECTED = 0.5  # that changes are collected for, and some


@pytest.fixture(scope="module")
def twins(postgresql: PostgreSQL, broker: Valkey) -> Iterator[tuple[Server, Server]]:
    """Give two running servers with the defaults of presence; a test that stops one starts it again."""
    with two_servers(postgresql, broker, {"FLOWRA_RATE_LIMITS": "false"}) as servers:
        yield servers


async def invite_bob(scene: Scene) -> None:
    """Make Bob a member of the chat."""
    await scene.john.call("POST", f"/workspaces/{scene.chat['workspace_id']}/members", {"user_id": scene.bob.id})
    await scene.john.call("POST", f"/chats/{scene.chat_id}/members", {"user_ids": [scene.bob.id]})


async def enter(twins: tuple[Server, Server]) -> Scene:
    """Give a scene with everybody at the first server."""
    for server in twins:
        if not server.is_running:
            server.start()
    return await make_scene(await sign_in_all(twins[0].base_url))


async def silence(seconds: float) -> None:
    """Let time pass in which nothing may happen."""
    await asyncio.sleep(seconds)


async def test_kill_9_is_noticed_within_the_lease_and_told_once(twins: tuple[Server, Server]) -> None:
    scene = await enter(twins)
    doomed, survivor = twins
    john, jane = scene.john.at(survivor.base_url), scene.jane.at(doomed.base_url)
    async with Watcher.watch(john, scene.chat_id) as watcher, Watcher.watch(john, scene.chat_id) as tab:
        await jane.connect()
        await watcher.until_online(jane.id, True, within=5)
        doomed.kill()
        await watcher.until_online(jane.id, False, within=LEASE + 2)
        await silence(4)  # long enough for an edge that was not confirmed to come again
        for each in (watcher, tab):
            assert each.heard_of(jane.id) == [True, False]
            assert each.online_count == 1
        entry = next(entry for entry in await john.call("GET", f"{scene.path}/presence") if entry["user_id"] == jane.id)
        assert entry["last_seen"] == watcher.states[jane.id]["last_seen"]
    doomed.start()


async def test_a_planned_stop_shows_nobody_as_gone_who_comes_back_elsewhere(twins: tuple[Server, Server]) -> None:
    scene = await enter(twins)
    stopping, other = twins
    john, jane = scene.john.at(other.base_url), scene.jane.at(stopping.base_url)
    async with Watcher.watch(john, scene.chat_id) as watcher:
        tabs = [await jane.connect() for _ in range(3)]
        await watcher.until_online(jane.id, True, within=5)
        stopping.send_signal(signal.SIGTERM)
        assert await asyncio.gather(*(tab.closed() for tab in tabs)) == [1012] * 3
        async with await jane.at(other.base_url).connect():
            assert await asyncio.to_thread(stopping.wait) == 0
            await silence(GRACE + 2)
            assert watcher.heard_of(jane.id) == [True]
            assert watcher.is_online(jane.id)
        # And whoever does not come back goes after the grace, whose process has ended.
        await watcher.until_online(jane.id, False, within=GRACE + 2 + COLLECTED)
    stopping.start()


async def test_a_process_that_stood_still_converges_within_a_heartbeat(twins: tuple[Server, Server]) -> None:
    scene = await enter(twins)
    stalled, other = twins
    john, jane, bob = scene.john.at(other.base_url), scene.jane.at(stalled.base_url), scene.bob
    await invite_bob(scene)
    async with (
        Watcher.watch(john, scene.chat_id) as watcher,
        Watcher.watch(bob.at(stalled.base_url), scene.chat_id) as inside,
        await jane.connect() as tab,
    ):
        await watcher.until_online(jane.id, True, within=5)
        stalled.send_signal(signal.SIGSTOP)
        try:
            await watcher.until_online(jane.id, False, within=LEASE + 2)
            await silence(40 - LEASE - 2)
            assert watcher.heard_of(jane.id) == [True, False]
        finally:
            stalled.send_signal(signal.SIGCONT)
        took = await watcher.until_online(jane.id, True, within=HEARTBEAT)
        assert took < HEARTBEAT
        await silence(HEARTBEAT)
        assert watcher.heard_of(jane.id) == [True, False, True]
        assert inside.is_online(jane.id)
        assert inside.is_online(john.id)
        assert watcher.online_count == inside.online_count == 3
        assert (await tab.ask("ping"))["type"] == "pong"  # it is the same connection all the time


@pytest.mark.parametrize("fault", ["killed and restarted", "emptied"])
async def test_a_registry_that_lost_everything_knows_again_within_10_s(
    twins: tuple[Server, Server], broker: Valkey, fault: str
) -> None:
    scene = await enter(twins)
    first, second = twins
    john, jane, bob = scene.john.at(first.base_url), scene.jane.at(second.base_url), scene.bob
    await invite_bob(scene)
    async with (
        Watcher.watch(john, scene.chat_id) as here,
        Watcher.watch(jane, scene.chat_id) as there,
        AsyncExitStack() as stack,
    ):
        await here.until_online(jane.id, True, within=5)
        await stack.enter_async_context(await bob.at(second.base_url).connect())
        await here.until_online(bob.id, True, within=5)
        if fault == "emptied":
            redis.Redis.from_url(broker.url).flushall()
        else:
            broker.kill()
        # Bob goes while nobody can note it.
        await stack.aclose()
        if fault != "emptied":
            broker.start()
        async with asyncio.timeout(10):  # for all of it
            for watcher in (here, there):
                await watcher.until_online(bob.id, False, within=10)
                await watcher.until_resynced("presence", within=10)
        for watcher, user_id in [(here, jane.id), (here, john.id), (there, jane.id), (there, john.id)]:
            assert watcher.is_online(user_id)
            assert False not in watcher.heard_of(user_id), "somebody who was there all the time was shown as gone"
        for person in (john, jane):
            states = {entry["user_id"]: entry for entry in await person.call("GET", f"{scene.path}/presence")}
            assert {user_id: entry["is_online"] for user_id, entry in states.items()} == {
                john.id: True,
                jane.id: True,
                bob.id: False,
            }
        # What happens from now on is heard, though the registry counts anew.
        async with await bob.at(first.base_url).connect():
            for watcher in (here, there):
                await watcher.until_online(bob.id, True, within=5)


CROWD = 1_000
# Seconds, most of which a busy machine takes to read a thousand sockets in one process. On an idle one it is 2 s.
SETTLED_WITHIN = 10.0


async def test_a_thousand_arriving_at_once_settle(twins: tuple[Server, Server]) -> None:
    await enter(twins)
    chat_id, members = make_members(twins[0], CROWD)
    people = [person.at(twins[place % 2].base_url) for place, person in enumerate(members)]
    loop = asyncio.get_running_loop()
    began = loop.time()
    sockets: list[Socket] = []
    try:
        for start in range(0, CROWD, 100):  # as many handshakes at a time as a client can carry on
            sockets += await asyncio.gather(*(person.subscribe(chat_id) for person in people[start : start + 100]))
        arrived = loop.time()
        frames = 0

        async def settle(socket: Socket) -> int:
            heard = 0
            while True:
                frame = await socket.receive()
                if frame["type"].startswith("presence."):
                    heard += 1
                    if frame["online_count"] == CROWD:
                        return heard

        async with asyncio.timeout(SETTLED_WITHIN):
            frames = sum(await asyncio.gather(*(settle(socket) for socket in sockets)))
        settled = loop.time()
        logger.info("%d arrived in %.1f s, settled in %.2f s", CROWD, arrived - began, settled - arrived)
        logger.info("%d frames", frames)
        entries = await people[0].call("GET", f"/chats/{chat_id}/presence")
        assert sum(entry["is_online"] for entry in entries) == CROWD
    finally:
        await asyncio.gather(*(socket.close() for socket in sockets))
