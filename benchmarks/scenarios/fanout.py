"""One event to everybody in a room: what the hub exists for, beside everything that does the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.load.room import FRAME_SIZE
from benchmarks.measuring import mebibytes, median
from benchmarks.report.goals import goals_table
from benchmarks.report.results import Bars, Options, Result, Table
from benchmarks.report.rounds import Field, rounded
from benchmarks.setup import peers
from benchmarks.setup.peers import Peer
from benchmarks.setup.running import BUSY, SINGLE

PEERS = (
    peers.OURS,
    peers.OURS_PLAIN,
    peers.OURS_DAPHNE,
    peers.TEXTBOOK_UVICORN,
    peers.TEXTBOOK_DAPHNE,
    peers.SOCKET_IO,
    peers.WS,
    peers.BROADCAST,
    peers.LIBRARY,
    peers.LIMIT,
    peers.LIMIT_JOINED,
)
SIZES = (50, 200, 1000)
IN_QUICK = (peers.OURS, peers.OURS_DAPHNE, peers.TEXTBOOK_DAPHNE, peers.SOCKET_IO, peers.LIMIT)
SIZES_IN_QUICK = (200, 1000)
SECONDS, SECONDS_IN_QUICK = 2.0, 1.2  # for each server, size and load


def run(options: Options) -> Result:
    """Measure all servers in turns."""
    found, left_out = peers.available(IN_QUICK if options.quick else PEERS)
    sizes = SIZES_IN_QUICK if options.quick else SIZES
    seconds = SECONDS_IN_QUICK if options.quick else SECONDS
    field = Field()
    field.take_turns(found, sizes, {SINGLE: seconds, BUSY: seconds}, options.rounds)
    return Result(
        scenario="fanout",
        tables=[
            goals_table(field),
            *(_throughput_table(field, found, sizes, load) for load in (SINGLE, BUSY)),
            _latency_table(field, found, sizes),
            _cost_table(field, found, sizes),
        ],
        plots=[_plot(field, found, sizes, load) for load in (SINGLE, BUSY)],
        remarks=[*_remarks(field, found), *left_out, *field.remarks],
        versions={name: version for peer in found for name, version in peer.versions().items()},
    )


def _throughput_table(field: Field, found: Sequence[Peer], sizes: Sequence[int], load: str) -> Table:
    compared = {"socket.io": peers.SOCKET_IO, "textbook, daphne": peers.TEXTBOOK_DAPHNE, "C": peers.LIMIT}
    header = [f"{load}: thousand deliveries per server CPU-second", *(f"N = {sockets}" for sockets in sizes)]
    header += [f"times {name}, N = {sockets}" for name in compared for sockets in sizes if sockets >= 200]
    rows = []
    for peer in found:
        row = [peer.title, *(rounded(field.throughput(peer, sockets, load)) for sockets in sizes)]
        row += [
            rounded(field.ratio(peer, other, sockets, load), 2)
            for other in compared.values()
            for sockets in sizes
            if sockets >= 200
        ]
        rows.append(row)
    said = "the next event is sent when the last one has arrived everywhere" if load == SINGLE else "8 events in flight"
    return Table(f"Fan-out, {load}: {said}", header, rows)


def _latency_table(field: Field, found: Sequence[Peer], sizes: Sequence[int]) -> Table:
    shown = [(load, sockets) for load in (SINGLE, BUSY) for sockets in sizes]
    header = ["p50 / p99 from send to delivery, ms", *(f"{load}, N = {sockets}" for load, sockets in shown)]
    rows = []
    for peer in found:
        row = [peer.title]
        for load, sockets in shown:
            p50 = field.figure(peer, sockets, load, lambda measured: measured.load.p50 * 1000)
            p99 = field.figure(peer, sockets, load, lambda measured: measured.load.p99 * 1000)
            row.append(f"{rounded(p50)} / {rounded(p99)}")
        rows.append(row)
    return Table("Fan-out: latency", header, rows)


def _cost_table(field: Field, found: Sequence[Peer], sizes: Sequence[int]) -> Table:
    largest = max(sizes)
    header = [f"N = {largest}", "memory, MiB", "events per second, single", "events per second, busy"]
    header += ["CPU of server / client, single", "CPU of server / client, busy"]
    rows = []
    for peer in found:
        memory = field.figure(peer, largest, SINGLE, lambda measured: mebibytes(measured.memory))
        row = [peer.title, rounded(memory)]
        for load in (SINGLE, BUSY):
            row.append(
                rounded(field.figure(peer, largest, load, lambda measured: measured.load.events / measured.load.wall))
            )
        for load in (SINGLE, BUSY):
            server = field.figure(peer, largest, load, lambda measured: measured.server_share * 100)
            client = field.figure(peer, largest, load, lambda measured: measured.load.client_share * 100)
            row.append(f"{rounded(server, 0)} % / {rounded(client, 0)} %")
        rows.append(row)
    return Table("Fan-out: what it costs", header, rows)


def _plot(field: Field, found: Sequence[Peer], sizes: Sequence[int], load: str) -> Bars:
    return Bars(
        name=f"fanout-{load}",
        title=f"Fan-out, {load}: thousand deliveries per server CPU-second",
        groups=[f"N = {sockets}" for sockets in sizes],
        bars={peer.title: [field.throughput(peer, sockets, load) for sockets in sizes] for peer in found},
        is_logarithmic=True,
    )


def _remarks(field: Field, found: Sequence[Peer]) -> Iterator[str]:
    yield (
        f"Every event is one frame of {FRAME_SIZE} bytes on the wire from every server, 4 of them header; its content "
        "is in the server's own format (JSON of ours, of socket.io and the textbook, else plain text), padded to that."
    )
    yield (
        "Not comparable in one thing: under *busy* Flowra joins events that come within 5 ms of each other into one "
        "write per socket, as does the joined C server; no other does. Clients still get one frame per event."
    )
    yield (
        "Flowra does here what it does in production except for accounts and the database: it decodes and answers "
        "commands, counts metrics and revisions. The peers pass a text on."
    )
    yield (
        "Every byte that arrived at every socket was checked: nothing was lost, doubled or changed in any figure above."
    )
    yield (
        "Memory is what the server process shares with nobody, with all sockets open; Flowra's has all of Django and "
        "of Flowra in it. What a connection costs is told under idle connections."
    )
    others = [measured.load.others_share for measured in field.all_of(found)]
    if others:
        yield (
            f"Anybody else on the machine used {median(others):.0%} of a core meanwhile (median; at most "
            f"{max(others):.0%}). CPU time bears that fairly well, latencies do not."
        )
        highest = max(measured.load.client_share for measured in field.all_of(found))
        yield (
            f"The load client ran on a core of its own and used at most {highest:.0%} of it, as the table tells for "
            "each server. One recv() costs it about what one send() costs the C server, so beside that one it is busy "
            "too: figures per CPU-second do not depend on it, latencies of the fastest servers contain it."
        )
