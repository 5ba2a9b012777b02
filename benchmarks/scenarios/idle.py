"""Connections that do nothing: their memory, what a new one costs, and what presence costs while nothing happens."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import time
from collections.abc import Sequence

from benchmarks.load.flowra_sockets import FlowraSocket, answer_of, connect
from benchmarks.load.posts import leave
from benchmarks.measuring import mebibytes, resident_bytes
from benchmarks.report.results import Options, Plot, Result, Table
from benchmarks.scenarios import presence_cost
from benchmarks.setup.deployment import Deployment, Share, deploy, run_client, verdict
from benchmarks.setup.people import Plan, SeededPerson

GOAL = 40_000  # bytes per connection
AT_ONCE = 64  # handshakes under way
LEVELS = (0, 1_000, 2_500, 5_000, 10_000)
CALM = 3.0  # seconds until what was begun is over: presence is announced, tokens are garbage


@dataclasses.dataclass(frozen=True)
class Level:
    """`memory` in bytes; rates per second; `connect_cpu` and `subscribe_cpu` in seconds of the server's processor."""

    count: int
    memory: int
    connect_rate: float = 0.0
    connect_cpu: float = 0.0
    subscribe_rate: float = 0.0
    subscribe_cpu: float = 0.0


async def _climb(here: Deployment, levels: Sequence[int], *, subscribed: bool) -> list[Level]:
    pid = here.server.process.pid
    people = here.seeded.people
    sockets: list[FlowraSocket] = []
    await leave(await _connect(here, people[: 2 * AT_ONCE]))  # to warm up
    await asyncio.sleep(CALM + 6)  # their grace is over
    found = [Level(0, resident_bytes(pid))]
    for count in levels[1:]:
        newcomers = people[len(sockets) : count]
        cpu, began = here.server_cpu(), time.perf_counter()
        fresh = await _connect(here, newcomers)
        took, used = time.perf_counter() - began, here.server_cpu() - cpu
        rate, each = len(fresh) / took, used / len(fresh)
        subscribe_rate = subscribe_each = 0.0
        if subscribed:
            cpu, began = here.server_cpu(), time.perf_counter()
            await _subscribe(fresh, newcomers)
            subscribe_rate = len(fresh) / (time.perf_counter() - began)
            subscribe_each = (here.server_cpu() - cpu) / len(fresh)
        sockets += fresh
        await asyncio.sleep(CALM)
        found.append(Level(len(sockets), resident_bytes(pid), rate, each, subscribe_rate, subscribe_each))
    gone = sum(socket.closed.done() for socket in sockets)
    if gone:
        raise RuntimeError(f"{gone} of {len(sockets)} idle sockets were closed.")
    for socket in sockets:
        socket.transport.abort()
    return found


async def _connect(here: Deployment, people: Sequence[SeededPerson]) -> list[FlowraSocket]:
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(person: SeededPerson) -> FlowraSocket:
        async with turn:
            return await connect(here.server.port, person.token)

    return list(await asyncio.gather(*(one(person) for person in people)))


async def _subscribe(sockets: Sequence[FlowraSocket], people: Sequence[SeededPerson]) -> None:
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(socket: FlowraSocket, person: SeededPerson) -> None:
        async with turn:
            await answer_of(socket.ask("subscribe", chat_id=person.home))

    await asyncio.gather(*(one(socket, person) for socket, person in zip(sockets, people, strict=True)))


def _each(levels: Sequence[Level], level: Level) -> float:
    return (level.memory - levels[0].memory) / level.count if level.count else 0.0


def run(options: Options) -> Result:
    """Measure on SQLite with and without subscriptions, and on PostgreSQL; one climb each, as they differ little."""
    levels = (0, 500, 1_000) if options.quick else LEVELS
    # Chats of ten in workspaces of a hundred: people who know each other, not ten thousand in one room.
    plan = Plan(workspaces=max(levels) // 100, people=100, chats=10)
    cases = [("SQLite, subscribed", False, True), ("PostgreSQL, subscribed", True, True)]
    if not options.quick:
        cases.append(("SQLite, not subscribed", False, False))
    share = Share()
    climbs: list[tuple[str, list[Level]]] = []
    for name, is_large, subscribed in cases:
        with deploy(plan, postgresql=is_large) as here:
            climbs.append((name, run_client(_climb(here, levels, subscribed=subscribed), share)))
    memory = [[name, *(_cell(climb, level) for level in climb)] for name, climb in climbs]
    rates = [_rates(name, climb) for name, climb in climbs]
    each = max(_each(climb, climb[-1]) for _, climb in climbs)
    tables = [
        Table("Memory of the server, MiB (KB per connection)", ["idle sockets", *(f"{n:,}" for n in levels)], memory),
        Table(
            "What a newcomer costs: token checked, account and workspaces read, welcomed; then subscribed",
            ["", "connects / s", "CPU ms each", "subscriptions / s", "CPU ms each"],
            rates,
        ),
    ]
    about = (
        "Memory is what the process holds and shares with nobody; what the kernel holds for a socket is not in it. "
        "Chats have ten members each, all of them connected."
    )
    most = f"{each / 1000:.1f} KB at {max(levels):,}"
    remarks = [
        f"Goal: under {GOAL // 1000} KB per idle connection: {verdict(each < GOAL)} ({most}).",
        about,
        f"{AT_ONCE} handshakes are under way at a time; telling the others that somebody came is part of the cost.",
        f"The client used {share} of its core, pauses included.",
    ]
    if not options.quick:
        more, said = presence_cost.measure()
        tables += more
        remarks += said
    plot = Plot(
        "idle_memory",
        "Memory of the server",
        "idle connections",
        "MiB",
        [float(count) for count in levels],
        {name: [mebibytes(level.memory) for level in climb] for name, climb in climbs},
    )
    return Result("idle", tables, [plot], remarks)


def _cell(climb: Sequence[Level], level: Level) -> str:
    size = f"{mebibytes(level.memory):.0f}"
    return f"{size} ({_each(climb, level) / 1000:.1f})" if level.count else size


def _rates(name: str, climb: Sequence[Level]) -> list[str]:
    newcomers = [later.count - earlier.count for earlier, later in itertools.pairwise(climb)]
    total = sum(newcomers)

    def per_second(rates: Sequence[float]) -> str:
        if not all(rates):
            return "-"
        return f"{total / sum(count / rate for count, rate in zip(newcomers, rates, strict=True)):.0f}"

    def milliseconds(costs: Sequence[float]) -> str:
        if not all(costs):
            return "-"
        return f"{1000 * sum(n * cost for n, cost in zip(newcomers, costs, strict=True)) / total:.2f}"

    risen = climb[1:]
    return [
        name,
        per_second([level.connect_rate for level in risen]),
        milliseconds([level.connect_cpu for level in risen]),
        per_second([level.subscribe_rate for level in risen]),
        milliseconds([level.subscribe_cpu for level in risen]),
    ]
