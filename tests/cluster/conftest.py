"""Two server processes that share a database and a broker, with the demo's people in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest
from asgiref.sync import async_to_sync

from tests.realtime.conftest import Scene, make_scene, sign_in_all
from tests.support.clients import Person
from tests.support.processes import PostgreSQL, Server, Valkey

SECRET_KEY = "one key for all processes, so that each knows the others' sessions and tokens"


@pytest.fixture(autouse=True)
def _starts_programs(processes: None) -> None:
    """Every test here has servers."""


@pytest.fixture(scope="module")
def broker(processes: None) -> Iterator[Valkey]:
    """Give a broker of the module's own, to be killed and restarted."""
    with Valkey() as running:
        yield running


@contextmanager
def two_servers(postgresql: PostgreSQL, broker: Valkey, settings: Mapping[str, str]) -> Iterator[tuple[Server, Server]]:
    """Give two running servers on one new PostgreSQL database with the demo in it, and one broker."""
    shared = {
        "DATABASE_URL": postgresql.create_database(),
        "REDIS_URL": broker.url,
        "SECRET_KEY": SECRET_KEY,
        **settings,
    }
    with started(Server(shared), Server(shared)) as servers:
        yield servers


@contextmanager
def started(first: Server, second: Server) -> Iterator[tuple[Server, Server]]:
    """Start two servers at once, and meanwhile make the demo's people in their database."""
    with ExitStack() as stack:
        with ThreadPoolExecutor() as threads:
            starting = [threads.submit(stack.enter_context, server) for server in (first, second)]
            first.manage("seed_demo")
        for start in starting:
            start.result()  # raises what went wrong
        yield first, second


@pytest.fixture(scope="module")
def pair(postgresql: PostgreSQL, broker: Valkey) -> Iterator[tuple[Server, Server]]:
    """Give two running servers on one PostgreSQL database and the module's broker."""
    with two_servers(postgresql, broker, {"FLOWRA_RESYNC_WITHIN": "1"}) as servers:
        yield servers


@pytest.fixture(scope="module")
def people(pair: tuple[Server, Server]) -> list[Person]:
    """Give John, Jane and Bob, signed in at the first server."""
    signed_in: list[Person] = async_to_sync(sign_in_all)(pair[0].base_url)
    return signed_in


@pytest.fixture
def scene(people: list[Person], pair: tuple[Server, Server]) -> Scene:
    """Give a scene in which John is at the first server, Jane and Bob are at the second."""
    made: Scene = async_to_sync(make_scene)(people)
    elsewhere = pair[1].base_url
    return Scene(made.john, made.jane.at(elsewhere), made.bob.at(elsewhere), made.chat)
