"""What a delivery costs in rooms of 10 to 5,000 sockets."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.report.results import Options, Plot, Result, Table
from benchmarks.report.rounds import Field, rounded
from benchmarks.setup import peers
from benchmarks.setup.peers import Peer
from benchmarks.setup.running import BUSY, SINGLE

PEERS = (
    peers.OURS,
    peers.OURS_PLAIN,
    peers.SOCKET_IO,
    peers.WS,
    peers.LIMIT,
    peers.LIMIT_JOINED,
    peers.TEXTBOOK_DAPHNE,
)
SIZES = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
SIZES_IN_QUICK = (10, 100, 1000)
SECONDS = 1.5
SECONDS_IN_QUICK = 0.8
TOO_SLOW = 0.25  # seconds that a single event takes at the median; the next larger room is not tried


def run(options: Options) -> Result:
    """Measure all servers in turns, room by room; half as many rounds as asked for, because neighbours confirm."""
    found, left_out = peers.available(PEERS)
    sizes = SIZES_IN_QUICK if options.quick else SIZES
    seconds = SECONDS_IN_QUICK if options.quick else SECONDS
    field = Field()
    stopped: dict[str, str] = {}
    for number in range(max(1, options.rounds // 2)):
        for sockets in sizes:
            for peer in found:
                if peer.title in stopped or not field.measure(peer, sockets, {SINGLE: seconds, BUSY: seconds}, number):
                    continue
                p50 = field.figure(peer, sockets, SINGLE, lambda measured: measured.load.p50)
                if p50 is not None and p50 > TOO_SLOW and sockets < max(sizes):
                    stopped[peer.title] = (
                        f"{peer.title} was not tried with more than {sockets} sockets: an event took {p50:.1f} s there."
                    )
    remarks = [
        "Each point is deliveries by CPU time of the server, so it stands also where the load client's core was full.",
        "Below about 100 sockets what counts is the event itself: taking, decoding and answering it.",
    ]
    return Result(
        scenario="curve",
        tables=[_table(field, found, sizes, load) for load in (SINGLE, BUSY)],
        plots=[_plot(field, found, sizes, load) for load in (SINGLE, BUSY)],
        remarks=[*remarks, *stopped.values(), *left_out, *field.remarks],
        versions={name: version for peer in found for name, version in peer.versions().items()},
    )


def _table(field: Field, found: Sequence[Peer], sizes: Sequence[int], load: str) -> Table:
    header = ["sockets", *(f"{sockets:,}" for sockets in sizes)]
    rows = [[peer.title, *(rounded(field.throughput(peer, sockets, load)) for sockets in sizes)] for peer in found]
    return Table(f"Thousand deliveries per server CPU-second by size of the room, {load}", header, rows)


def _plot(field: Field, found: Sequence[Peer], sizes: Sequence[int], load: str) -> Plot:
    return Plot(
        name=f"curve-{load}",
        title=f"Thousand deliveries per server CPU-second, {load}",
        x_title="sockets in the room",
        y_title="thousand deliveries per CPU-second",
        x=sizes,
        lines={peer.title: [field.throughput(peer, sockets, load) for sockets in sizes] for peer in found},
        is_logarithmic=True,
    )
