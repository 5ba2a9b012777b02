"""What presence asks of the registry and of the database, as they count it themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import httpx
import psycopg
import redis

from benchmarks.load.flowra_sockets import ignore_frame
from benchmarks.load.posts import join, leave
from benchmarks.report.results import Table
from benchmarks.setup.deployment import Deployment, deploy, run_client, verdict
from benchmarks.setup.people import Plan

WATCHED_SECONDS = 20
HEARTBEAT = 5.0  # seconds; FLOWRA_PRESENCE_HEARTBEAT
SCRIPTS = ("evalsha", "eval", "fcall")  # each of the registry's commands is one script
READS = 20


def _calls(broker: redis.Redis, names: Iterable[str]) -> int:
    stats = broker.info("commandstats")
    return sum(stats[f"cmdstat_{name}"]["calls"] for name in names if f"cmdstat_{name}" in stats)


def registry_seconds(here: Deployment) -> float | None:
    """Return the time that Valkey has spent in the registry's commands; None where the registry is in memory."""
    if here.valkey is None:
        return None
    with _broker(here) as broker:
        stats = broker.info("commandstats")
    return float(sum(stats[f"cmdstat_{name}"]["usec"] for name in SCRIPTS if f"cmdstat_{name}" in stats)) / 1e6


async def _idle(here: Deployment, count: int, seconds: float) -> tuple[float, float]:
    """Return scripts and all commands per second while `count` sockets are open and silent."""
    broker = _broker(here)
    sockets = await join(here.server.port, here.seeded.people[:count], ignore_frame)
    await asyncio.sleep(8)  # for arrivals to be announced, and departures of the last round to be over
    names = [name.removeprefix("cmdstat_") for name in broker.info("commandstats")]
    scripts, everything = _calls(broker, SCRIPTS), _calls(broker, names)
    await asyncio.sleep(seconds)
    after = _calls(broker, [name.removeprefix("cmdstat_") for name in broker.info("commandstats")])
    found = (_calls(broker, SCRIPTS) - scripts) / seconds, (after - everything) / seconds
    await leave(sockets)
    return found


def _broker(here: Deployment) -> redis.Redis:
    assert here.valkey is not None
    return redis.Redis.from_url(here.valkey.url)


async def _read(here: Deployment, place_of_person: int) -> tuple[float, float, float]:
    """Return scripts, SQL statements and seconds of one presence snapshot by REST."""
    person = here.seeded.people[place_of_person]
    broker = _broker(here)
    headers = {"Authorization": f"Bearer {person.token}"}
    loop = asyncio.get_running_loop()
    async with httpx.AsyncClient(headers=headers, timeout=30) as http:
        with psycopg.connect(here.database_url, autocommit=True) as connection:
            address = f"{here.server.base_url}/api/v1/chats/{person.home}/presence"
            (await http.get(address)).raise_for_status()
            connection.execute("SELECT pg_stat_statements_reset()")
            scripts, began = _calls(broker, SCRIPTS), loop.time()
            for _ in range(READS):
                (await http.get(address)).raise_for_status()
            took = loop.time() - began
            row = connection.execute(
                "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE query LIKE 'SELECT%%' "
                "AND query NOT LIKE '%%pg_stat%%' AND calls >= %s",
                (READS,),
            ).fetchone()
            called = _calls(broker, SCRIPTS) - scripts
    return (called - round(took)) / READS, (float(row[0]) if row else 0.0) / READS, took / READS


def measure(sizes: tuple[int, int] = (10, 1_000), idle_sockets: int = 2_000) -> tuple[list[Table], list[str]]:
    """Return tables and remarks: commands while nothing happens, and those of reading who is online."""
    with deploy(Plan(people=idle_sockets, chats=100), postgresql=True, valkey=True) as here:
        counts = (0, idle_sockets)
        idle = [run_client(_idle(here, count, WATCHED_SECONDS)) for count in counts]
    reads: list[tuple[float, float, float]] = []
    for size in sizes:
        with deploy(Plan(people=size), postgresql=True, valkey=True, extensions=True) as here:
            reads.append(run_client(_read(here, 0)))
    rate = [found[0] for found in idle]
    tables = [
        Table(
            "What presence asks of the registry while nothing happens, one process",
            ["open sockets", "registry commands / s", "all commands of Valkey / s"],
            [[f"{count:,}", f"{found[0]:.2f}", f"{found[1]:.2f}"] for count, found in zip(counts, idle, strict=True)],
        ),
        Table(
            "One snapshot of a chat's presence by REST",
            ["members", "registry commands", "SELECTs", "ms"],
            [
                [f"{size:,}", f"{scripts:.1f}", f"{selects:.1f}", f"{1000 * took:.1f}"]
                for size, (scripts, selects, took) in zip(sizes, reads, strict=True)
            ],
        ),
    ]
    same = abs(rate[1] - rate[0]) < 0.2
    lease = (
        f"Goal: registry commands do not grow with the sockets: {verdict(same)}. The lease is renewed every "
        f"{HEARTBEAT:.0f} s; the other commands look for expired leases and edges once a second, which the goal of one "
        "command every 5 s does not name."
    )
    one_command = all(found[0] < 1.2 for found in reads)
    one_cost = abs(reads[0][1] - reads[1][1]) < 0.2
    reading = (
        f"Goal: a chat's presence is one command whatever its size: {verdict(one_command)}; as many queries for "
        f"{sizes[0]} as for {sizes[1]:,} members: {verdict(one_cost)} (with those that check token and membership)."
    )
    return tables, [lease, reading]
