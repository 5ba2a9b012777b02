"""Measure Flowra beside its peers: python -m benchmarks [--quick] [--rounds N] [--against PATH] [scenario …]

Without --quick and --against the results are written into docs/performance.md.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path

from benchmarks.report import markdown
from benchmarks.report.results import Options, Result

# In the order in which docs/performance.md tells of them.
SCENARIOS = ("fanout", "curve", "rooms", "cluster", "idle", "storm", "slow_reader", "posting", "slow_query", "browser")
IN_QUICK = ("fanout", "rooms", "storm", "slow_reader", "posting")


def main(arguments: list[str]) -> int:
    """Measure, print and write down; returns 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="an idea within three minutes; writes nothing down")
    parser.add_argument("--rounds", type=int, default=3, help="of which the median counts (default: 3)")
    parser.add_argument(
        "--against", type=Path, help="another checkout of Flowra, measured in turns with this one; writes nothing down"
    )
    parser.add_argument("scenarios", nargs="*", choices=[[], *SCENARIOS], help="default: all")
    chosen = parser.parse_args(arguments)
    options = Options(quick=chosen.quick, rounds=1 if chosen.quick else chosen.rounds, against=chosen.against)
    for name in chosen.scenarios or (IN_QUICK if chosen.quick else SCENARIOS):
        began = time.monotonic()
        result: Result = importlib.import_module(f"benchmarks.scenarios.{name}").run(options)
        print(markdown.as_markdown(result))
        print(f"({name}: {time.monotonic() - began:.0f} s)\n", flush=True)
        if not chosen.quick and chosen.against is None:
            markdown.write_down(result)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
