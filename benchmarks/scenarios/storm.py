"""A thousand people of one chat arrive and leave at once: how long until everybody knows, and in how many frames.

Settled is who has been told, by an `ack` or a presence frame, of as many online as there are.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Sequence

import httpx

from benchmarks.load.flowra_sockets import FlowraSocket, SocketFault, answer_of, connect
from benchmarks.measuring import median
from benchmarks.report.results import Options, Result, Table
from benchmarks.scenarios.presence_cost import registry_seconds
from benchmarks.setup.deployment import Deployment, Share, deploy, run_client, verdict
from benchmarks.setup.people import Plan, SeededPerson

SETTLE_SECONDS, FRAMES, GRACE = 2.0, 5_000, 5.0
MOST_SECONDS = 60.0  # for a storm to settle; longer is an error
_COUNT = b'"online_count":'


class Watcher:
    """Somebody who counts as a client of docs/protocol.md does: what they were told last is who is online."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self.count = -1

    def on_frame(self, kind: str, payload: bytes, at: float) -> None:
        """Take a frame; only presence counts. `online_count` is its last field, and large frames are many."""
        if kind in ("presence.changed", "presence.diff"):
            self._tally.frames += 1
            self._tally.size += len(payload)
            told = payload[payload.rindex(_COUNT) + len(_COUNT) : -1]
            self.told(-1 if told == b"null" else int(told), at)

    def told(self, count: int, at: float) -> None:
        """Note how many are online."""
        if (count == self._tally.goal) != (self.count == self._tally.goal):
            self._tally.settled += 1 if count == self._tally.goal else -1
        self.count = count
        if self._tally.settled == self._tally.watchers:
            self._tally.settled_at = at
            self._tally.done.set()


class Tally:
    """What all watchers of one storm have been told together."""

    def __init__(self, goal: int, watchers: int) -> None:
        self.goal = goal
        self.watchers = watchers
        self.frames = self.size = self.settled = 0
        self.settled_at = 0.0
        self.done = asyncio.Event()

    async def wait(self, what: str) -> float:
        """Return when everybody was settled; raises SocketFault after MOST_SECONDS."""
        try:
            async with asyncio.timeout(MOST_SECONDS):
                await self.done.wait()
        except TimeoutError:
            raise SocketFault(
                f"Only {self.settled} of {self.watchers} know after {MOST_SECONDS} s who {what}."
            ) from None
        return self.settled_at


@dataclasses.dataclass(frozen=True)
class Storm:
    """Times in seconds; `size` in bytes."""

    connected: float  # until the last welcome
    subscribed: float  # until the last ack
    settled: float  # until the last one knew of all
    frames: int
    size: int
    processor: float  # of the server, until settled
    dropped: int
    left: float  # until the last of those who stayed knew, without the grace
    left_frames: int
    snapshot: float  # of presence, by REST
    registry: float | None  # Valkey's time in the registry's commands, until settled


async def _storm(here: Deployment, people: Sequence[SeededPerson], stay: int) -> Storm:
    tally = Tally(len(people), len(people))
    watchers = [Watcher(tally) for _ in people]
    processor, registry = here.server_cpu(), registry_seconds(here)
    began = time.perf_counter()
    welcomed: list[float] = []

    async def arrive(person: SeededPerson, watcher: Watcher) -> FlowraSocket:
        socket = await connect(here.server.port, person.token, watcher.on_frame)
        welcomed.append(time.perf_counter())
        ack = await answer_of(socket.ask("subscribe", chat_id=person.home))
        watcher.told(-1 if ack["online_count"] is None else ack["online_count"], time.perf_counter())
        return socket

    sockets = await asyncio.gather(*(arrive(person, watcher) for person, watcher in zip(people, watchers, strict=True)))
    subscribed = time.perf_counter()
    settled = await tally.wait("arrived")
    processor, registry_after = here.server_cpu() - processor, registry_seconds(here)
    await asyncio.sleep(1)  # whatever else is told counts, too
    frames, size = tally.frames, tally.size
    snapshot = await _snapshot(here, people)
    dropped = sum(socket.closed.done() for socket in sockets)

    leaving = Tally(stay, stay)
    for socket, watcher in zip(sockets[:stay], watchers[:stay], strict=True):
        staying = Watcher(leaving)
        staying.count = watcher.count
        socket.on_frame = staying.on_frame
    left_at = time.perf_counter()
    for socket in sockets[stay:]:
        socket.leave()
    left = await leaving.wait("left")
    for socket in sockets[:stay]:
        socket.leave()
    async with asyncio.timeout(MOST_SECONDS):
        await asyncio.gather(*(socket.closed for socket in sockets))
    return Storm(
        connected=max(welcomed) - began,
        subscribed=subscribed - began,
        settled=settled - began,
        frames=frames,
        size=size,
        processor=processor,
        dropped=dropped,
        left=left - left_at - GRACE,
        left_frames=leaving.frames,
        snapshot=snapshot,
        registry=None if registry is None or registry_after is None else registry_after - registry,
    )


