"""What fan-out and the page are to reach, and whether they do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from benchmarks.measuring import median
from benchmarks.report.results import Table
from benchmarks.report.rounds import Field, rounded
from benchmarks.setup import peers
from benchmarks.setup.peers import Peer
from benchmarks.setup.running import BUSY, SINGLE

if TYPE_CHECKING:
    from benchmarks.load.pages import FirstLoad
    from benchmarks.scenarios.browser import Build

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


def page_goals(build: Build) -> Table:
    """Return what readers wait for, as the scenario `browser` has measured it of one build, beside the goals."""
    few, crowd = build.loads["6 chats"], build.loads["a chat of 1,000 members"]
    rows = [_reaches("a switch, whatever the number of chats: under 100 ms", "ms", 100, _slowest(build, "cold"))]
    for kind, goal in {"cold": 1, "hovered": 0, "recent": 0}.items():
        found = [each for (_, other), switches in build.switches.items() if other == kind for each in switches]
        most = median(each.requests for each in found)
        rows.append(_reaches(f"… {kind}: at most {goal} requests", "", goal + 1, most))
    sockets = [each.sockets for switches in build.switches.values() for each in switches]
    rows.append(_reaches("… new sockets: 0", "", 1, max(sockets)))
    rows.append(_reaches("first load, slow 3G, 6 chats: connected within 3.5 s", "s", 3.5, _of(few, "connected")))
    rows.append(_reaches("… at most 25 requests", "", 26, _of(few, "requests")))
    rows.append(_reaches("a chat of 1,000 members: under 150 kB of HTML", "kB", 150, _of(crowd, "html") / 1000))
    rows.append(_reaches("… under 3,000 nodes", "", 3000, _of(crowd, "nodes")))
    rows.append(_reaches("… connected within 5 s on slow 3G", "s", 5, _of(crowd, "connected")))
    rows.append(_reaches("others' frames about the presence of who switches: 0", "", 1, max(build.presence)))
    return Table("Goals of the page", ["goal", "measured", ""], rows)


def _slowest(build: Build, kind: str) -> float:
    return max(1000 * build.median_switch(chats, other) for chats, other in build.switches if other == kind)


def _of(loads: Sequence[FirstLoad], name: str) -> float:
    return median(getattr(each, name) for each in loads)


def _reaches(goal: str, unit: str, limit: float, found: float) -> Row:
    return goal, f"{rounded(found)} {unit}".strip(), "reached" if found < limit else "**not reached**"
