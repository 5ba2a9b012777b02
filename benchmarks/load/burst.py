"""Many senders at once: python -m benchmarks.load.burst '{"ports": [8000], "dialect": "flowra", …}'    (see BurstJob)

All events are on their way before the first arrives. Every socket then reads and parses everything that comes until it
has all or it has been quiet for a while; what is missing, doubled or unknown is counted.
"""

from __future__ import annotations

import dataclasses
import select
import sys
import time
from collections.abc import Sequence

from benchmarks.load.dialects import DIALECTS, Dialect, client_frame
from benchmarks.load.jobs import answer
from benchmarks.load.sockets import Member, open_members

_RECEIVED = 262_144  # bytes taken at once
_SETTLE = 1.0  # seconds for servers to have all sockets in their rooms, and the broker their groups
_LONGEST = 60.0  # seconds


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class BurstJob:
    """`events` in total from `senders` sockets on top of the `sockets` that listen; `quiet` seconds end the wait."""

    ports: Sequence[int]
    dialect: str
    sockets: int
    senders: int
    events: int
    quiet: float = 3.0


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class BurstReport:
    """Deliveries: those due, those that came, and those that came twice or were never sent; seconds to the last."""

    due: int
    arrived: int
    doubled: int
    unknown: int
    seconds: float


def run(job: BurstJob) -> BurstReport:
    """Send everything at once and count; raises HandshakeError, FrameError and OSError."""
    dialect = DIALECTS[job.dialect]
    everybody = open_members(job.ports, job.sockets + job.senders, dialect, seconds=_LONGEST)
    try:
        time.sleep(_SETTLE)
        bodies = [f"{number:08d}" for number in range(job.events)]
        shares = [bodies[place :: job.senders] for place in range(job.senders)]
        began = time.perf_counter()
        for sender, share in zip(everybody, shares, strict=False):
            sender.socket.sendall(b"".join(client_frame(dialect.post(body)) for body in share))
        counts, last = _collect(everybody, dialect, job)
    finally:
        for member in everybody:
            member.socket.close()
    sent = set(bodies)
    return BurstReport(
        due=len(sent) * len(everybody),
        arrived=sum(len(seen.keys() & sent) for seen in counts),
        doubled=sum(times - 1 for seen in counts for times in seen.values()),
        unknown=sum(len(seen.keys() - sent) for seen in counts),
        seconds=last - began,
    )


def _collect(everybody: Sequence[Member], dialect: Dialect, job: BurstJob) -> tuple[list[dict[str, int]], float]:
    """Return how often each socket got which body, and when the last one came."""
    poll = select.epoll()
    places = {member.socket.fileno(): place for place, member in enumerate(everybody)}
    for member in everybody:
        member.socket.setblocking(False)
        poll.register(member.socket.fileno(), select.EPOLLIN)
    counts: list[dict[str, int]] = [{} for _ in everybody]
    # Parsed at the end: while events come, sockets are only emptied, or a slow client would look like a slow server.
    received = [bytearray() for _ in everybody]
    last = began = time.perf_counter()
    while time.perf_counter() - began < _LONGEST:
        ready = poll.poll(job.quiet)
        if not ready:
            break
        for descriptor, _ in ready:
            data = everybody[places[descriptor]].socket.recv(_RECEIVED)
            if not data:
                poll.unregister(descriptor)
            received[places[descriptor]] += data
        last = time.perf_counter()
    poll.close()
    for member, everything, seen in zip(everybody, received, counts, strict=True):
        member.frames.feed(everything)
        for text, _ in member.frames.texts():
            body = dialect.read(text)
            if body is not None:
                seen[body] = seen.get(body, 0) + 1
    return counts, last


if __name__ == "__main__":
    sys.exit(answer(run, BurstJob, sys.argv[1]))
