"""The load client: N sockets, one of which sends, and every byte that arrives is accounted for.

    python -m benchmarks.client '{"ports": [8000], "dialect": "flowra", "sockets": 200, …}'    (see Job)

It has to be much cheaper than any server. So it parses nothing while it measures: the frames of a run are all of one
size, learned from a first event that is parsed, and counted by bytes. What nobody parsed is checked all the same: all
sockets of a room get the same bytes, so each one's checksum must be that of the witness, a socket whose every frame is
read and compared afterwards. The sender, who gets answers in between, is parsed as it goes.
"""

from __future__ import annotations

import array
import dataclasses
import gc
import select
import sys
import time
import zlib
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.dialects import DIALECTS, Frames, client_frame
from benchmarks.jobs import CountError, answer
from benchmarks.measuring import cpu_seconds, machine_busy_seconds, percentile, resident_bytes
from benchmarks.sockets import Member, open_members

FRAME_SIZE = 218  # bytes on the wire: 200 and some of content, 4 of header
_DIGITS = 8  # of an event's number, which its body begins with
_BUFFER = 262_144  # bytes taken from a socket at once
_TRIES = 4  # the frame's header grows with it, once
_WARM_UP = 0.3  # seconds
_QUIET = 0.1  # seconds in which what comes too often would come


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What to do. `loads` are name, events in flight, seconds; `pids` are processes whose CPU time is reported."""

    ports: Sequence[int]
    dialect: str
    sockets: int
    loads: Sequence[tuple[str, int, float]]
    pids: Sequence[int] = ()
    patience: float = 20.0  # seconds without any arrival, after which what is missing counts as lost


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class LoadReport:
    """What one load came to: seconds of wall and CPU time, latencies from send to delivery in seconds."""

    name: str
    events: int
    deliveries: int
    wall: float
    cpu: Sequence[float]  # of each of Job.pids
    client_share: float  # of one core, 0 to 1
    others_share: float  # what anybody else on the machine used meanwhile, in cores
    p50: float
    p99: float


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """All loads of a job; `memory` is each of Job.pids' in bytes with all sockets open."""

    frame_size: int
    memory: Sequence[int]
    loads: Sequence[LoadReport]


