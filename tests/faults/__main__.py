"""Try faults with real processes, and write the table in docs/operations.md: python -m tests.faults [fault …]

A fault's row takes the place of the one it had; the others stay.
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
import time
from collections.abc import Sequence

from tests.faults.support.outcome import HEADER, Outcome
from tests.support.processes import ROOT

PAGE = ROOT / "docs" / "operations.md"
BEGIN, END = "<!-- begin faults -->", "<!-- end faults -->"
# By what breaks: tests/faults/<part>/test_<name>.py has `run() -> Outcome`. In the order of the table.
FAULTS = {
    "postgresql_restarted": "database",
    "database_slow": "database",
    "database_frozen": "database",
    "database_lost": "database",
    "valkey_restarted": "broker",
    "valkey_full": "broker",
    "valkey_lost": "broker",
    "process_killed": "server",
    "server_lost": "server",
    "reconnect_storm": "server",
    "disk_full": "server",
    "clock_back": "server",
}


def main(arguments: list[str]) -> int:
    """Try, print and write down; returns 1 where something was lost or doubled."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("faults", nargs="*", choices=[[], *FAULTS], help="default: all")
    chosen = parser.parse_args(arguments).faults
    outcomes: list[Outcome] = []
    for name in chosen or FAULTS:
        began = time.monotonic()
        outcomes.append(importlib.import_module(f"tests.faults.{FAULTS[name]}.test_{name}").run())
        sys.stdout.write(f"{' | '.join(outcomes[-1].row())}\n({name}: {time.monotonic() - began:.0f} s)\n")
        sys.stdout.flush()
    PAGE.write_text(with_rows(PAGE.read_text(), outcomes, keep=bool(chosen)))
    return int(any(outcome.lost or outcome.doubled for outcome in outcomes))


def with_rows(page: str, outcomes: Sequence[Outcome], *, keep: bool) -> str:
    """Return the page with these rows in its table, and with `keep` those of other faults; ValueError without a place.

    A fault that has a row keeps its place.
    """
    place = re.search(f"{re.escape(BEGIN)}(.*?){re.escape(END)}", page, re.DOTALL)
    if place is None:
        raise ValueError(f"{PAGE.name} has no place for the table: put {BEGIN} and {END} there.")
    earlier = [line for line in place[1].splitlines() if line.startswith("| ")][2:] if keep else []
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in earlier}
    rows |= {outcome.fault: _line(outcome.row()) for outcome in outcomes}
    table = "\n".join([_line(HEADER), _line(["---", "---:", "---"] + ["---:"] * (len(HEADER) - 3)), *rows.values()])
    return f"{page[: place.start()]}{BEGIN}\n\n{table}\n\n{END}{page[place.end() :]}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
