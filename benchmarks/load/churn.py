"""Connections that come and go: python -m benchmarks.load.churn '{"ports": [8000], "rate": 20, …}'    (see ChurnJob)

Each connects, subscribes to one chat, stays for STAY and closes. Every other one comes into a room of the load, the
rest into rooms of their own, which appear and vanish with them. It prints a line once as many go as come, and goes on
until its standard input is closed.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Self

import uvloop

from benchmarks.load.dialects import chat_of_room
from benchmarks.load.flowra_sockets import answer_of, connect
from benchmarks.load.jobs import CountError, answer
from benchmarks.setup.peers import ROOT

STAY = 0.5  # seconds
_SETTLE = 1.0  # seconds until as many go as come
_STOP_SECONDS = 20.0
_STEP = 7  # from one room of the load to the next one that somebody comes into


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ChurnJob:
    """`rate` connections a second, evenly spaced; `rooms` are those of the load."""

    ports: Sequence[int]
    rate: float
    rooms: int


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ChurnReport:
    """How many connections came and went a second."""

    rate: float


async def _come_and_go(port: int, room: int) -> None:
    socket = await connect(port, "nobody")
    await answer_of(socket.ask("subscribe", chat_id=chat_of_room(room)))
    await asyncio.sleep(STAY)
    socket.leave()
    await socket.closed


async def _until_stopped(job: ChurnJob) -> float:
    """Return how many went a second, from the line that is printed to the end of the input: as many as were served."""
    loop = asyncio.get_running_loop()
    stopped = loop.run_in_executor(None, sys.stdin.read)
    began, number, gone, settled = time.perf_counter(), 0, 0, (0.0, 0)

    def count(_: object) -> None:
        nonlocal gone
        gone += 1

    def settle() -> None:
        nonlocal settled
        settled = (time.perf_counter(), gone)
        print("settled", flush=True)

    loop.call_later(_SETTLE, settle)
    async with asyncio.TaskGroup() as tasks:
        while not stopped.done():
            room = number // 2 * _STEP % job.rooms if number % 2 == 0 else job.rooms + number
            one = tasks.create_task(_come_and_go(job.ports[number % len(job.ports)], room))
            one.add_done_callback(count)
            number += 1
            await asyncio.sleep(max(0.0, began + number / job.rate - time.perf_counter()))
        return (gone - settled[1]) / (time.perf_counter() - settled[0])


def run(job: ChurnJob) -> ChurnReport:
    """Do a job; raises an ExceptionGroup of SocketFault where the server refuses somebody."""
    return ChurnReport(rate=uvloop.run(_until_stopped(job)))


class Churn:
    """A process that does a ChurnJob, on the same core as the one that starts it."""

    def __init__(self, job: ChurnJob) -> None:
        self._job = job
        self.rate = 0.0  # connections a second, known at the end

    def __enter__(self) -> Self:
        """Start, and return once as many go as come."""
        command = [sys.executable, "-m", "benchmarks.load.churn", json.dumps(dataclasses.asdict(self._job))]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        self._process.stdout.readline()
        return self

    def __exit__(self, *_: object) -> None:
        """End; raises CountError where not everybody was let in and out."""
        try:
            out = self._process.communicate(timeout=_STOP_SECONDS)[0]
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise CountError("Connections that came did not go.") from None
        if self._process.returncode:
            raise CountError("Connections could not come and go.")
        self.rate = json.loads(out)["rate"]


if __name__ == "__main__":
    sys.exit(answer(run, ChurnJob, sys.argv[1]))