async def _snapshot(here: Deployment, people: Sequence[SeededPerson]) -> float:
    """Return what one snapshot of the chat's presence takes; all must be online in it."""
    person = people[0]
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {person.token}"}, timeout=MOST_SECONDS) as http:
        took: list[float] = []
        for _ in range(5):
            began = time.perf_counter()
            answer = await http.get(f"{here.server.base_url}/api/v1/chats/{person.home}/presence")
            took.append(time.perf_counter() - began)
            text = answer.raise_for_status().text.replace(" ", "")
            if text.count('"is_online":true') != len(people):
                raise SocketFault("The snapshot does not have everybody online.")
    return median(took)


def _rows(storms: Sequence[Storm], size: int) -> list[tuple[str, str]]:
    connected, subscribed = median(s.connected for s in storms), median(s.subscribed for s in storms)
    settled = median(s.settled for s in storms)
    lag = max(0.0, median(s.settled - s.subscribed for s in storms))
    return [
        ("last one connected after", f"{connected:.2f} s ({size / connected:.0f}/s)"),
        ("last one subscribed after", f"{subscribed:.2f} s"),
        ("everybody settled after", f"{settled:.2f} s"),
        ("… after the last subscription", f"{lag * 1000:.0f} ms"),
        ("presence frames, all together", f"{median(s.frames for s in storms):.0f}"),
        ("… MB", f"{median(s.size for s in storms) / 1e6:.0f}"),
        ("dropped", f"{max(s.dropped for s in storms)}"),
        ("processor time of the server", f"{median(s.processor for s in storms):.2f} s"),
        ("the registry's time in Valkey, per person", _registry_time(storms, size)),
        ("everybody but 100 leaves: the others know, after the grace", f"{median(s.left for s in storms):.2f} s"),
        ("… in frames", f"{median(s.left_frames for s in storms):.0f}"),
        ("one presence snapshot by REST", f"{median(s.snapshot for s in storms) * 1000:.0f} ms"),
    ]


def _registry_time(storms: Sequence[Storm], size: int) -> str:
    known = [storm.registry for storm in storms if storm.registry is not None]
    return f"{median(known) / size * 1e6:.0f} µs" if known else "-"


def run(options: Options) -> Result:
    """Measure on SQLite alone, and on PostgreSQL and Valkey."""
    size = 400 if options.quick else 1_000
    kinds = [("SQLite", False)] if options.quick else [("SQLite", False), ("PostgreSQL, Valkey", True)]
    share = Share()
    columns: list[list[tuple[str, str]]] = []
    verdicts: list[str] = []
    for name, is_large in kinds:
        with deploy(Plan(people=size), postgresql=is_large, valkey=is_large) as here:
            people = here.seeded.people
            storms: list[Storm] = []
            for number in range(options.rounds):
                if number:
                    time.sleep(GRACE + 2)  # for the next storm to begin with nobody online
                storms.append(run_client(_storm(here, people, 100), share))
        columns.append(_rows(storms, size))
        settled, frames = median(s.settled for s in storms), median(s.frames for s in storms)
        verdicts.append(
            f"{name}: everybody settled within {SETTLE_SECONDS:.0f} s: {verdict(settled < SETTLE_SECONDS)}; "
            f"under {FRAMES:,} frames: {verdict(frames < FRAMES * size / 1_000)}; "
            f"nobody dropped: {verdict(not any(s.dropped for s in storms))}."
        )
    rows = [[cells[0][0], *(cell[1] for cell in cells)] for cells in zip(*columns, strict=True)]
    return Result(
        "storm",
        [Table(f"{size:,} people arrive at once in a chat of {size:,}", ["", *(name for name, _ in kinds)], rows)],
        remarks=[
            *(f"Goal, {said}" for said in verdicts),
            "All handshakes begin in the same moment, each with a token; the time is counted from there.",
            f"The client used {share} of its core, waiting included; it reads counts and no frame beyond that.",
        ],
    )
