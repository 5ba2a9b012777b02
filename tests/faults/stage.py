"""Where faults are tried: two servers with the demo's people, on a PostgreSQL that writes to disk, and a broker."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

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
    with PostgreSQL(durable=True) as postgresql, Valkey() as valkey:
        shared = {
            "DATABASE_URL": postgresql.create_database(),
            "REDIS_URL": valkey.url,
            "SECRET_KEY": SECRET_KEY,
            **(settings or {}),
        }
        with Server(shared) as first, Server(shared) as second:
            first.manage("seed_demo")
            yield Stage(postgresql, valkey, (first, second))
