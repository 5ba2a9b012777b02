"""Run all tests, and those of the database on PostgreSQL as well: python -m tests.everything tests/chats …

The arguments are what runs on PostgreSQL. Most tests wait rather than compute, so four runs go side by side: those that
take long and then those of several servers, all others, and, with what these leave of the processors, PostgreSQL's and
those that compute and go by no clock. What each says is shown in this order, the first as it comes.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time

from tests.support.caller import clean_run
from tests.support.processes import ROOT

PYTEST = (sys.executable, "-m", "pytest")
LONG = ("tests/browser", "tests/faults", "tests/operations")
# After LONG, when the machine has less to do: they are about seconds.
SERVERS = ("tests/cluster", "tests/flowra/doctor")
COMPUTING = ("tests/flowra/accounts", "tests/api", "tests/chats", "tests/presence/registry/test_model.py")
LAST = ("nice", "--adjustment=19")  # the least priority
CHECK_INTERVAL = 0.2  # seconds between two looks at what was printed


def main(database_tests: list[str]) -> int:
    """Return 0 if all runs passed."""
    others = (*PYTEST, *(f"--ignore={folder}" for folder in (*LONG, *SERVERS, *COMPUTING)))
    on_postgresql = (sys.executable, "-m", "tests.support.on_postgresql", *database_tests)
    beside: list[tuple[subprocess.Popen[bytes], int]] = []
    with contextlib.ExitStack() as stack:
        try:
            for command in (others, (*LAST, *on_postgresql), (*LAST, *PYTEST, *COMPUTING)):
                output = stack.enter_context(tempfile.TemporaryFile())
                data = stack.enter_context(tempfile.TemporaryDirectory())  # two runs have a test database on SQLite
                env = clean_run(FLOWRA_DATA_DIR=data)
                run = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, env=env)
                beside.append((run, output.fileno()))
            status = subprocess.call((*PYTEST, *LONG), cwd=ROOT, env=clean_run())
            status |= subprocess.call((*PYTEST, *SERVERS), cwd=ROOT, env=clean_run())
            for run, descriptor in beside:
                _show(run, descriptor)
        except KeyboardInterrupt:
            for run, _ in beside:
                run.wait()  # Ctrl-C has reached it too, and it cleans up
            raise
        except BaseException:
            for run, _ in beside:
                run.terminate()
            raise
    return int(any((status, *(run.returncode for run, _ in beside))))


def _show(run: subprocess.Popen[bytes], descriptor: int) -> None:
    """Show what a run prints to this file, until it has ended."""
    position = 0
    while True:
        has_ended = run.poll() is not None
        text, position = _read_from(descriptor, position)
        sys.stdout.write(text)
        sys.stdout.flush()
        if has_ended:
            break
        time.sleep(CHECK_INTERVAL)


def _read_from(descriptor: int, position: int) -> tuple[str, int]:
    """Return what stands in the file from `position` on, and where it ends; the writer's own place stays."""
    data = b""
    while chunk := os.pread(descriptor, 1 << 20, position + len(data)):
        data += chunk
    return data.decode(errors="replace"), position + len(data)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
