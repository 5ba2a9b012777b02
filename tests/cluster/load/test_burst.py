"""Five hundred messages sent at once: textbook layers drop most of them without a word, ours not one."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator

import httpx
import pytest

from tests.cluster.conftest import two_servers
from tests.support.clients import Person, make_chat
from tests.support.processes import PostgreSQL, Server, Valkey

SENDERS, EACH = 10, 50


@pytest.fixture
def unlimited(postgresql: PostgreSQL, broker: Valkey) -> Iterator[tuple[Server, Server]]:
    """Give two servers that let everybody post as fast as they can, and never look for what was lost."""
    settings = {"FLOWRA_RATE_LIMITS": "false", "FLOWRA_REPAIR_INTERVAL": "3600"}
    with two_servers(postgresql, broker, settings) as servers:
        yield servers


async def test_many_senders_at_once_lose_nothing(unlimited: tuple[Server, Server]) -> None:
    here, there = (server.base_url for server in unlimited)
    john, jane = await Person.sign_in(here, "john"), await Person.sign_in(here, "jane")
    chat = await make_chat(john, jane)
    senders = [await john.at(here if number % 2 else there).connect() for number in range(SENDERS)]
    bodies = {f"{sender}.{number}" for sender in range(SENDERS) for number in range(EACH)}

    async def burst(number: int) -> None:
        """Send everything before the first answer is looked at, then take them all."""
        for index in range(EACH):
            body = f"{number}.{index}"
            await senders[number].send("chat.message.post", chat_id=chat["id"], body=body, client_id=uuid.uuid4())
        for _ in range(EACH):
            assert (await senders[number].until("ack"))["action"] == "posted"

    async with await jane.subscribe(chat["id"]) as near, await jane.at(there).subscribe(chat["id"]) as far:
        await asyncio.gather(*map(burst, range(SENDERS)))
        for listener in (near, far):
            arrived = [(await listener.until("chat.message.posted"))["data"] for _ in bodies]
            assert sorted(message["seq"] for message in arrived) == list(range(1, SENDERS * EACH + 1))
            assert {message["body"] for message in arrived} == bodies
    for sender in senders:
        await sender.close()
    async with httpx.AsyncClient() as http:
        for address in (here, there):
            text = (await http.get(f"{address}/metrics")).text
            assert "flowra_events_unannounced_total 0.0" in text
            assert "flowra_events_repaired_total 0.0" in text
