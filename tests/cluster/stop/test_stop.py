"""A server that stops says so to its sockets, finishes what it is doing and ends with status 0."""

from __future__ import annotations

import asyncio
import signal

import pytest

from tests.support.clients import Person
from tests.support.processes import Server


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_sockets_are_closed_with_1012(number: signal.Signals) -> None:
    with Server(demo=True) as server:
        john = await Person.sign_in(server.base_url, "john")
        sockets = [await john.connect() for _ in range(5)]
        server.send_signal(number)
        assert await asyncio.gather(*(socket.closed() for socket in sockets)) == [1012] * 5
        assert await asyncio.to_thread(server.wait) == 0


async def test_every_acknowledged_post_survives_kill_9() -> None:
    with Server({"FLOWRA_RATE_LIMITS": "false"}, demo=True) as server:
        john = await Person.sign_in(server.base_url, "john")
        chat = (await john.call("GET", "/chats?kind=task"))["results"][0]
        socket = await john.connect()
        acked = [(await socket.post(chat["id"], f"{number}"))["message_id"] for number in range(20)]
        server.kill()
        server.start()
        john = john.at(server.base_url)
        page = await john.call("GET", f"/chats/{chat['id']}/messages?limit=20")
        assert [message["id"] for message in page["results"]] == acked
