"""Several server processes over Valkey: what the way between them costs, and whether anything gets lost on it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import redis

from benchmarks.load.burst import BurstJob, BurstReport
from benchmarks.measuring import median, on_core
from benchmarks.report.results import Options, Result, Table
from benchmarks.report.rounds import rounded
from benchmarks.setup import peers
from benchmarks.setup.peers import Peer
from benchmarks.setup.running import (
    BUSY,
    CLIENT_CORE,
    SINGLE,
    Measured,
    MeasurementFailed,
    fan_out_loads,
    put_load,
    run_client,
    serving,
)
from tests.support.processes import Valkey

PEERS = (peers.OURS_SHARED, peers.SOCKET_IO_SHARED, peers.TEXTBOOK_SHARED)
PROCESSES = (1, 2, 4)
SOCKETS = 1000
SECONDS = 2.5
SECONDS_IN_QUICK = 1.0
# Peers and processes that many senders write to at once.
BURSTS = (
    (peers.OURS, 1),
    (peers.OURS_SHARED, 4),
    (peers.SOCKET_IO_SHARED, 4),
    (peers.TEXTBOOK_DEFAULT, 1),
    (peers.TEXTBOOK_CORE, 4),
    (peers.TEXTBOOK_SHARED, 4),
)
BURST_SOCKETS, BURST_SENDERS, BURST_EVENTS = 200, 20, 500


class EventLost(Exception):
    """Flowra lost, doubled or made up an event. That is a fault, and no figure to print."""


def run(options: Options) -> Result:
    """Measure 1, 2 and 4 processes in turns, then many senders at once."""
    found, left_out = peers.available(PEERS)
    measured: dict[tuple[str, int], list[dict[str, Measured]]] = {}
    remarks: list[str] = []
    with on_core(CLIENT_CORE):
        broker = Valkey()
        broker.start()
    try:
        for _ in range(options.rounds):
            for processes in PROCESSES:
                for peer in found:
                    try:
                        loads = _measure(peer, processes, broker, options)
                    except MeasurementFailed as error:
                        remarks.append(f"{peer.title} did not get through with {processes} processes: {error}")
                    else:
                        measured.setdefault((peer.title, processes), []).append(loads)
        bursts = list(_bursts(broker, remarks))
    finally:
        broker.stop()
    header = ["many senders at once", "processes", "due", "lost", "doubled", "seconds to the last"]
    title = f"{BURST_EVENTS} events sent at once by {BURST_SENDERS} sockets, to {BURST_SOCKETS + BURST_SENDERS} sockets"
    return Result(
        scenario="cluster",
        tables=[*(_table(measured, found, load) for load in (SINGLE, BUSY)), Table(title, header, bursts)],
        remarks=[*_remarks(), *left_out, *remarks],
        versions={name: version for peer in found for name, version in peer.versions().items()},
    )


def _measure(peer: Peer, processes: int, broker: Valkey, options: Options) -> dict[str, Measured]:
    seconds = SECONDS_IN_QUICK if options.quick else SECONDS
    with serving(peer, processes=processes, broker=broker.url) as running:
        return put_load(
            running,
            peer.dialect,
            SOCKETS,
            fan_out_loads({SINGLE: seconds, BUSY: seconds}),
            broker_pid=broker_pid(broker),
        )


def broker_pid(broker: Valkey) -> int:
    """Return the broker's process, as it tells."""
    with redis.Redis.from_url(broker.url) as client:
        return int(client.info("server")["process_id"])


def _table(measured: dict[tuple[str, int], list[dict[str, Measured]]], found: Sequence[Peer], load: str) -> Table:
    header = [f"{load}, {SOCKETS:,} sockets", "processes", "thousand deliveries per CPU-second of all", "p50 / p99, ms"]
    header += ["Valkey's CPU per event, µs", "servers' CPU per event, ms", "memory, MiB"]
    rows = []
    for peer in found:
        for processes in PROCESSES:
            rounds = [loads[load] for loads in measured.get((peer.title, processes), [])]
            if not rounds:
                continue
            rows.append(
                [
                    peer.title,
                    str(processes),
                    rounded(median(each.per_cpu_second for each in rounds)),
                    " / ".join(rounded(median(each) * 1000) for each in zip(*map(_latency, rounds), strict=True)),
                    rounded(median(each.broker_cpu / each.load.events * 1e6 for each in rounds)),
                    rounded(median(each.cpu / each.load.events * 1e3 for each in rounds), 2),
                    rounded(median(each.memory / 2**20 for each in rounds)),
                ]
            )
    return Table(f"Several processes over Valkey, {load}", header, rows)


def _latency(measured: Measured) -> tuple[float, float]:
    return measured.load.p50, measured.load.p99


def _bursts(broker: Valkey, remarks: list[str]) -> Iterator[list[str]]:
    """Yield a row for each server; raises EventLost where Flowra did not deliver each event once."""
    for peer, processes in BURSTS:
        if not peers.available([peer])[0]:
            continue
        try:
            report = burst(peer, processes, broker.url)
        except MeasurementFailed as error:
            remarks.append(f"{peer.title} did not get through with many senders: {error}")
            continue
        lost = report.due - report.arrived
        if peer in (peers.OURS, peers.OURS_SHARED) and (lost or report.doubled or report.unknown):
            raise EventLost(f"{peer.title}, {processes} processes: {report}")
        share = f"{lost:,} ({lost / report.due:.0%})" if lost else "0"
        cells = (processes, f"{report.due:,}", share, f"{report.doubled:,}", rounded(report.seconds, 2))
        yield [peer.title, *map(str, cells)]


def burst(peer: Peer, processes: int, broker: str) -> BurstReport:
    """Have many sockets send at once; raises MeasurementFailed."""
    with serving(peer, processes=processes, broker=broker) as running:
        job = BurstJob(
            ports=running.ports,
            dialect=peer.dialect,
            sockets=BURST_SOCKETS,
            senders=BURST_SENDERS,
            events=BURST_EVENTS,
        )
        return BurstReport(**run_client("benchmarks.load.burst", dataclasses.asdict(job)))


def _remarks() -> Iterator[str]:
    yield (
        "All server processes share one core, Valkey and the load client the other: CPU time tells what the way "
        "between processes costs; latency would be better with a core each."
    )
    yield (
        "The textbook's layers keep at most 100 events for a consumer unless told otherwise; with many senders at once "
        "they are measured with that default, which is what the tutorial leads to. The pub/sub layer has no bound."
    )
