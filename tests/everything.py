"""Run all tests, and those of the database on PostgreSQL as well: python -m tests.everything tests/chats …

The arguments are what runs on PostgreSQL, as far as it uses the database. Most tests wait rather than compute, so four
lanes go side by side: the browser's and operators' tests; faults, then what needs several servers or asks the doctor;
all others; and, with what these leave of the processors, PostgreSQL's and then those that compute and go by no clock.
What each says is shown in this order, the first as it comes.
"""

from __future__ import annotations

import sys

from tests.support.side_by_side import run_side_by_side

PYTEST = (sys.executable, "-m", "pytest")
BROWSER = ("tests/browser", "tests/operations")
FAULTS = ("tests/faults",)
# After the faults, when the machine has less to do: they are about seconds.
SERVERS = ("tests/cluster", "tests/flowra/doctor")
COMPUTING = ("tests/flowra/accounts", "tests/api", "tests/chats", "tests/presence/registry/test_model.py")
LAST = ("nice", "--adjustment=19")  # the least priority


def main(database_tests: list[str]) -> int:
    """Return 0 if all runs passed."""
    others = (*PYTEST, *(f"--ignore={folder}" for folder in (*BROWSER, *FAULTS, *SERVERS, *COMPUTING)))
    on_postgresql = (*LAST, sys.executable, "-m", "tests.support.on_postgresql", "-m", "database", *database_tests)
    return run_side_by_side(
        [(*PYTEST, *BROWSER)],
        [(*PYTEST, *FAULTS), (*PYTEST, *SERVERS)],
        [others],
        [on_postgresql, (*LAST, *PYTEST, *COMPUTING)],
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
