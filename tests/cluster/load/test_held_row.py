"""A statement that takes long holds up those who wait for the same row, and nobody else."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator

import psycopg
import pytest

from tests.cluster.conftest import SECRET_KEY
from tests.support.clients import Frame, Person, make_chat
from tests.support.processes import PostgreSQL, Server, wait_until

SOCKETS = 20  # more than FLOWRA_SOCKET_DB_THREADS
POSTS = 10  # elsewhere, meanwhile


@pytest.fixture(scope="module")
def database(postgresql: PostgreSQL) -> str:
    """Give the URL of a database."""
    return postgresql.create_database()


@pytest.fixture(scope="module")
def running(database: str) -> Iterator[Server]:
    """Give a server on it, with the demo's people."""
    with Server({"DATABASE_URL": database, "SECRET_KEY": SECRET_KEY, "FLOWRA_RATE_LIMITS": "false"}) as server:
        server.manage("seed_demo")
        yield server


def someone_waits(watching: psycopg.Connection[tuple[int]]) -> bool:
    """Whether a statement waits for a lock."""
    row = watching.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchone()
    return row is not None and row[0] > 0


@pytest.mark.parametrize(
    ("held_rows", "command"),
    [
        ("SELECT 1 FROM chats_chat WHERE id = %s FOR UPDATE", "chat.message.post"),
        ("SELECT 1 FROM chats_chatmember WHERE chat_id = %s FOR UPDATE", "chat.read"),
    ],
    ids=["posts", "reads"],
)
async def test_while_a_row_is_held_others_post_read_and_subscribe(
    running: Server, database: str, held_rows: str, command: str
) -> None:
    john = await Person.sign_in(running.base_url, "john")
    jane = await Person.sign_in(running.base_url, "jane")
    stuck, free = [(await make_chat(john, jane))["id"] for _ in range(2)]
    sockets = [await john.connect() for _ in range(SOCKETS)]
    writer, listener = await jane.connect(), await john.subscribe(free)
    for number in range(SOCKETS if command == "chat.read" else 0):
        await writer.post(stuck, f"to be read {number}")

    def act(number: int) -> asyncio.Task[Frame]:
        fields: Frame = {"seq": number + 1} if command == "chat.read" else {"body": "hi", "client_id": uuid.uuid4()}
        return asyncio.ensure_future(sockets[number].ask(command, chat_id=stuck, **fields))

    with psycopg.connect(database) as holding, psycopg.connect(database, autocommit=True) as watching:
        holding.execute(held_rows.encode(), [stuck])
        waiting = [act(number) for number in range(SOCKETS)]
        await asyncio.to_thread(wait_until, lambda: someone_waits(watching), 20, "a statement that waits for the row")
        for number in range(POSTS):
            answer = await writer.post(free, f"elsewhere {number}")
            assert answer["seq"] == number + 1
            event = await listener.until("chat.message.posted", chat_id=free)
            assert event["data"]["seq"] == number + 1
            assert (await writer.ask("chat.read", chat_id=free, seq=number + 1))["action"] == "read"
        assert (await listener.ask("subscribe", chat_id=stuck, since=0))["action"] == "subscribed"
        await (await jane.subscribe(free)).close()
        assert not any(task.done() for task in waiting), "the row was not held"
        holding.rollback()
    answers = await asyncio.gather(*waiting)
    assert sorted(answer["seq"] for answer in answers) == list(range(1, SOCKETS + 1))
    for socket in (*sockets, writer, listener):
        await socket.vanish()  # without reading what else came: each was told of all reads
