"""The load client: N sockets in one or more rooms, one sender in each, and every byte that arrives is accounted for.

    python -m benchmarks.load.client '{"ports": [8000], "dialect": "flowra", "sockets": 200, …}'    (see Job)

It has to be much cheaper than any server. So it parses nothing while it measures: the frames of a run are all of one
size, learned from a first event that is parsed, and counted by bytes. What nobody parsed is checked all the same: all
sockets of a room get the same bytes, so each one's checksum must be that of the witness, a socket whose every frame is
read and compared afterwards. The sender, who gets answers in between, is parsed as it goes.
"""

from __future__ import annotations

import array
import contextlib
import dataclasses
import gc
import select
import sys
import time
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.load.churn import Churn, ChurnJob
from benchmarks.load.dialects import dialect_of_room
from benchmarks.load.jobs import CountError, answer
from benchmarks.load.room import FRAME_SIZE, LoadRoom
from benchmarks.load.sockets import allow_files, open_members
from benchmarks.measuring import cpu_seconds, machine_busy_seconds, percentile, resident_bytes

_BUFFER = 262_144  # bytes taken from a socket at once
_WARM_UP = 0.3  # seconds
_QUIET = 0.1  # seconds in which what comes too often would come
_COUNTED, _WITNESS, _SENDER = range(3)  # how a socket is counted


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """`in_flight` events in each of the first `rooms` rooms (0: all) for so many `seconds`.

    With `churn`, that many connections a second come and go meanwhile, half of them in the rooms of the load.
    """

    name: str
    in_flight: int
    seconds: float
    rooms: int = 0
    churn: float = 0.0


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What to do. `sockets` are those of each room; `pids` are processes whose CPU time is reported."""

    ports: Sequence[int]
    dialect: str
    sockets: int
    loads: Sequence[Load]
    rooms: int = 1
    pids: Sequence[int] = ()
    patience: float = 20.0  # seconds without any arrival, after which what is missing counts as lost


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class LoadReport:
    """What one load came to: seconds of wall and CPU time, latencies from send to delivery in seconds.

    Without events the latencies are 0. `churn` is how many connections came and went, a second.
    """

    name: str
    events: int
    deliveries: int
    wall: float
    cpu: Sequence[float]  # of each of Job.pids
    client_share: float  # of one core, 0 to 1
    others_share: float  # what anybody else on the machine used meanwhile, in cores
    p50: float
    p99: float
    churn: float = 0.0


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """All loads of a job; `memory` is each of Job.pids' in bytes with all sockets open."""

    memory: Sequence[int]
    loads: Sequence[LoadReport]


class Client:
    """The sockets of one job."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._rooms: list[LoadRoom] = []
        allow_files(job.sockets * job.rooms)
        for number in range(job.rooms):
            dialect = dialect_of_room(job.dialect, number)
            members = open_members(job.ports, job.sockets, dialect, seconds=job.patience)
            self._rooms.append(LoadRoom(members, dialect))

    def close(self) -> None:
        """Close all sockets."""
        for room in self._rooms:
            for member in room.members:
                member.socket.close()

    def learn(self) -> None:
        """Bring the frames of all rooms to FRAME_SIZE; raises CountError."""
        time.sleep(_QUIET)  # a server may add a socket to its room just after it has answered
        padding = 0
        for room in self._rooms:
            padding = room.learn(padding)

    def run(self, load: Load) -> LoadReport:
        """Keep a load's events on their way for its time; raises CountError where not all arrive as sent."""
        run = _Run(self._rooms[: load.rooms or None])
        pids = self._job.pids
        with contextlib.ExitStack() as stack:
            churn = None
            if load.churn:
                churn = Churn(ChurnJob(ports=self._job.ports, rate=load.churn, rooms=len(self._rooms)))
                stack.enter_context(churn)
            gc.disable()  # nothing here makes cycles, and a collection would look like latency
            cpu = [cpu_seconds(pid) for pid in pids]
            busy, client_cpu, began = machine_busy_seconds(), time.process_time(), time.perf_counter()
            run.pump(load.in_flight, began + load.seconds, self._job.patience)
            wall, client_cpu = time.perf_counter() - began, time.process_time() - client_cpu
            cpu = [cpu_seconds(pid) - before for pid, before in zip(pids, cpu, strict=True)]
            busy = machine_busy_seconds() - busy
            gc.enable()
        run.settle()
        run.verify()
        return LoadReport(
            name=load.name,
            events=run.events,
            deliveries=run.events * self._job.sockets,
            wall=wall,
            cpu=cpu,
            client_share=client_cpu / wall,
            others_share=max(0.0, busy - client_cpu - sum(cpu)) / wall,
            p50=percentile(run.latencies, 0.5) if run.events else 0.0,
            p99=percentile(run.latencies, 0.99) if run.events else 0.0,
            churn=churn.rate if churn else 0.0,
        )


