"""What members who look at another chat are told of themselves arrives, whatever happened to its event.

John's server reaches the broker by way of a proxy that can be frozen; Jane is at a server that is well.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.cluster.conftest import SECRET_KEY, started
from tests.support.clients import Frame, Person, Socket, make_chat
from tests.support.freezing_proxy import FreezingProxy
from tests.support.processes import PostgreSQL, Server, Valkey

HESITATION = 1.6  # seconds, longer than FLOWRA_PUBLISH_TIMEOUT: the event is dropped, and no connection is lost
WITHIN = 10.0  # seconds until all is right everywhere
SETTINGS = {"FLOWRA_RESYNC_WITHIN": "1", "SECRET_KEY": SECRET_KEY}


class Stage:
    """Two servers, the proxy before the first one's broker, and their people."""

    def __init__(self, first: Server, second: Server, proxy: FreezingProxy) -> None:
        self.first, self.second, self.proxy = first, second, proxy


@pytest.fixture(scope="module")
def stage(postgresql: PostgreSQL, broker: Valkey) -> Iterator[Stage]:
    with FreezingProxy(broker.port) as proxy:
        database = {"DATABASE_URL": postgresql.create_database(), **SETTINGS}
        first = Server({**database, "REDIS_URL": f"redis://127.0.0.1:{proxy.port}/0"})
        second = Server({**database, "REDIS_URL": broker.url})
        with started(first, second) as (one, two):
            yield Stage(one, two, proxy)


async def people(stage: Stage) -> tuple[Person, Person, Frame]:
    """Return John at the first server, Jane at the second, and a chat of both."""
    john = await Person.sign_in(stage.first.base_url, "john")
    jane = await Person.sign_in(stage.first.base_url, "jane")
    chat = await make_chat(john, jane)
    return john, jane.at(stage.second.base_url), chat


@asynccontextmanager
async def hesitating(proxy: FreezingProxy) -> AsyncIterator[None]:
    proxy.freeze()
    try:
        yield
        await asyncio.sleep(HESITATION)
    finally:
        proxy.thaw()


async def told(socket: Socket, type: str) -> Frame:
    """Return the frame that tells of it, or the resync that stands for it; raises TimeoutError after WITHIN."""
    async with asyncio.timeout(WITHIN):
        while True:
            frame = await socket.receive()
            if frame["type"] in (type, "resync"):
                return frame


def act(name: str, john: Person, jane: Person, chat: Frame) -> Any:
    """Return the call of John's that Jane is to hear of."""
    path = f"/chats/{chat['id']}"
    body = {"workspace_id": chat["workspace_id"], "kind": "task", "title": "New", "member_ids": [jane.id]}
    return {
        "chat.created": lambda: john.call("POST", "/chats", body),
        "chat.renamed": lambda: john.call("PATCH", path, {"title": "Renamed"}),
        "chat.closed": lambda: john.call("POST", f"{path}/close"),
        "chat.member_removed": lambda: john.call("DELETE", f"{path}/members/{john.id}", expect=204),
        "chat.deleted": lambda: john.call("DELETE", path, expect=204),
        "notification.new": lambda: john.call("POST", f"{path}/messages", {"body": "@jane"}),
        "chat.unread": lambda: john.call("POST", f"{path}/messages", {"body": "hello"}),
    }[name]()


NAMES = ["chat.created", "chat.member_removed", "notification.new", "chat.unread"]


@pytest.mark.parametrize("name", NAMES)
async def test_a_broker_that_hesitates(stage: Stage, name: str) -> None:
    john, jane, chat = await people(stage)
    async with await jane.connect() as socket:
        await asyncio.sleep(0.3)
        await socket.frames_so_far()
        async with hesitating(stage.proxy):
            await act(name, john, jane, chat)
        await told(socket, name)


async def test_a_process_killed_between_the_commit_and_the_event(stage: Stage) -> None:
    """All of them at once, each heard of by somebody else's socket that nothing else would make resync."""
    john, jane, chat = await people(stage)
    async with await jane.connect() as socket:
        await socket.frames_so_far()
        stage.proxy.freeze()
        await act("chat.renamed", john, jane, chat)
        await act("chat.unread", john, jane, chat)
        stage.first.kill()
        stage.proxy.cut()
        stage.proxy.thaw()
        killed = time.monotonic()
        try:
            async with asyncio.timeout(WITHIN):
                await socket.until("resync")
                unread = await socket.until("chat.unread", chat_id=chat["id"])
            assert unread["unread_count"] == 1
            assert time.monotonic() - killed < WITHIN
        finally:
            await asyncio.to_thread(stage.first.start)


async def test_a_command_that_knows_no_broker(stage: Stage) -> None:
    _, jane, chat = await people(stage)
    rename = (
        "from django.contrib.auth import get_user_model as g; from chats import services; import uuid; "
        "services.rename_chat(user=g().objects.get(username='john'), "
        f"chat_id=uuid.UUID('{chat['id']}'), title='By hand')"
    )
    async with await jane.connect() as socket:
        await socket.frames_so_far()
        alone = Server({name: value for name, value in stage.second.env.items() if name != "REDIS_URL"})
        await asyncio.to_thread(alone.manage, "shell", "-c", rename)
        await told(socket, "chat.renamed")
    assert (await jane.call("GET", f"/chats/{chat['id']}"))["title"] == "By hand"


async def test_nobody_resyncs_where_all_arrives(stage: Stage) -> None:
    john, jane, chat = await people(stage)
    async with await jane.connect() as socket:
        for name in ("chat.created", "chat.renamed", "notification.new", "chat.closed", "chat.deleted"):
            await act(name, john, jane, chat)
        await socket.until("chat.deleted")
        await asyncio.sleep(1)
        async with await jane.connect() as late:
            await asyncio.sleep(8)
            assert [frame for frame in await late.frames_so_far() if frame["type"] == "resync"] == []
        assert [frame for frame in await socket.frames_so_far() if frame["type"] == "resync"] == []
