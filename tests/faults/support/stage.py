"""Where faults are tried: two servers with the demo's people, on a PostgreSQL that writes to disk, and a broker."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.cluster.conftest import SECRET_KEY, started
from tests.faults.support.clock import Clock
from tests.support.freezing_proxy import FreezingProxy
from tests.support.processes import PostgreSQL, Server, Valkey

TOKEN_SECONDS = 4


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
        two_servers(postgresql.create_database(), valkey.url, settings) as servers,
    ):
        yield Stage(postgresql, valkey, servers)


@dataclass(frozen=True, slots=True)
class Rig:
    """Two servers that reach their database and their broker only through proxies.

    The second server goes by a clock that can be set.
    """

    database: FreezingProxy
    broker: FreezingProxy
    clock: Clock
    servers: tuple[Server, Server]

    @property
    def addresses(self) -> list[str]:
        """The servers' addresses."""
        return [server.base_url for server in self.servers]


@contextlib.contextmanager
def set_rig(postgresql: PostgreSQL) -> Iterator[Rig]:
    """Give a rig with a new database and a broker of its own; the second server's tokens hold TOKEN_SECONDS."""
    url = postgresql.create_database()
    clock = Clock()
    with (
        Valkey() as valkey,
        FreezingProxy(postgresql.port) as database,
        FreezingProxy(valkey.port) as broker,
    ):
        database_url = url.replace(f":{postgresql.port}/", f":{database.port}/")
        redis_url = valkey.url.replace(f":{valkey.port}/", f":{broker.port}/")
        second = {**clock.settings(), "FLOWRA_ACCESS_TOKEN_SECONDS": str(TOKEN_SECONDS)}
        with two_servers(database_url, redis_url, second_has=second) as servers:
            yield Rig(database, broker, clock, servers)


@contextlib.contextmanager
def two_servers(
    database_url: str,
    redis_url: str,
    settings: Mapping[str, str] | None = None,
    second_has: Mapping[str, str] | None = None,
) -> Iterator[tuple[Server, Server]]:
    """Give two running servers on an empty database, which gets the demo's people."""
    shared = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "SECRET_KEY": SECRET_KEY, **(settings or {})}
    first, second = Server(shared), Server({**shared, **(second_has or {})})
    with started(first, second) as servers:
        yield servers
