"""One of many subscribers stops reading while 12 MB go out: what it costs the server and the others; how it ends."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from benchmarks.load.flowra_sockets import SocketFault, answer_of, connect
from benchmarks.load.posts import BODY, Posts, join, leave, steadily
from benchmarks.measuring import mebibytes, median, percentile, resident_bytes
from benchmarks.report.results import Options, Result, Table
from benchmarks.setup.deployment import Deployment, Share, deploy, run_client, verdict
from benchmarks.setup.people import Plan

EVENTS_BYTES = 12e6
GROWTH, LATER = 2 * 1024 * 1024, 1.25  # goals: bytes; others' p99, of which "unchanged" is up to a quarter more
FRAME_BYTES = 16_400  # a message of 8,000 characters as text and as HTML
LONG_BODY = (BODY + " ") * 77
RECEIVE_BUFFER = 4096  # bytes; the kernel makes a little more of it
WRITERS = 20
END_WITHIN = 5.0 + 1.0  # seconds from the overflow to the end of a peer that takes nothing


@dataclasses.dataclass(frozen=True)
class Round:
    """`growth` is the highest private memory of the server minus that before, in bytes; times in seconds."""

    posts: Posts
    growth: float
    closed_after: float | None = None  # the first post, by the server's own count
    ended_after: float | None = None  # that close, until the server had let the connection go
    seen: str = ""


class Watch:
    """Asks the server's process and its /metrics four times a second."""

    def __init__(self, here: Deployment, slow_port: int) -> None:
        self._here = here
        self._pair = f":{here.server.port:04X} 0100007F:{slow_port:04X} 01 "  # as /proc has it, while it is open
        self.before = self.peak = 0
        self.slow_closed_at: float | None = None
        self.gone_at: float | None = None

    async def run(self) -> None:
        """Watch for ever."""
        pid = self._here.server.process.pid
        self.before = self.peak = resident_bytes(pid)
        async with httpx.AsyncClient(timeout=10) as http:
            while True:
                self.peak = max(self.peak, await asyncio.to_thread(resident_bytes, pid))
                text = (await http.get(f"{self._here.server.base_url}/metrics")).text
                closed = re.search(r'^flowra_sockets_closed_total\{code="4408"\} (\S+)', text, re.MULTILINE)
                now = time.perf_counter()
                if self.slow_closed_at is None and closed and float(closed[1]) > self._closed_before:
                    self.slow_closed_at = now
                if self.slow_closed_at and self.gone_at is None and not self._is_held():
                    self.gone_at = now
                await asyncio.sleep(0.25)

    def _is_held(self) -> bool:
        """Return whether the server's process still has the slow one's connection."""
        return self._pair in Path("/proc/net/tcp").read_text()

    _closed_before = 0.0

    async def note_closed(self) -> None:
        """Note how many slow ones were closed earlier."""
        async with httpx.AsyncClient(timeout=10) as http:
            text = (await http.get(f"{self._here.server.base_url}/metrics")).text
        closed = re.search(r'^flowra_sockets_closed_total\{code="4408"\} (\S+)', text, re.MULTILINE)
        self._closed_before = float(closed[1]) if closed else 0.0


async def _round(here: Deployment, *, is_slow: bool, reads_again: bool, rate: float) -> Round:
    posts = Posts()
    people = here.seeded.people
    sockets = await join(here.server.port, people[:-1], posts.on_frame)
    slow = await connect(here.server.port, people[-1].token, receive_buffer=RECEIVE_BUFFER if is_slow else 0)
    await answer_of(slow.ask("subscribe", chat_id=people[-1].home))
    # What grows once, allocators and caches, grows here.
    writers = [(socket, people[0].home) for socket in sockets[:WRITERS]]
    await steadily(posts, writers, rate=rate, seconds=2, listeners=len(sockets), body=LONG_BODY)
    await posts.all_delivered()
    watch = Watch(here, slow.transport.get_extra_info("sockname")[1])
    await watch.note_closed()
    measured = Posts()
    for socket in sockets:
        socket.on_frame = measured.on_frame
    watching = asyncio.create_task(watch.run())
    await asyncio.sleep(0.5)
    if is_slow:
        slow.transport.pause_reading()
    began = time.perf_counter()
    seconds = EVENTS_BYTES / FRAME_BYTES / rate
    load = asyncio.create_task(
        steadily(measured, writers, rate=rate, seconds=seconds, listeners=len(sockets), body=LONG_BODY)
    )
    seen = ""
    if is_slow:
        seen = await _end_of_slow(slow.closed, watch, load, slow.transport.resume_reading if reads_again else None)
    await load
    await measured.all_delivered()
    for _ in range(40):
        if not is_slow or watch.gone_at is not None:
            break
        await asyncio.sleep(0.25)
    watching.cancel()
    if not reads_again and is_slow:
        slow.transport.resume_reading()
        async with asyncio.timeout(10):
            seen = f"{await slow.closed}"
    await leave([*sockets, *([] if is_slow else [slow])])
    closed_at, gone_at = watch.slow_closed_at, watch.gone_at
    return Round(
        measured,
        watch.peak - watch.before,
        None if closed_at is None else closed_at - began,
        None if closed_at is None or gone_at is None else gone_at - closed_at,
        seen,
    )