class Client:
    """The sockets of one job."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._dialect = DIALECTS[job.dialect]
        if job.sockets < 2:
            raise ValueError("A room has at least two sockets: one that sends and one that is read to the letter.")
        self._members = open_members(job.ports, job.sockets, self._dialect, seconds=job.patience)
        self._sender = self._members[0]
        self._number = 0
        self._padding = 0
        self.frame_size = 0

    def close(self) -> None:
        """Close all sockets."""
        for member in self._members:
            member.socket.close()

    def learn(self) -> None:
        """Send events that everybody parses, each of them nearer to FRAME_SIZE bytes on the wire.

        Raises CountError.
        """
        time.sleep(_QUIET)  # a server may add a socket to its room just after it has answered
        for _ in range(_TRIES):
            self._sender.socket.sendall(self._next_post())
            sizes = {self._first_event(member) for member in self._members}
            if len(sizes) != 1:
                raise CountError(f"Expected frames of one size, got {sizes}.")
            self.frame_size = sizes.pop()
            if self.frame_size == FRAME_SIZE:
                break
            self._padding += FRAME_SIZE - self.frame_size
        else:
            raise CountError(f"Expected a frame of {FRAME_SIZE} bytes at last, got {self.frame_size}.")
        for member in self._members:
            if member is not self._sender and member.frames.pending_bytes:
                raise CountError(f"{member.frames.pending_bytes} bytes more than the first event came.")
            member.socket.setblocking(False)

    def _first_event(self, member: Member) -> int:
        while True:
            text, size = member.next_text()
            body = self._dialect.read(text)
            if body is not None:
                if body != self._body(self._number - 1):
                    raise CountError(f"Expected {self._body(self._number - 1)!r}, got {body!r}.")
                return size

    def _body(self, number: int) -> str:
        return f"{number:0{_DIGITS}d}" + "x" * max(0, self._padding)

    def _next_post(self) -> bytes:
        self._number += 1
        return client_frame(self._dialect.post(self._body(self._number - 1)))

    def run(self, name: str, in_flight: int, seconds: float) -> LoadReport:
        """Keep `in_flight` events on their way for `seconds`; raises CountError where not all arrive as sent."""
        run = _Run(self._members, self._dialect.read, self.frame_size, self._body, first=self._number)
        pids = self._job.pids
        gc.disable()  # nothing here makes cycles, and a collection would look like latency
        cpu = [cpu_seconds(pid) for pid in pids]
        busy, client_cpu, began = machine_busy_seconds(), time.process_time(), time.perf_counter()
        run.pump(self._next_post, in_flight, began + seconds, self._job.patience)
        wall, client_cpu = time.perf_counter() - began, time.process_time() - client_cpu
        cpu = [cpu_seconds(pid) - before for pid, before in zip(pids, cpu, strict=True)]
        busy = machine_busy_seconds() - busy
        gc.enable()
        run.settle()
        run.verify()
        return LoadReport(
            name=name,
            events=run.events,
            deliveries=run.events * len(self._members),
            wall=wall,
            cpu=cpu,
            client_share=client_cpu / wall,
            others_share=max(0.0, busy - client_cpu - sum(cpu)) / wall,
            p50=percentile(run.latencies, 0.5),
            p99=percentile(run.latencies, 0.99),
        )


class _Run:
    """One load from its first event to the last arrival. `read` and `body` are what an event is and should be."""

    def __init__(
        self,
        members: Sequence[Member],
        read: Callable[[str], str | None],
        frame_size: int,
        body: Callable[[int], str],
        *,
        first: int,
    ) -> None:
        self._members = members
        self._read, self._body, self._first = read, body, first
        self._frame_size = frame_size
        self._sender, self._witness = members[0], members[1]
        self._from_sender = 0
        self._witnessed = bytearray()
        # By file descriptor:
        self._receive: list[Any] = [None] * (max(member.socket.fileno() for member in members) + 1)
        self._totals = [0] * len(self._receive)  # bytes
        self._checksums = [0] * len(self._receive)
        self._buffer = bytearray(_BUFFER)
        self._whole = memoryview(self._buffer)
        self._missing: list[int] = []  # by event: sockets that it has not reached
        self._sent_at: list[float] = []
        self._done = 0  # events that have arrived everywhere
        self._poll = select.epoll()
        for member in members:
            self._poll.register(member.socket.fileno(), select.EPOLLIN)
            self._receive[member.socket.fileno()] = member.socket.recv_into
        self.latencies = array.array("d")

    @property
    def events(self) -> int:
        """How many were sent."""
        return len(self._missing)

    def pump(self, next_post: Callable[[], bytes], in_flight: int, until: float, patience: float) -> None:
        """Send and take until all that was sent has arrived everywhere; raises CountError where nothing comes."""
        clock = time.perf_counter
        while True:
            if clock() < until:
                free = in_flight - (self.events - self._done)
                if free:
                    posts = b"".join([next_post() for _ in range(free)])
                    self._missing += [len(self._members)] * free
                    self._sent_at += [clock()] * free
                    if self._sender.socket.send(posts) != len(posts):
                        raise CountError("The server takes no more events.")
            elif self._done == self.events:
                break
            if not self._take(patience):
                raise CountError(self._what_is_missing(patience))

    def settle(self) -> None:
        """Take what comes too often."""
        while self._take(_QUIET):
            pass
        self._poll.close()

    def _take(self, timeout: float) -> int:
        """Take what has arrived, waiting at most `timeout` seconds; returns from how many sockets."""
        buffer, whole = self._buffer, self._whole
        frame_size, totals, checksums = self._frame_size, self._totals, self._checksums
        missing, sent_at, note = self._missing, self._sent_at, self.latencies.append
        sender, witness = self._sender.socket.fileno(), self._witness.socket.fileno()
        receive, clock, checksum = self._receive, time.perf_counter, zlib.crc32
        ready = self._poll.poll(timeout)
        try:
            for descriptor, _ in ready:
                size = receive[descriptor](buffer)
                now = clock()
                if not size:
                    raise CountError("The server closed a connection.")
                data = whole[:size]
                if descriptor == sender:
                    self._take_as_sender(data, now)
                    continue
                checksums[descriptor] = checksum(data, checksums[descriptor])
                if descriptor == witness:
                    self._witnessed += data
                before = totals[descriptor]
                totals[descriptor] = after = before + size
                for event in range(before // frame_size, after // frame_size):
                    note(now - sent_at[event])
                    missing[event] -= 1
                    if not missing[event]:
                        self._done += 1
        except IndexError:
            raise CountError(f"More came than the {self.events} events that were sent.") from None
        return len(ready)

    def _take_as_sender(self, data: memoryview, now: float) -> None:
        frames = self._sender.frames
        frames.feed(data)
        for text, _ in frames.texts():
            body = self._read(text)
            if body is None:
                continue
            event = self._from_sender
            self._check(event, body)
            self._from_sender += 1
            self.latencies.append(now - self._sent_at[event])
            self._missing[event] -= 1
            if not self._missing[event]:
                self._done += 1

    def _check(self, event: int, body: str | None) -> None:
        expected = self._body(self._first + event)
        if body != expected:
            raise CountError(f"Expected {expected!r}, got {body!r}.")

    def _what_is_missing(self, patience: float) -> str:
        expected = self.events * self._frame_size
        behind = sum(
            self._totals[member.socket.fileno()] < expected for member in self._members if member is not self._sender
        )
        behind += self._from_sender < self.events
        return (
            f"{self._done} of {self.events} events arrived everywhere; then {behind} sockets got none for {patience} s."
        )

    def verify(self) -> None:
        """Compare what every socket got with what was sent; raises CountError."""
        expected = self.events * self._frame_size
        if self._from_sender != self.events:
            raise CountError(f"The sender got {self._from_sender} of {self.events} events.")
        if self._sender.frames.pending_bytes:
            raise CountError(f"The sender got {self._sender.frames.pending_bytes} bytes too many.")
        frames = Frames()
        frames.feed(self._witnessed)
        bodies = [self._read(text) for text, _ in frames.texts()]
        for event, body in enumerate(bodies):
            self._check(event, body)
        checksum = self._checksums[self._witness.socket.fileno()]
        for place, member in enumerate(self._members):
            descriptor = member.socket.fileno()
            if member is self._sender:
                continue
            if self._totals[descriptor] != expected:
                raise CountError(f"Socket {place} got {self._totals[descriptor]} bytes of {expected}.")
            if self._checksums[descriptor] != checksum:
                raise CountError(f"Socket {place} got other bytes than the witness.")


def run(job: Job) -> Report:
    """Do a job; raises CountError, HandshakeError, FrameError and OSError."""
    client = Client(job)
    try:
        client.learn()
        loads = []
        for name, in_flight, seconds in job.loads:
            client.run(name, in_flight, min(_WARM_UP, seconds))
            loads.append(client.run(name, in_flight, seconds))
        memory = [resident_bytes(pid) for pid in job.pids]
        return Report(frame_size=client.frame_size, memory=memory, loads=loads)
    finally:
        client.close()


if __name__ == "__main__":
    sys.exit(answer(run, Job, sys.argv[1]))
