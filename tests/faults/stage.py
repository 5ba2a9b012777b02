"""Where faults are tried: two servers with the demo's people, on a PostgreSQL that writes to disk, and a broker."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.freezing_proxy import FreezingProxy
from tests.processes import PostgreSQL, Server, Valkey

SECRET_KEY = "one key for all processes, so that each knows the others' sessions and tokens"


@dataclass(frozen=True, slots=True)
class Stage:
    """Processes that are made to fail; whoever breaks one leaves it running."""

    postgresql: PostgreSQL
    valkey: Valkey
    servers: tuple[Server, Server]

    @property
    def addresses(self) -> list[str]:
        """The servers' addresses."""
        return [server.base_url for server in self.servers]


@contextlib.contextmanager
def set_stage(settings: Mapping[str, str] | None = None) -> Iterator[Stage]:
    """Give a stage of its own; all settings that are not given are the product's defaults."""
    with (
        PostgreSQL(durable=True) as postgresql,
        Valkey() as valkey,
        two_servers(postgresql.create_database(), valkey, settings) as servers,
    ):
        yield Stage(postgresql, valkey, servers)


@contextlib.contextmanager
def two_servers(
    database_url: str, valkey: Valkey, settings: Mapping[str, str] | None = None
) -> Iterator[tuple[Server, Server]]:
    """Give two running servers on an empty database, which gets the demo's people."""
    shared = {"DATABASE_URL": database_url, "REDIS_URL": valkey.url, "SECRET_KEY": SECRET_KEY, **(settings or {})}
    first, second = Server(shared), Server(shared)
    with contextlib.ExitStack() as stack:
        with ThreadPoolExecutor() as threads:
            starting = [threads.submit(stack.enter_context, server) for server in (first, second)]
            first.manage("seed_demo")
        for start in starting:
            start.result()  # raises what went wrong
        yield first, second


@contextlib.contextmanager
def far_database(postgresql: PostgreSQL) -> Iterator[tuple[FreezingProxy, tuple[Server, Server]]]:
    """Give two servers, with a broker of their own, that reach a new database only through a proxy."""
    url = postgresql.create_database()
    with (
        Valkey() as valkey,
        FreezingProxy(postgresql.port) as proxy,
        two_servers(url.replace(f":{postgresql.port}/", f":{proxy.port}/"), valkey) as servers,
    ):
        yield proxy, servers