class _Run:
    """One load in some rooms, from its first event to the last arrival."""

    def __init__(self, rooms: Sequence[LoadRoom]) -> None:
        self._rooms = rooms
        members = [member for room in rooms for member in room.members]
        # By file descriptor:
        self._receive: list[Any] = [None] * (max(member.socket.fileno() for member in members) + 1)
        self._room_of: list[Any] = [None] * len(self._receive)  # with how a socket is counted
        self._totals = [0] * len(self._receive)  # bytes
        self._checksums = [0] * len(self._receive)
        self._buffer = bytearray(_BUFFER)
        self._whole = memoryview(self._buffer)
        self._free: list[LoadRoom] = []  # where an event has arrived everywhere, so that the next may be sent
        self._under_way = 0  # events
        self._poll = select.epoll()
        for room in rooms:
            room.begin()
            for member in room.members:
                descriptor = member.socket.fileno()
                self._poll.register(descriptor, select.EPOLLIN)
                self._receive[descriptor] = member.socket.recv_into
                kind = _SENDER if member is room.sender else _WITNESS if member is room.witness else _COUNTED
                self._room_of[descriptor] = (room, kind)
        self.latencies = array.array("d")

    @property
    def events(self) -> int:
        """How many were sent."""
        return sum(room.events for room in self._rooms)

    def pump(self, in_flight: int, until: float, patience: float) -> None:
        """Send and take until all that was sent has arrived everywhere; raises CountError where nothing comes."""
        clock = time.perf_counter
        free: Sequence[LoadRoom] = self._rooms if in_flight else ()
        while True:
            rest = until - clock()
            if rest > 0:
                for room in free:
                    count = in_flight - (room.events - room.done)
                    if count:
                        room.post(count)
                        self._under_way += count
            elif not self._under_way:
                break
            self._free = []
            if not self._take(patience if in_flight else max(0.0, rest)) and in_flight:
                raise CountError(self._what_is_missing(patience))
            free = self._free

    def settle(self) -> None:
        """Take what comes too often."""
        while self._take(_QUIET):
            pass
        self._poll.close()

    def _take(self, timeout: float) -> int:
        """Take what has arrived, waiting at most `timeout` seconds; returns from how many sockets."""
        buffer, whole = self._buffer, self._whole
        totals, checksums, rooms = self._totals, self._checksums, self._room_of
        receive, clock, checksum, note = self._receive, time.perf_counter, zlib.crc32, self.latencies.append
        ready = self._poll.poll(timeout)
        try:
            for descriptor, _ in ready:
                size = receive[descriptor](buffer)
                now = clock()
                if not size:
                    raise CountError("The server closed a connection.")
                data = whole[:size]
                room, kind = rooms[descriptor]
                if kind is _SENDER:
                    arrived: Iterable[int] = room.arrived_at_sender(data)
                else:
                    checksums[descriptor] = checksum(data, checksums[descriptor])
                    if kind is _WITNESS:
                        room.witnessed += data
                    before = totals[descriptor]
                    totals[descriptor] = after = before + size
                    arrived = range(before // FRAME_SIZE, after // FRAME_SIZE)
                missing, sent_at = room.missing, room.sent_at
                for event in arrived:
                    note(now - sent_at[event])
                    missing[event] -= 1
                    if not missing[event]:
                        self._arrived_everywhere(room)
        except IndexError:
            raise CountError(f"More came than the {self.events} events that were sent.") from None
        return len(ready)

    def _arrived_everywhere(self, room: LoadRoom) -> None:
        room.done += 1
        self._under_way -= 1
        self._free.append(room)

    def _what_is_missing(self, patience: float) -> str:
        done = sum(room.done for room in self._rooms)
        behind = sum(room.behind(self._totals) for room in self._rooms)
        return f"{done} of {self.events} events arrived everywhere; then {behind} sockets got none for {patience} s."

    def verify(self) -> None:
        """Compare what every socket got with what was sent; raises CountError."""
        for room in self._rooms:
            room.verify(self._totals, self._checksums)


def run(job: Job) -> Report:
    """Do a job; raises CountError, HandshakeError, FrameError and OSError."""
    client = Client(job)
    try:
        client.learn()
        loads = []
        for load in job.loads:
            client.run(dataclasses.replace(load, seconds=min(_WARM_UP, load.seconds), churn=0.0))
            loads.append(client.run(load))
        memory = [resident_bytes(pid) for pid in job.pids]
        return Report(memory=memory, loads=loads)
    finally:
        client.close()


if __name__ == "__main__":
    sys.exit(answer(run, Job, sys.argv[1]))
