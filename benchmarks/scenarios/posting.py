"""Posts stored, committed and delivered: how many a second, how soon, at what cost; and catching up with 500."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Sequence

import psycopg

from benchmarks.load.flowra_sockets import FlowraSocket, SocketFault, answer_of, connect
from benchmarks.load.posts import Posts, join, leave, ms, steadily
from benchmarks.measuring import median, percentile
from benchmarks.report.results import Options, Result, Table
from benchmarks.scenarios import post_cost
from benchmarks.setup.deployment import Deployment, Share, deploy, run_client, verdict
from benchmarks.setup.people import Plan

PEOPLE, CHATS, MEMBERSHIPS = 200, 50, 5
LISTENERS = PEOPLE // CHATS
IN_FLIGHT = 32
RATE, P99, CATCH_UP = 500.0, 0.1, 0.05  # goals: posts a second, seconds, seconds
MISSED, TRIES = 500, 25  # messages to catch up with, and how often
LONGEST_BACKLOG = 2.0  # seconds of p99 from which higher rates are not tried


@dataclasses.dataclass(frozen=True)
class Closed:
    """A closed loop: `rate` in posts a second, `server` and `database` in seconds of processor time a post."""

    posts: Posts
    rate: float
    server: float
    database: float


Writers = list[tuple[FlowraSocket, str]]


async def _join_all(here: Deployment, posts: Posts) -> Writers:
    people = here.seeded.people
    made: Writers = []
    for number, server in enumerate(here.servers):
        mine = people[number :: len(here.servers)]
        sockets = await join(server.port, mine, posts.on_frame)
        made += [(socket, person.home) for socket, person in zip(sockets, mine, strict=True)]
    return made


async def _closed_loop(here: Deployment, seconds: float) -> Closed:
    posts = Posts()
    writers = await _join_all(here, posts)
    await _keep_in_flight(Posts(), writers, 2.0)  # to warm up; what is delivered of these counts nowhere
    server, database, began = here.server_cpu(), here.database_cpu(), time.perf_counter()
    await _keep_in_flight(posts, writers, seconds)
    await posts.all_delivered()
    took = posts.last_delivery - began
    count = len(posts.acks)
    found = Closed(posts, count / took, (here.server_cpu() - server) / count, (here.database_cpu() - database) / count)
    await leave([socket for socket, _ in writers])
    return found


async def _keep_in_flight(posts: Posts, writers: Writers, seconds: float) -> None:
    until = time.perf_counter() + seconds

    async def post_on(mine: Writers) -> None:
        while True:
            for socket, chat_id in mine:
                if time.perf_counter() > until:
                    return
                await posts.post(socket, chat_id, LISTENERS)

    await asyncio.gather(*(post_on(writers[number::IN_FLIGHT]) for number in range(IN_FLIGHT)))


async def _open_loop(here: Deployment, rate: float, seconds: float) -> Posts:
    posts, warm = Posts(), Posts()
    writers = await _join_all(here, warm)
    await steadily(warm, writers, rate=rate / 2, seconds=1, listeners=LISTENERS)
    await warm.all_delivered()
    for socket, _ in writers:
        socket.on_frame = posts.on_frame
    await steadily(posts, writers, rate=rate, seconds=seconds, listeners=LISTENERS)
    await posts.all_delivered()
    await leave([socket for socket, _ in writers])
    return posts


async def _catch_up(here: Deployment) -> list[float]:
    """Return what each try took, from `subscribe` with `since` to its `ack`; seconds."""
    person = here.seeded.people[0]
    received = 0

    def count(kind: str, payload: bytes, at: float) -> None:
        nonlocal received
        received += kind == "chat.message.posted"

    socket = await connect(here.server.port, person.token, count)
    revision = (await answer_of(socket.ask("subscribe", chat_id=person.home)))["revision"]
    took: list[float] = []
    for number in range(TRIES + 3):
        received = 0
        began = time.perf_counter()
        ack = await answer_of(socket.ask("subscribe", chat_id=person.home, since=revision - MISSED))
        if number >= 3:  # the first ones warm up
            took.append(time.perf_counter() - began)
        if received != MISSED or ack.get("reset"):
            raise SocketFault(f"{received} messages came instead of {MISSED}.")
        await asyncio.sleep(0.05)
    await leave([socket])
    return took


def _statements(here: Deployment) -> float:
    """Return how many SQL statements a post takes, BEGIN and COMMIT among them."""
    count = "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid "
    count += "WHERE d.datname = current_database() AND query NOT LIKE '%pg_stat_statements%'"

    async def idle() -> Posts:
        posts = Posts()
        writers = await _join_all(here, posts)
        await asyncio.sleep(4)
        await leave([socket for socket, _ in writers])
        return posts

    calls: list[float] = []
    with psycopg.connect(here.database_url, autocommit=True) as connection:
        run_client(_open_loop(here, 50, 1))
        for main in (idle(), _open_loop(here, 50, 3)):  # the second one warms up for 1 s with 25
            connection.execute("SELECT pg_stat_statements_reset()")
            posts = run_client(main)
            row = connection.execute(count).fetchone()
            calls.append(float(row[0]) if row else 0.0)
    return (calls[1] - calls[0]) / (len(posts.acks) + 25)


def run(options: Options) -> Result:
    """Measure closed and open loops and catching up, on SQLite, on PostgreSQL, and with two processes."""
    plan = Plan(people=PEOPLE, chats=CHATS, memberships=MEMBERSHIPS, messages=600 if options.quick else 2_000)
    seconds = 4.0 if options.quick else 10.0
    share = Share()
    loops: list[list[str]] = []
    steady: list[tuple[float, Posts]] = []
    caught: list[list[str]] = []
    kinds = [("PostgreSQL", True, 1)]
    if not options.quick:
        kinds = [("SQLite", False, 1), *kinds, ("PostgreSQL and Valkey, two processes", True, 2)]
    for name, is_large, servers in kinds:
        with deploy(plan, postgresql=is_large, servers=servers) as here:
            if servers == 1:
                caught.append(_caught_row(name, run_client(_catch_up(here))))
            closed = [run_client(_closed_loop(here, seconds), share) for _ in range(options.rounds)]
            loops.append(_loop_row(name, closed))
            if is_large and servers == 1:
                steady = _rising(here, options, seconds, share)
    listened, goal = post_cost.measure(options, share)
    remarks = [*_remarks(steady, share, plan), goal]
    if not options.quick:
        with deploy(plan, postgresql=True, extensions=True) as here:
            remarks.insert(1, f"A post takes {_statements(here):.1f} SQL statements, BEGIN and COMMIT among them.")
    return Result(
        "posting",
        [
            Table(
                f"{IN_FLIGHT} posts in flight: stored, committed and delivered",
                ["", "posts/s", "ack, p50 / p99 ms", "delivery, p50 / p99 ms", "server, CPU ms", "database, CPU ms"],
                loops,
            ),
            Table(
                "Posts at a steady rate, PostgreSQL, one process",
                ["posts/s", "ack, p50 / p99 ms", "delivery, p50 / p99 ms"],
                [[f"{rate:.0f}", _both(posts.acks), _both(posts.deliveries)] for rate, posts in steady],
            ),
            listened,
            Table(f"Catching up with {MISSED} messages", ["", "p50", "worst", "goal: under 50 ms"], caught),
        ],
        remarks=remarks,
    )


def _rising(here: Deployment, options: Options, seconds: float, share: Share) -> list[tuple[float, Posts]]:
    found: list[tuple[float, Posts]] = []
    for rate in (100.0, RATE) if options.quick else (100.0, 200.0, 300.0, 400.0, 500.0):
        posts = run_client(_open_loop(here, rate, seconds), share)
        found.append((rate, posts))
        if percentile(posts.deliveries, 0.99) > LONGEST_BACKLOG:
            break
    return found


def _both(values: Sequence[float]) -> str:
    return f"{ms(values, 0.5)} / {ms(values, 0.99)}"


def _loop_row(name: str, closed: Sequence[Closed]) -> list[str]:
    acks = [latency for one in closed for latency in one.posts.acks]
    deliveries = [latency for one in closed for latency in one.posts.deliveries]
    database = median(one.database for one in closed)
    return [
        name,
        f"{median(one.rate for one in closed):.0f}",
        _both(acks),
        _both(deliveries),
        f"{1000 * median(one.server for one in closed):.2f}",
        f"{1000 * database:.2f}" if database else "in the server",
    ]


def _caught_row(name: str, took: Sequence[float]) -> list[str]:
    return [name, f"{ms(took, 0.5)} ms", f"{ms(took, 1)} ms", verdict(max(took) < CATCH_UP)]


def _remarks(steady: Sequence[tuple[float, Posts]], share: Share, plan: Plan) -> list[str]:
    good = [rate for rate, posts in steady if percentile(posts.deliveries, 0.99) < P99]
    best = f"{max(good):.0f} a second are" if good else "no rate that was tried is"
    reached = verdict(bool(good) and max(good) >= RATE)
    goal = (
        f"Goal: {RATE:.0f} posts a second and server process, p99 under {1000 * P99:.0f} ms, on PostgreSQL: {reached}"
    )
    about = (
        f"{PEOPLE} people in {CHATS} chats, each a member of {MEMBERSHIPS} and looking at one, so a post is delivered "
        f"to {LISTENERS} and counted as unread by the others; {plan.messages * CHATS:,} messages are there before."
    )
    durable = (
        "PostgreSQL waits for the disk at every commit; SQLite (WAL, synchronous=NORMAL) does not. The first server "
        "has a core for itself; client, database, broker and the second server share the other one, which with two "
        "processes is what limits."
    )
    late = "At a steady rate latencies count from when a post was due; rates end where p99 exceeds 2 s."
    return [f"{goal} ({best} within it).", about, durable, late, f"The client used {share} of its core."]
