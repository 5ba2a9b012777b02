"""What one stored post costs the server where 500 people look on: from the command to the last delivery."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.load.posts import Posts, join, leave, ms
from benchmarks.measuring import median
from benchmarks.report.results import Options, Table
from benchmarks.setup.deployment import Deployment, Share, deploy, run_client, verdict
from benchmarks.setup.people import Plan

LISTENERS = 500
GOAL = 0.0033  # seconds of the server's processor for one post
MESSAGES = 1_000  # before the first one
_ARRIVAL_SECONDS = 4.0  # until presence has told who came
_WARM_UP = 1.0  # seconds


@dataclasses.dataclass(frozen=True)
class Round:
    """`server` and `database` in seconds of processor time for one post."""

    posts: Posts
    server: float
    database: float
    rate: float  # posts a second


async def _post_one_by_one(here: Deployment, seconds: float) -> Round:
    """Post for so long, the next one when the last has reached everybody."""
    warm, posts = Posts(), Posts()
    sockets = await join(here.server.port, here.seeded.people, warm.on_frame)
    chat_id = here.seeded.chats[0]

    async def post_until(end: float, counted: Posts) -> None:
        for socket in sockets:
            socket.on_frame = counted.on_frame
        while time.perf_counter() < end:
            await counted.post(sockets[0], chat_id, LISTENERS)
            await counted.all_delivered(pause=0.001)

    await asyncio.sleep(_ARRIVAL_SECONDS)
    await post_until(time.perf_counter() + _WARM_UP, warm)
    server, database, began = here.server_cpu(), here.database_cpu(), time.perf_counter()
    await post_until(began + seconds, posts)
    took, count = time.perf_counter() - began, len(posts.acks)
    found = Round(posts, (here.server_cpu() - server) / count, (here.database_cpu() - database) / count, count / took)
    await leave(sockets)
    return found


def measure(options: Options, share: Share) -> tuple[Table, str]:
    """Measure this build and, where Options.against names one, another in turns, each with a PostgreSQL of its own."""
    plan = Plan(people=LISTENERS, messages=MESSAGES)
    builds: list[tuple[str, Path | None]] = [("Flowra", None)]
    if options.against is not None:
        builds.append((f"Flowra in {options.against.name}", options.against))
    rounds: list[list[Round]] = [[] for _ in builds]
    with contextlib.ExitStack() as stack:
        deployments = [stack.enter_context(deploy(plan, postgresql=True, root=root)) for _, root in builds]
        for _ in range(options.rounds):
            for here, found in zip(deployments, rounds, strict=True):
                found.append(run_client(_post_one_by_one(here, 3.0 if options.quick else 8.0), share))
    table = Table(
        f"One post after the other, {LISTENERS} listeners, PostgreSQL",
        [
            "",
            "server, CPU ms a post",
            "times",
            "database, CPU ms",
            "ack, p50 / p99 ms",
            "delivery, p50 / p99 ms",
            "posts/s",
        ],
        [_row(title, mine, rounds[-1]) for (title, _), mine in zip(builds, rounds, strict=True)],
    )
    cost = median(each.server for each in rounds[0])
    goal = (
        f"Goal: a stored post with {LISTENERS} listeners takes under {1000 * GOAL:.1f} ms of the server's processor: "
        f"{verdict(cost < GOAL)} ({1000 * cost:.2f} ms). The next post is sent when the last has reached everybody."
    )
    return table, goal


def _row(title: str, mine: Sequence[Round], compared: Sequence[Round]) -> list[str]:
    acks = [latency for each in mine for latency in each.posts.acks]
    deliveries = [latency for each in mine for latency in each.posts.deliveries]
    times = median(one.server / other.server for one, other in zip(mine, compared, strict=True))
    return [
        title,
        f"{1000 * median(each.server for each in mine):.2f}",
        f"{times:.2f}",
        f"{1000 * median(each.database for each in mine):.2f}",
        f"{ms(acks, 0.5)} / {ms(acks, 0.99)}",
        f"{ms(deliveries, 0.5)} / {ms(deliveries, 0.99)}",
        f"{median(each.rate for each in mine):.0f}",
    ]
