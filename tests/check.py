"""Run what tells most in a minute: python -m tests.check

Lint and types, the JavaScript modules, and the fast tests in two runs. All tests are in tests/everything.py.
"""

from __future__ import annotations

import shutil
import sys
import time

from tests.js.test_modules import node_command
from tests.support.side_by_side import run_side_by_side

# No plug-in that only slow tests need: to import them takes seconds.
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:schemathesis", "-p", "no:playwright")
FAST = (*PYTEST, "-m", "not slow", "--hypothesis-profile=check")
HALF = ("tests/api", "tests/chats")
AFTER_CHECKS = "tests/flowra"  # the checks take less time than either half
# Only slow tests are in these, and what they import takes seconds.
SLOW = ("tests/browser", "tests/cluster", "tests/faults", "tests/api/document/test_schema_fuzz.py")


def main() -> int:
    """Return 0 if all is well."""
    started = time.monotonic()
    node = shutil.which("node")
    if node is None:
        sys.stdout.write("Node is not there: the tests of the JavaScript modules are left out.\n")
    checks = (("make", "--no-print-directory", "lint", "types"), *([node_command(node)] if node else []))
    first = (*FAST, *HALF, f"--ignore={SLOW[-1]}")
    second = (*FAST, *(f"--ignore={path}" for path in (*HALF, AFTER_CHECKS, *SLOW)))
    after_checks = (*FAST, AFTER_CHECKS)
    status = run_side_by_side((*checks, after_checks), [first], [second])
    result = "failed" if status else "passed"
    sys.stdout.write(f"make check has {result}, in {time.monotonic() - started:.0f} s.\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