async def _end_of_slow(closed: asyncio.Future[int], watch: Watch, load: asyncio.Task[None], resume: object) -> str:
    """Wait until the server gave it up; with `resume`, have it read again 2 s later and return what it saw."""
    deadline = time.monotonic() + 60
    while watch.slow_closed_at is None:
        if time.monotonic() > deadline:
            raise SocketFault("The server has not closed the slow reader after 60 s.")
        if load.done() and load.exception() is not None:
            break
        await asyncio.sleep(0.1)
    if not callable(resume):
        return ""
    await asyncio.sleep(2)
    resume()
    async with asyncio.timeout(20):
        return f"{await closed}"


def run(options: Options) -> Result:
    """Measure without, with a slow reader that comes back to reading after 2 s, and with one that never does."""
    size, rate = (50, 100.0) if options.quick else (200, 50.0)
    share = Share()
    cases = [("everybody reads", False, False), ("one stops, and reads again 2 s after the overflow", True, True)]
    if not options.quick:
        cases.append(("one stops for good", True, False))
    rounds: dict[str, list[Round]] = {name: [] for name, _, _ in cases}
    with deploy(Plan(people=size + 1)) as here:
        for _ in range(options.rounds):
            for name, is_slow, reads_again in cases:
                rounds[name].append(
                    run_client(_round(here, is_slow=is_slow, reads_again=reads_again, rate=rate), share)
                )
    control = rounds[cases[0][0]]
    rows = [_row(name, rounds[name], control) for name, _, _ in cases]
    p99 = {name: median(percentile(one.posts.deliveries, 0.99) for one in some) for name, some in rounds.items()}
    slow = [one for name, is_slow, _ in cases if is_slow for one in rounds[name]]
    extra = max(median(one.growth for one in rounds[name]) for name, is_slow, _ in cases if is_slow) - median(
        one.growth for one in control
    )
    worst = max(p99[name] for name, is_slow, _ in cases if is_slow) / p99[cases[0][0]]
    told = all(one.seen == "4408" for name, _, again in cases if again for one in rounds[name])
    in_time = all(one.ended_after is not None and one.ended_after < END_WITHIN for one in slow)
    about = (
        f"{rate:.0f} posts a second of 8,000 characters in a chat of {size}, on SQLite, until 12 MB of events went out "
        f"to each; the slow one's receive buffer is {RECEIVE_BUFFER} bytes. What the kernel buffers is not counted."
    )
    afterwards = (
        "The one that stops for good reads what the kernel has when the server has cut it: 1006, as a client after a "
        "lost network. It reconnects and catches up in either case."
    )
    same = f"unchanged, with a quarter more for how rounds differ: {verdict(worst < LATER)} ({worst:.2f} times)"
    remarks = [
        f"Goal: the server grows by less than 2 MB for it: {verdict(extra < GROWTH)} ({mebibytes(extra):+.1f} MiB).",
        f"Goal: others' p99 {same}.",
        f"Goal: closed with 4408: {verdict(told)}; one that takes not even that is cut after 5 s: {verdict(in_time)}.",
        about,
        *([] if options.quick else [afterwards]),
        f"The client used {share} of its core.",
    ]
    header = [
        "",
        "delivery, p50 / p99 / worst ms",
        "server grows by",
        "server gives it up after",
        "and cuts it after",
        "it sees",
    ]
    return Result("slow_reader", [Table(f"{size} subscribers, 12 MB each", header, rows)], remarks=remarks)


def _row(name: str, some: Sequence[Round], control: Sequence[Round]) -> list[str]:
    latencies = [median(percentile(one.posts.deliveries, at) for one in some) * 1000 for at in (0.5, 0.99, 1)]
    closed = [one.closed_after for one in some if one.closed_after is not None]
    ended = [one.ended_after for one in some if one.ended_after is not None]
    return [
        name,
        " / ".join(f"{value:.1f}" for value in latencies),
        f"{mebibytes(median(one.growth for one in some)):.1f} MiB",
        f"{median(closed):.1f} s" if closed else "-",
        f"+ {median(ended):.1f} s" if ended else "-",
        ", ".join(sorted({one.seen for one in some if one.seen})) or "-",
    ]
