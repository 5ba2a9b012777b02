"""What is under way when a server is told to stop: it is finished if it can be, and never holds up the end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
import uuid
from collections.abc import Callable, Iterator

import httpx
import psycopg
import pytest

from tests.cluster.conftest import SECRET_KEY, started
from tests.support.clients import Person, make_chat
from tests.support.follower import Follower, stored
from tests.support.processes import PostgreSQL, Server, Valkey, wait_until

GRACE = 4.0  # FLOWRA_DRAIN_SECONDS
ENDED_WITHIN = GRACE + 3.0  # a busy machine is late to hear the signal, and to clean up
HELD = b"SELECT 1 FROM chats_chat WHERE id = %s FOR UPDATE"
WAITING = b"SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


@pytest.fixture(scope="module")
def database(postgresql: PostgreSQL) -> str:
    """Give the URL of a database."""
    return postgresql.create_database()


@pytest.fixture(scope="module")
def pair(database: str, broker: Valkey) -> Iterator[tuple[Server, Server]]:
    """Give two servers with the demo's people, that are given GRACE to stop."""
    shared = {
        "DATABASE_URL": database,
        "REDIS_URL": broker.url,
        "SECRET_KEY": SECRET_KEY,
        "FLOWRA_DRAIN_SECONDS": str(GRACE),
    }
    with started(Server(shared), Server(shared)) as (first, second):
        yield first, second


@contextlib.contextmanager
def held(database: str, chat_id: str) -> Iterator[psycopg.Connection]:
    """Keep a chat's row, so that posts in it wait in the middle; give a connection to look at who waits."""
    with psycopg.connect(database) as holding, psycopg.connect(database, autocommit=True) as watching:
        holding.execute(HELD, [chat_id])
        yield watching


def waiting(watching: psycopg.Connection) -> int:
    """Return how many statements wait for a lock."""
    row = watching.execute(WAITING).fetchone()
    return int(row[0]) if row else 0


def is_draining(server: Server) -> bool:
    """Whether its /readyz says so."""
    return bool(httpx.get(f"{server.base_url}/readyz").json()["status"] == "draining")


async def in_thread_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait in a thread, so that clients live on."""
    await asyncio.to_thread(wait_until, condition, seconds, what)


@pytest.mark.parametrize("is_let_go", [True, False], ids=["finished", "given up"])
async def test_a_post_in_flight_is_answered_or_sent_again_and_never_doubled(
    pair: tuple[Server, Server], database: str, is_let_go: bool
) -> None:
    stopping, other = pair
    if not stopping.is_running:
        await asyncio.to_thread(stopping.start)
    john, jane = [await Person.sign_in(stopping.base_url, name) for name in ("john", "jane")]
    chat_id = (await make_chat(john, jane))["id"]
    body = {"body": "over REST", "client_id": str(uuid.uuid4())}
    async with Follower.following(john, chat_id, [stopping.base_url]) as author:
        author.addresses.append(other.base_url)
        with held(database, chat_id) as watching:
            sent = await author.post("over the socket")
            posting = asyncio.create_task(jane.ask("POST", f"/chats/{chat_id}/messages", body))
            await in_thread_until(lambda: waiting(watching) == 2, 20, "both posts to be under way")
            asked = time.monotonic()
            stopping.send_signal(signal.SIGTERM)
            await in_thread_until(lambda: is_draining(stopping), 5, "the drain")
            assert sent.acked_at is None
            assert not posting.done()
            if not is_let_go:
                assert await asyncio.to_thread(stopping.wait, ENDED_WITHIN) == 1  # it had to leave something behind
                assert time.monotonic() - asked < ENDED_WITHIN
                assert "The stop took longer than it may" in stopping.output()
        if is_let_go:
            assert (await posting).status_code == 201
            assert await asyncio.to_thread(stopping.wait, ENDED_WITHIN) == 0
        else:
            with contextlib.suppress(httpx.TransportError):
                assert (await posting).status_code >= 500
            again = await jane.at(other.base_url).ask("POST", f"/chats/{chat_id}/messages", body)
            assert again.status_code in (200, 201)
        await author.until(lambda: not author.unacked and author.is_live, 10, "the acknowledgement")
        (outage,) = author.outages
        assert outage.code == 1012
        # Where it could be finished, it was confirmed before the socket was closed; else at the other server.
        assert (sent.acked_at or 0) < outage.began if is_let_go else (sent.acked_at or 0) > outage.began
        bodies = [message["body"] for message in await stored(john, chat_id, [other.base_url])]
        assert sorted(bodies) == ["over REST", "over the socket"]
