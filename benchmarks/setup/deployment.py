"""Real servers as in production, with real databases and people in them, for the scenarios that need them.

The server has one core for itself; the client and, where there are some, database and broker share the other one. With
two servers, the second one is among those.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import gc
import shutil
import time
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import uvloop

from benchmarks.load.flowra_sockets import allow_many
from benchmarks.measuring import cpu_seconds, on_core
from benchmarks.setup.people import Plan, Seeded, seed
from tests.support.processes import ROOT, PostgreSQL, Server, Valkey, environment, run_manage, temporary_folder

SERVER_CORE, CLIENT_CORE = 0, 1
SETTINGS = {
    "DEBUG": "0",  # otherwise Django keeps every query
    "SECRET_KEY": "fifty characters that are the same for all servers",
    "ALLOWED_HOSTS": "127.0.0.1",
    "FLOWRA_RATE_LIMITS": "0",  # one person posts here what a hundred do elsewhere
    "FLOWRA_ACCESS_TOKEN_SECONDS": "86400",
    "FLOWRA_LOG_LEVEL": "WARNING",
}
T = TypeVar("T")


@dataclasses.dataclass
class Deployment:
    """Running servers, and who can sign in to them."""

    servers: list[Server]
    seeded: Seeded
    postgresql: PostgreSQL | None = None
    database_url: str = ""
    valkey: Valkey | None = None

    @property
    def server(self) -> Server:
        """The first server."""
        return self.servers[0]

    def server_cpu(self) -> float:
        """Return the seconds of processor time that all servers have used."""
        return sum(cpu_seconds(server.process.pid) for server in self.servers)

    def database_cpu(self) -> float:
        """Return the same of PostgreSQL and its backends; 0 for SQLite, which runs in the server."""
        return cpu_seconds(self.postmaster) if self.postmaster else 0.0

    @functools.cached_property
    def postmaster(self) -> int:
        """PostgreSQL's first process, 0 if there is none."""
        if self.postgresql is None:
            return 0
        with psycopg.connect(self.database_url) as connection:
            backend = connection.info.backend_pid
            return int(Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[1])


@contextlib.contextmanager
def deploy(
    plan: Plan,
    *,
    postgresql: bool = False,
    valkey: bool = False,
    servers: int = 1,
    settings: Mapping[str, str] | None = None,
    extensions: bool = False,
    root: Path | None = None,
) -> Iterator[Deployment]:
    """Give running servers with the plan's people; `extensions` has PostgreSQL count statements, at some cost.

    `root` is another checkout that the servers run; its tables must be the same as here.
    """
    allow_many()
    with ExitStack() as stack:
        wanted = {**SETTINGS, **(settings or {})}
        database = broker = None
        with on_core(CLIENT_CORE):
            if postgresql:
                database = stack.enter_context(PostgreSQL(durable=True))
                if extensions:
                    _count_statements(database)
                wanted["DATABASE_URL"] = database.create_database()
            if valkey or servers > 1:
                broker = stack.enter_context(Valkey())
                wanted["REDIS_URL"] = broker.url
        made = [Server(wanted, root=root or ROOT) for _ in range(servers)]
        for server in made:
            shutil.copytree(_static_files(server.root), server.folder / "static")
        seeded = seed(made[0].env, plan)
        for number, server in enumerate(made):
            with on_core(SERVER_CORE if number == 0 else CLIENT_CORE):
                stack.enter_context(server)
        yield Deployment(made, seeded, database, wanted.get("DATABASE_URL", ""), broker)


def _count_statements(database: PostgreSQL) -> None:
    with psycopg.connect(database.url("postgres"), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")
    database.restart()
    with psycopg.connect(database.url("template1"), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION pg_stat_statements")


@functools.cache
def _static_files(root: Path) -> Path:
    folder = temporary_folder()
    run_manage(["collectstatic", "--noinput", "--verbosity=0"], environment(folder, SETTINGS), root=root)
    return folder / "static"


@dataclasses.dataclass
class Share:
    """How much of its core the client used; near 1 it is the client that was measured."""

    seconds: float = 0.0
    processor: float = 0.0

    def __str__(self) -> str:
        return f"{100 * self.processor / self.seconds if self.seconds else 0:.0f} %"


def run_client(main: Coroutine[Any, Any, T], share: Share | None = None) -> T:
    """Run a load client in this process on its core, without the collector's pauses; adds to `share`."""
    wall, processor = time.monotonic(), time.process_time()
    gc.collect()
    gc.disable()
    try:
        with on_core(CLIENT_CORE):
            return uvloop.run(main)
    finally:
        gc.enable()
        if share is not None:
            share.seconds += time.monotonic() - wall
            share.processor += time.process_time() - processor


def verdict(is_reached: bool) -> str:
    """Return how a goal fared."""
    return "reached" if is_reached else "**not reached**"
