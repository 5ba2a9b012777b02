"""Many rooms at once, all of them busy, while connections come and go.

200 rooms of 10 sockets, 8 events in flight in each: what costs most is what comes with an event and with a room, not
the frame. Four loads take turns on one server with the same 2,000 sockets:

- *one room*: 8 events in flight in one of the rooms, nothing in the others. The control of the goal: the same work for
  each event (taken, answered, written to 10), with one room to look after.
- *calm*: all rooms are busy, nobody comes or goes. Beside it stands what churn costs the rooms, and nothing else.
- *churn alone*: connections come and go, no events. What a handshake, a subscription and a close cost by themselves.
- *churn*: both. Its CPU time less that of *churn alone* is what the deliveries cost then; the table has both figures.

What those who come and go receive is not counted; at 20 a second, staying half a second, it is one delivery in 400.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from benchmarks.load.churn import STAY
from benchmarks.load.client import Load
from benchmarks.measuring import median
from benchmarks.report.results import Options, Result, Table
from benchmarks.report.rounds import rounded
from benchmarks.setup import peers
from benchmarks.setup.deployment import verdict
from benchmarks.setup.peers import Peer
from benchmarks.setup.running import Measured, MeasurementFailed, put_load, serving

ROOMS, SOCKETS = 200, 10
IN_FLIGHT = 8  # in each room, as elsewhere under *busy*
RATES = (20.0, 100.0)  # connections a second
GOAL = 0.85  # of the deliveries per CPU-second in one room
SECONDS, SECONDS_IN_QUICK = 4.0, 2.0  # for each load
ONE, CALM = "one room", "calm"


def loads(seconds: float, rates: Sequence[float]) -> list[Load]:
    """Return the loads in the order in which they take turns."""
    found = [
        Load(name=ONE, in_flight=IN_FLIGHT, seconds=seconds, rooms=1),
        Load(name=CALM, in_flight=IN_FLIGHT, seconds=seconds),
    ]
    for rate in rates:
        found.append(Load(name=_alone(rate), in_flight=0, seconds=seconds, churn=rate))
        found.append(Load(name=_churn(rate), in_flight=IN_FLIGHT, seconds=seconds, churn=rate))
    return found


def _alone(rate: float) -> str:
    return f"{rate:.0f}/s alone"


def _churn(rate: float) -> str:
    return f"{rate:.0f}/s"


@dataclasses.dataclass
class Build:
    """One build of Flowra and what was measured of it: for each round, by load."""

    peer: Peer
    rounds: list[dict[str, Measured]] = dataclasses.field(default_factory=list)

    def gross(self, load: str) -> list[float]:
        """Return thousands of deliveries per CPU-second of each round."""
        return [measured[load].per_cpu_second for measured in self.rounds]

    def net(self, rate: float) -> list[float]:
        """Return the same under churn, without the CPU time that the connections take by themselves."""
        found = []
        for measured in self.rounds:
            alone, both = measured[_alone(rate)], measured[_churn(rate)]
            connections = alone.cpu / (alone.load.wall * alone.load.churn)  # seconds of CPU time for each
            found.append(both.load.deliveries / (both.cpu - connections * both.load.churn * both.load.wall) / 1000)
        return found

    def connection(self, rate: float) -> float:
        """Return the CPU time of one connection that comes and goes, in seconds."""
        found = [measured[_alone(rate)] for measured in self.rounds]
        return median(one.cpu / (one.load.wall * one.load.churn) for one in found)

    def latency(self, load: str) -> str:
        """Return p50 and p99 in milliseconds."""
        p50 = median(measured[load].load.p50 for measured in self.rounds)
        p99 = median(measured[load].load.p99 for measured in self.rounds)
        return f"{rounded(1000 * p50)} / {rounded(1000 * p99)}"


def run(options: Options) -> Result:
    """Measure this build and, where Options.against names one, another, in turns."""
    rates = RATES[:1] if options.quick else RATES
    seconds = SECONDS_IN_QUICK if options.quick else SECONDS
    builds = [Build(peers.OURS)]
    if options.against is not None:
        builds.append(Build(peers.other_build(options.against)))
    remarks: list[str] = []
    for _ in range(options.rounds):
        for build in builds:
            try:
                with serving(build.peer) as running:
                    measured = put_load(running, build.peer.dialect, SOCKETS, loads(seconds, rates), rooms=ROOMS)
            except MeasurementFailed as error:
                remarks.append(f"{build.peer.title} did not get through: {error}")
            else:
                build.rounds.append(measured)
    found = [build for build in builds if build.rounds]
    return Result(
        scenario="rooms",
        tables=[_table(found, rates), _latency_table(found, rates), *_comparison(found, rates)],
        remarks=[*_remarks(found, rates), *remarks],
        versions=peers.OURS.versions(),
    )


def _table(builds: Sequence[Build], rates: Sequence[float]) -> Table:
    header = ["thousand deliveries per server CPU-second", ONE, CALM]
    for rate in rates:
        header += [f"churn of {rate:.0f}/s", "without the connections' own", "times one room", "times calm", "ms each"]
    rows = []
    for build in builds:
        row = [build.peer.title, rounded(median(build.gross(ONE))), rounded(median(build.gross(CALM)))]
        for rate in rates:
            net = build.net(rate)
            row += [rounded(median(build.gross(_churn(rate)))), rounded(median(net))]
            row += [_ratio(net, build.gross(ONE)), _ratio(net, build.gross(CALM))]
            row.append(f"{1000 * build.connection(rate):.2f}")
        rows.append(row)
    return Table(f"{ROOMS} rooms of {SOCKETS}, all busy, while connections come and go", header, rows)


def _latency_table(builds: Sequence[Build], rates: Sequence[float]) -> Table:
    shown = [ONE, CALM, *(_churn(rate) for rate in rates)]
    header = ["p50 / p99 from send to delivery, ms", ONE, CALM, *(f"churn of {rate:.0f}/s" for rate in rates)]
    return Table("The same: latency", header, [[b.peer.title, *(b.latency(load) for load in shown)] for b in builds])


def _comparison(builds: Sequence[Build], rates: Sequence[float]) -> list[Table]:
    """Return this build's deliveries per CPU-second as a multiple of the other's, where both were measured."""
    if len(builds) < 2:
        return []
    ours, other = builds
    rows = [[load, _ratio(ours.gross(load), other.gross(load))] for load in (ONE, CALM)]
    rows += [[f"churn of {rate:.0f}/s", _ratio(ours.net(rate), other.net(rate))] for rate in rates]
    rows += [
        [f"a connection at {rate:.0f}/s", f"{ours.connection(rate) / other.connection(rate):.2f}"] for rate in rates
    ]
    return [Table("This build beside the one before", ["", "times"], rows)]


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    return f"{median(mine / other for mine, other in zip(ours, theirs, strict=False)):.2f}"


def _remarks(builds: Sequence[Build], rates: Sequence[float]) -> Iterator[str]:
    if not builds:
        return
    ours, rate = builds[0], rates[0]
    share = median(net / one for net, one in zip(ours.net(rate), ours.gross(ONE), strict=True))
    with_own = median(gross / one for gross, one in zip(ours.gross(_churn(rate)), ours.gross(ONE), strict=True))
    yield (
        f"Goal: with {rate:.0f} connections a second coming and going, at least {GOAL} times the deliveries of one "
        f"room without churn, the connections' own cost included: {verdict(with_own >= GOAL)} ({with_own:.2f} times, "
        f"{share:.2f} without that cost)."
    )
    yield (
        f"{IN_FLIGHT} events are in flight in each room, from one of its members; those who come and go connect, "
        f"subscribe and stay for {STAY} s, every other one in one of these rooms, the rest in rooms of their own."
    )
    yield (
        "What the connections cost by themselves is measured without events and taken off; what they cost the rooms "
        "is what is left. That takes a little too much off: on an idle server each of their steps wakes the event "
        "loop. What they receive is not counted as deliveries."
    )
    others = median(one.load.others_share for build in builds for loads in build.rounds for one in loads.values())
    yield (
        f"Where all rooms are busy the server's core is full, so latencies are those of {ROOMS * IN_FLIGHT:,} events "
        f"waiting. Every byte was checked as under fan-out; anybody else used {others:.0%} of a core meanwhile."
    )
