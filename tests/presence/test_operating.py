"""What operators do, with a real server and a real Valkey: looking, disconnecting, reaping after a crash."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import Client, override_settings

from presence.registry.base import describe_process
from presence.registry.current import get_registry
from tests.api.conftest import caller_for
from tests.conftest import Cast
from tests.support.clients import Person
from tests.support.processes import ProgramError, Server, Valkey

LEASE = 3
AIR = 10.0  # seconds for a busy machine


@pytest.fixture(scope="module")
def broker(processes: None) -> Iterator[Valkey]:
    """Give a broker of this module's own: it is stopped in the end, and nobody else's processes are in it."""
    with Valkey() as running:
        yield running


@pytest.fixture(scope="module")
def demo(broker: Valkey) -> Iterator[Server]:
    """Give a server with the demo that can be lost for a short while only."""
    times = {"FLOWRA_PRESENCE_HEARTBEAT": "1", "FLOWRA_PRESENCE_LEASE": str(LEASE)}
    with Server({"REDIS_URL": broker.url, **times}, demo=True) as running:
        yield running


async def show(server: Server) -> dict[str, Any]:
    """Return what `manage.py presence --json` prints."""
    printed: dict[str, Any] = json.loads(await sync_to_async(server.manage)("presence", "--json"))
    return printed


async def show_with(server: Server, **connections: int) -> dict[str, Any]:
    """Return what is shown as soon as these users are, with so many connections."""
    async with asyncio.timeout(AIR):
        while True:
            shown = await show(server)
            if {user["username"]: user["connections"] for user in shown["users"]} == connections:
                return shown


def reap(server: Server) -> int:
    """Return how many changes `manage.py presence reap` has announced."""
    printed = re.fullmatch(r"Announced (\d+) changes?\.\n", server.manage("presence", "reap"))
    assert printed is not None
    return int(printed[1])


async def test_looking_and_kicking(demo: Server) -> None:
    john, jane = [await Person.sign_in(demo.base_url, name) for name in ("john", "jane")]
    async with await john.connect() as first, await john.connect(), await jane.connect() as kicked:
        shown = await show_with(demo, john=2, jane=1)
        (process,) = shown["processes"]
        assert (process["pid"], process["connections"]) == (demo.process.pid, 3)
        assert 0 < process["lease_left"] <= LEASE
        assert [(user["username"], user["connections"]) for user in shown["users"]] == [("jane", 1), ("john", 2)]
        text = await sync_to_async(demo.manage)("presence")
        assert re.search(r"\n  John Smith \(@john\)  connections 2 \(\S+/\d+: 2\)\n", text)

        told = await sync_to_async(demo.manage)("presence", "kick", "JANE")
        assert told == "1 process was told to disconnect jane.\n"
        assert await asyncio.wait_for(kicked.closed(), AIR) == 1001
        assert (await first.ask("ping"))["type"] == "pong"
        async with await jane.connect() as again:
            assert (await again.ask("ping"))["type"] == "pong"


def test_reaping_after_a_crash_of_the_only_server(demo: Server) -> None:
    async def crash() -> None:
        john = await Person.sign_in(demo.base_url, "john")
        async with await john.connect() as socket:
            await show_with(demo, john=1)
            demo.kill()
            await socket.closed()

    asyncio.run(crash())
    # Registry time advances by at most 2 s a call, so that a stall expires nobody: one call would not do.
    deadline, announced = time.monotonic() + 3 * AIR, reap(demo)
    while demo.manage("presence").splitlines() != ["Processes: 0", "Users: 0"]:
        assert time.monotonic() < deadline
        announced += reap(demo)
    announced += reap(demo)
    assert announced >= 1
    stored = "from presence.models import LastSeen; print(LastSeen.objects.filter(user__username='john').count())"
    assert demo.manage("shell", "-c", stored).splitlines()[-1] == "1"


def test_rest_and_the_admin_page_over_redis(admin_client: Client, cast: Cast, valkey: Valkey) -> None:
    with override_settings(REDIS_URL=valkey.url):
        get_registry.cache_clear()
        registry, process = get_registry(), describe_process()
        registry.register(process)
        try:
            registry.update(process.incarnation, 1, {cast.member.pk: 2})
            members = caller_for(cast.owner).get(f"/chats/{cast.chat.pk}/presence").data
            assert [(member["display_name"], member["is_online"]) for member in members] == [
                ("Mika", True),
                ("Olga", False),
            ]
            page = admin_client.get("/admin/presence/onlineuser/?q=mika").content.decode()
            assert re.search(rf"<td>2</td>\s*<td>\s*{re.escape(process.host)}/{process.pid}: 2\s*</td>", page)
            address = f"/admin/presence/onlineuser/{cast.member.pk}/disconnect/"
            page = admin_client.post(address, follow=True).content.decode()
            assert "1 process was told to disconnect Mika." in page
            assert registry.reap(process.incarnation).kicked == [cast.member.pk]
        finally:
            registry.retire(process.incarnation)
            get_registry.cache_clear()


@pytest.mark.parametrize("arguments", [(), ("reap",), ("kick", "john")])
def test_registry_that_is_unavailable_is_one_line(demo: Server, broker: Valkey, arguments: tuple[str]) -> None:
    broker.stop()
    with pytest.raises(ProgramError) as caught:
        demo.manage("presence", *arguments)
    _, _, printed = str(caught.value).partition("\n")
    assert re.fullmatch(r"CommandError: It is not known who is online\. [^\n]+\n", printed)
