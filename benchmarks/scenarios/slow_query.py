"""A query that is stuck for 3 s holds a chat's row, and posts wait for it: what do people in other chats notice?

As many posts wait as the server's pool for the database has threads, and more.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Sequence

import psycopg

from benchmarks.load.flowra_sockets import FlowraSocket, SocketFault, ignore_frame
from benchmarks.load.posts import Posts, join, leave, ms, steadily
from benchmarks.report.results import Options, Result, Table
from benchmarks.setup.deployment import Deployment, Share, deploy, run_client, verdict
from benchmarks.setup.people import Plan

STUCK_SECONDS, GOAL = 3.0, 0.1
RATE = 40.0  # posts a second in the other chats
HELD, CHATS, PEOPLE = 8, 28, 112  # chats that may be held, all chats; four people in each


class Typing:
    """`chat.typing` in a chat, as one of its members receives it, without the database. Latencies in seconds."""

    def __init__(self) -> None:
        self.sent_at = 0.0
        self.latencies: list[float] = []

    def on_frame(self, kind: str, payload: bytes, at: float) -> None:
        """Take a frame of the listener."""
        if kind == "chat.typing" and self.sent_at:
            self.latencies.append(at - self.sent_at)
            self.sent_at = 0.0

    async def run(self, sockets: Sequence[FlowraSocket], chat_id: str) -> None:
        """Have people type in turns, for ever: each may once a second."""
        number = 0
        while True:
            self.sent_at = time.perf_counter()
            is_typing = number // len(sockets) % 2 == 0
            sockets[number % len(sockets)].send("chat.typing", chat_id=chat_id, is_typing=is_typing)
            number += 1
            await asyncio.sleep(1.05 / len(sockets))


@dataclasses.dataclass(frozen=True)
class Case:
    """`chats` have their rows held, and `posts` wait for each."""

    name: str
    chats: int
    posts: int


@dataclasses.dataclass(frozen=True)
class Found:
    """What others noticed."""

    case: Case
    posts: Posts
    typing: Typing


CASES = (
    Case("no query is stuck", 0, 0),
    *(Case(f"one chat is held, {count} posts wait for it", 1, count) for count in (0, 1, 8, 24)),
    Case("no goal: 8 chats are held, one post waits for each", HELD, 1),
)


async def _round(here: Deployment, case: Case) -> tuple[Posts, Typing]:
    """Post in chats that are not held, for 6 s; others are held for half of it."""
    held = here.seeded.chats[:HELD]
    others = [person for person in here.seeded.people if person.home not in held]
    posts, stuck, typing = Posts(), Posts(), Typing()
    sockets = await join(here.server.port, others, posts.on_frame)
    writers = [(socket, person.home) for socket, person in zip(sockets, others, strict=True)]
    talking = here.seeded.chats[HELD]
    listener, *typists = [socket for socket, chat_id in writers if chat_id == talking]

    def listen(kind: str, payload: bytes, at: float) -> None:
        posts.on_frame(kind, payload, at)
        typing.on_frame(kind, payload, at)

    listener.on_frame = listen
    insiders = [
        [person for person in here.seeded.people if person.home == chat_id][number % 4]
        for chat_id in held[: case.chats]
        for number in range(case.posts)
    ]
    inside = await join(here.server.port, insiders, ignore_frame)
    task = asyncio.create_task(typing.run(typists, talking))
    load = asyncio.create_task(steadily(posts, writers, rate=RATE, seconds=2 * STUCK_SECONDS, listeners=4))
    await asyncio.sleep(1)
    if case.chats:
        waiting = [(socket, person.home) for socket, person in zip(inside, insiders, strict=True)]
        await _hold(here, held[: case.chats], waiting, stuck)
    await load
    await posts.all_delivered()
    task.cancel()
    await leave([*sockets, *inside])
    return posts, typing


async def _hold(
    here: Deployment, chats: Sequence[str], waiting: Sequence[tuple[FlowraSocket, str]], stuck: Posts
) -> None:
    connection = await psycopg.AsyncConnection.connect(here.database_url)
    try:
        await connection.execute("SELECT 1 FROM chats_chat WHERE id = ANY(%s::uuid[]) FOR UPDATE", (list(chats),))
        tasks = [asyncio.create_task(stuck.post(socket, chat_id, 0)) for socket, chat_id in waiting]
        await asyncio.sleep(STUCK_SECONDS)
    finally:
        await connection.close()
    await asyncio.gather(*tasks)
    if stuck.acks and min(stuck.acks) < 0.9 * STUCK_SECONDS:
        raise SocketFault(f"A post was acknowledged after {min(stuck.acks):.1f} s although its chat was held.")


def run(options: Options) -> Result:
    """Measure on PostgreSQL, without anything stuck and with 0 to 24 posts waiting for it."""
    share = Share()
    found: list[Found] = []
    with deploy(Plan(people=PEOPLE, chats=CHATS), postgresql=True) as here:
        run_client(_round(here, CASES[0]))  # to warm up
        for case in CASES:
            each = Found(case, Posts(), Typing())
            for _ in range(options.rounds):
                posts, typing = run_client(_round(here, case), share)
                each.posts.acks += posts.acks
                each.posts.deliveries += posts.deliveries
                each.typing.latencies += typing.latencies
            found.append(each)
    without = max(found[0].posts.deliveries)
    rows = [
        [
            each.case.name,
            _three(each.posts.acks),
            _three(each.posts.deliveries),
            f"{ms(each.typing.latencies, 0.5)} / {ms(each.typing.latencies, 1)}",
            verdict(max(each.posts.deliveries) - without < GOAL) if each.case.chats == 1 else "-",
        ]
        for each in found
    ]
    header = ["", "ack, p50 / p99 / worst ms", "delivery, p50 / p99 / worst ms", "typing, p50 / worst ms", "goal"]
    about = (
        f"PostgreSQL; {RATE:.0f} posts a second by {PEOPLE - 4 * HELD} people in {CHATS - HELD} chats that nobody "
        f"holds, for {2 * STUCK_SECONDS:.0f} s; FLOWRA_SOCKET_DB_THREADS is 8, its default. Typing needs no database."
    )
    remarks = [
        f"Goal: the worst delivery in other chats is less than {1000 * GOAL:.0f} ms later than the worst one without.",
        about,
        "At most three quarters of the threads write: as many held chats hold up others' posts, but nobody's reading.",
        "SQLite has one writer at a time: a transaction that writes for 3 s holds up every post, whoever asks.",
        f"The client used {share} of its core.",
    ]
    title = f"What others notice while a chat's row is held for {STUCK_SECONDS:.0f} s"
    return Result("slow_query", [Table(title, header, rows)], remarks=remarks)


def _three(values: Sequence[float]) -> str:
    return f"{ms(values, 0.5)} / {ms(values, 0.99)} / {ms(values, 1)}"
