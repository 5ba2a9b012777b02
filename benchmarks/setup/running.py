"""Servers and the load client as processes: started, each on its core, measured, and ended by their own pid."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.load.client import Job, Load, LoadReport
from benchmarks.measuring import on_core
from benchmarks.setup.peers import BUILT, ROOT, Peer
from tests.support.processes import ProgramError, environment, free_port, wait_until

SERVER_CORE, CLIENT_CORE = 0, 1
_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_CLIENT_SECONDS = 170.0  # for one server, one N, all loads

SINGLE, BUSY = "single", "busy"
IN_FLIGHT = {SINGLE: 1, BUSY: 8}


class MeasurementFailed(Exception):
    """A server or the load client did not get through; says which and why."""


@dataclasses.dataclass(frozen=True, slots=True)
class Running:
    """Server processes of one kind."""

    ports: Sequence[int]
    pids: Sequence[int]


@dataclasses.dataclass(frozen=True, slots=True)
class Measured:
    """One load on one kind of server; CPU seconds and bytes are of all its processes together."""

    load: LoadReport
    cpu: float
    memory: int
    broker_cpu: float = 0.0

    @property
    def per_cpu_second(self) -> float:
        """Thousands of deliveries per second of the servers' CPU time."""
        return self.load.deliveries / self.cpu / 1000

    @property
    def server_share(self) -> float:
        """How much of its core the server used, 0 to 1."""
        return self.cpu / self.load.wall


@contextlib.contextmanager
def serving(peer: Peer, *, processes: int = 1, broker: str = "") -> Iterator[Running]:
    """Have `processes` of a server run on the servers' core; raises MeasurementFailed where they do not start."""
    ports = [free_port() for _ in range(processes)]
    started: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryFile() as log:
        try:
            for number, port in enumerate(ports):
                settings = {**peer.environment, "BENCHMARK_PROCESS": str(number)}
                command = [*peer.command(port), *([broker] if peer.broker_as_argument else [])]
                if peer.uses_broker:
                    settings["REDIS_URL"] = broker
                env = environment(BUILT / "data", settings)
                with on_core(SERVER_CORE):
                    started.append(subprocess.Popen(command, cwd=peer.root, env=env, stdout=log, stderr=log))
            for process, port in zip(started, ports, strict=True):
                _wait_for(process, port)
            yield Running(ports, [process.pid for process in started])
        except ProgramError as error:
            log.seek(0)
            raise MeasurementFailed(f"{peer.title}: {error} {log.read().decode(errors='replace')[-2000:]}") from None
        finally:
            for process in started:
                process.terminate()
            for process in started:
                _end(process)


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    def is_up() -> bool:
        if process.poll() is not None:
            raise ProgramError(f"The server ended with {process.returncode}.")
        # Not by a connection: that would be one more socket, which servers count and look after.
        return f":{port:04X} 00000000:0000 0A" in _listening()

    wait_until(is_up, _START_SECONDS, "the server's port")


def _listening() -> str:
    with open("/proc/net/tcp") as table:
        return table.read()


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def put_load(
    running: Running, dialect: str, sockets: int, loads: Sequence[Load], *, rooms: int = 1, broker_pid: int = 0
) -> dict[str, Measured]:
    """Have the load client put loads on servers, by name; raises MeasurementFailed."""
    pids = [*running.pids, *([broker_pid] if broker_pid else [])]
    job = Job(ports=running.ports, dialect=dialect, sockets=sockets, rooms=rooms, loads=loads, pids=pids)
    report = run_client("benchmarks.load.client", dataclasses.asdict(job))
    measured = {}
    servers = len(running.pids)
    for fields in report["loads"]:
        load = LoadReport(**fields)
        measured[load.name] = Measured(
            load, sum(load.cpu[:servers]), sum(report["memory"][:servers]), sum(load.cpu[servers:])
        )
    return measured


def fan_out_loads(seconds: dict[str, float]) -> list[Load]:
    """Return SINGLE and BUSY, each for so many seconds."""
    return [Load(name=name, in_flight=IN_FLIGHT[name], seconds=length) for name, length in seconds.items()]


def run_client(module: str, job: dict[str, object]) -> Any:
    """Run a client module on its own core and return what it reports; raises MeasurementFailed."""
    command = [sys.executable, "-m", module, json.dumps(job)]
    try:
        with on_core(CLIENT_CORE):
            client = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        out, err = client.communicate(timeout=_CLIENT_SECONDS)
    except subprocess.TimeoutExpired:
        client.kill()
        client.communicate()
        raise MeasurementFailed(f"The load client did not get through in {_CLIENT_SECONDS:.0f} s.") from None
    if client.returncode:
        raise MeasurementFailed(err.strip().rpartition("\n")[2])
    return json.loads(out)


def measure(peer: Peer, sockets: int, seconds: dict[str, float]) -> dict[str, Measured]:
    """Start a server, put loads on it, end it; raises MeasurementFailed."""
    with serving(peer) as running:
        return put_load(running, peer.dialect, sockets, fan_out_loads(seconds))
