"""What fan-out is to reach, and whether it does."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.report.results import Table
from benchmarks.report.rounds import Field, rounded
from benchmarks.setup import peers
from benchmarks.setup.peers import Peer
from benchmarks.setup.running import BUSY, SINGLE

SIZES = (200, 1000)
_P99_LIMIT = 0.015  # seconds
Row = tuple[str, str, str]


def goals_table(field: Field) -> Table:
    """Return the goals, what was measured, and `reached`, `not reached` or `not measured`."""
    rows = [*_throughput_goals(field), *_latency_goals(field)]
    return Table("Goals of fan-out", ["goal", "measured at N = 200, 1000", ""], rows)


def _throughput_goals(field: Field) -> Iterator[Row]:
    ours, daphne, plain = peers.OURS, peers.OURS_DAPHNE, peers.OURS_PLAIN
    textbook = peers.TEXTBOOK_DAPHNE
    yield _at_least(field, "single: 1.3 times socket.io", ours, peers.SOCKET_IO, SINGLE, 1.3)
    yield _at_least(field, "single: 0.5 times the C server", ours, peers.LIMIT, SINGLE, 0.5)
    yield _at_least(field, "busy: 3 times socket.io", ours, peers.SOCKET_IO, BUSY, 3)
    yield _at_least(field, "busy: 1 times the C server that does not join", ours, peers.LIMIT, BUSY, 1)
    yield _at_least(field, "busy: 80 times textbook Channels on daphne", ours, textbook, BUSY, 80)
    for load in (SINGLE, BUSY):
        yield _at_least(field, f"{load}, portable path: 5 times textbook, both on daphne", daphne, textbook, load, 5)
        yield _at_least(
            field, f"{load}, portable path: 5 times textbook, both on uvicorn", plain, peers.TEXTBOOK_UVICORN, load, 5
        )


def _at_least(field: Field, goal: str, ours: Peer, theirs: Peer, load: str, times: float) -> Row:
    ratios = [field.ratio(ours, theirs, sockets, load) for sockets in SIZES]
    known = [ratio for ratio in ratios if ratio is not None]
    shown = ", ".join(f"{rounded(ratio)} times" if ratio is not None else "-" for ratio in ratios)
    if len(known) < len(SIZES):
        return goal, shown, "not measured"
    return goal, shown, "reached" if min(known) >= times else "**not reached**"


def _latency_goals(field: Field) -> Iterator[Row]:
    ours = field.figure(peers.OURS, 1000, SINGLE, lambda measured: measured.load.p99)
    theirs = field.figure(peers.SOCKET_IO, 1000, SINGLE, lambda measured: measured.load.p99)
    goal = "single: p99 under 15 ms and under socket.io's at N = 1000"
    if ours is None or theirs is None:
        yield goal, "-", "not measured"
        return
    reached = ours < _P99_LIMIT and ours < theirs
    shown = f"{ours * 1000:.1f} ms, socket.io {theirs * 1000:.1f} ms"
    yield goal, shown, "reached" if reached else "**not reached**"
