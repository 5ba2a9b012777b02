"""Twenty people write at once: every message has its place, no revision is missing, everybody sees the same."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.cluster.conftest import SECRET_KEY
from tests.support.clients import Frame, Person, make_chat
from tests.support.processes import PostgreSQL, Server, Valkey

WRITERS = 20
MESSAGES = 5  # of each writer
OFF = {"FLOWRA_RATE_LIMITS": "false", "SECRET_KEY": SECRET_KEY}


@pytest.fixture(params=["sqlite", "sqlite and broker", "postgresql and broker"])
def servers(request: pytest.FixtureRequest, postgresql: PostgreSQL, valkey: Valkey) -> Iterator[list[Server]]:
    """Give one server on SQLite, two on one SQLite file, or two on PostgreSQL."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            first = stack.enter_context(Server(OFF, demo=True))
            running = [first]
        elif request.param == "sqlite and broker":
            first = stack.enter_context(Server({**OFF, "REDIS_URL": valkey.url}, demo=True))
            database = f"sqlite:///{first.folder / 'flowra.sqlite3'}"
            second = stack.enter_context(Server({**OFF, "REDIS_URL": valkey.url, "DATABASE_URL": database}))
            running = [first, second]
        else:
            shared = {**OFF, "REDIS_URL": valkey.url, "DATABASE_URL": postgresql.create_database()}
            running = [stack.enter_context(Server(shared)) for _ in range(2)]
            running[0].manage("seed_demo")
        yield running


async def test_seq_and_revision_have_no_gap(servers: list[Server]) -> None:
    john = await Person.sign_in(servers[0].base_url, "john")
    jane = (await Person.sign_in(servers[0].base_url, "jane")).at(servers[-1].base_url)
    chat = await make_chat(john, jane)
    path = f"/chats/{chat['id']}"
    people = [person.at(server.base_url) for person in (john, jane) for server in servers]

    async def write(number: int) -> list[Frame]:
        person = people[number % len(people)]
        if number % 4 == 3:  # some of them over REST
            sent = []
            for index in range(MESSAGES):
                sent.append(await person.call("POST", f"{path}/messages", {"body": f"{number}.{index}"}, expect=201))
            await person.call("PATCH", f"{path}/messages/{sent[0]['id']}", {"body": "edited"})
            return sent
        async with await person.connect() as socket:
            return [await socket.post(chat["id"], f"{number}.{index}") for index in range(MESSAGES)]

    async with await john.subscribe(chat["id"]) as here, await jane.subscribe(chat["id"]) as there:
        answers = [answer for some in await asyncio.gather(*map(write, range(WRITERS))) for answer in some]
        total, edits = WRITERS * MESSAGES, WRITERS // 4
        assert sorted(answer["seq"] for answer in answers) == list(range(1, total + 1))
        state = await john.call("GET", path)
        assert (state["seq"], state["revision"]) == (total, total + edits)
        for socket in (here, there):
            revisions: set[int] = set()
            while len(revisions) < total + edits:
                frame = await socket.receive()
                if frame["type"].startswith("chat.message."):
                    assert frame["data"]["revision"] not in revisions, "fanned out twice"
                    revisions.add(frame["data"]["revision"])
            assert revisions == set(range(1, total + edits + 1))
    page = await john.call("GET", f"{path}/messages?limit=100")
    assert [message["seq"] for message in page["results"]] == list(range(1, 101))
