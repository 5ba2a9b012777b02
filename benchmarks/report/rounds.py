"""Servers in turns: A B C A B C, so that what disturbs the machine disturbs all of them; then medians and ratios."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

from benchmarks.measuring import median
from benchmarks.setup.peers import Peer
from benchmarks.setup.running import Measured, MeasurementFailed, measure

Figure = Callable[[Measured], float]


@dataclasses.dataclass
class Field:
    """What was measured: by server's title, number of sockets and load, one figure for each round it got through."""

    rounds: dict[tuple[str, int, str], dict[int, Measured]] = dataclasses.field(default_factory=dict)
    remarks: list[str] = dataclasses.field(default_factory=list)

    def take_turns(self, peers: Sequence[Peer], sizes: Sequence[int], seconds: dict[str, float], rounds: int) -> None:
        """Measure every server at every size, one after the other, `rounds` times."""
        for number in range(rounds):
            for sockets in sizes:
                for peer in peers:
                    self.measure(peer, sockets, seconds, number)

    def measure(self, peer: Peer, sockets: int, seconds: dict[str, float], number: int) -> bool:
        """Measure one server once; where it does not get through, that becomes a remark and False is returned."""
        try:
            loads = measure(peer, sockets, seconds)
        except MeasurementFailed as error:
            self.remarks.append(f"{peer.title} did not get through with {sockets} sockets: {error}")
            return False
        for load, measured in loads.items():
            self.rounds.setdefault((peer.title, sockets, load), {})[number] = measured
        return True

    def figure(self, peer: Peer, sockets: int, load: str, figure: Figure) -> float | None:
        """Return the median over the rounds, None where nothing was measured."""
        found = self.rounds.get((peer.title, sockets, load))
        return median(figure(each) for each in found.values()) if found else None

    def throughput(self, peer: Peer, sockets: int, load: str) -> float | None:
        """Return thousands of deliveries per CPU-second."""
        return self.figure(peer, sockets, load, lambda measured: measured.per_cpu_second)

    def ratio(self, peer: Peer, to: Peer, sockets: int, load: str) -> float | None:
        """Return by how much `peer` does more than `to`: the median of the ratios within each round."""
        mine = self.rounds.get((peer.title, sockets, load), {})
        theirs = self.rounds.get((to.title, sockets, load), {})
        both = mine.keys() & theirs.keys()
        return median(mine[n].per_cpu_second / theirs[n].per_cpu_second for n in both) if both else None

    def all_of(self, peers: Sequence[Peer]) -> Iterator[Measured]:
        """Yield everything that was measured of some servers."""
        titles = {peer.title for peer in peers}
        for (title, _, _), rounds in self.rounds.items():
            if title in titles:
                yield from rounds.values()


def rounded(value: float | None, digits: int = 1) -> str:
    """Return a figure for a table; a dash where there is none, and no decimals that noise has made."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.{digits}f}"
