"""Run all tests, and those of the database on PostgreSQL as well: python -m tests.everything tests/chats …

The arguments are what runs on PostgreSQL. Most tests wait rather than compute, so three runs go side by side: one of
PostgreSQL's tests and then of those that break servers, one of the browser's, and one of all others. What the first
says is shown as it comes, then what the others say.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time

from tests.processes import ROOT

PYTEST = (sys.executable, "-m", "pytest")
BREAKING = ("tests/cluster", "tests/faults", "tests/operations")
BROWSER = ("tests/browser",)
LOOK_EVERY = 0.2  # seconds between two looks at what was printed


def main(database_tests: list[str]) -> int:
    """Return 0 if all runs passed."""
    others = (*PYTEST, *(f"--ignore={folder}" for folder in (*BREAKING, *BROWSER)))
    on_postgresql = (sys.executable, "-m", "tests.on_postgresql", *database_tests)
    beside: list[tuple[subprocess.Popen[bytes], int]] = []
    with contextlib.ExitStack() as stack:
        try:
            for command in ((*PYTEST, *BROWSER), others):
                output = stack.enter_context(tempfile.TemporaryFile())
                run = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)
                beside.append((run, output.fileno()))
            shown = [subprocess.call(command, cwd=ROOT) for command in (on_postgresql, (*PYTEST, *BREAKING))]
            for run, output_descriptor in beside:
                _show(run, output_descriptor)
        except KeyboardInterrupt:
            for run, _ in beside:
                run.wait()  # Ctrl-C has reached it too, and it cleans up
            raise
        except BaseException:
            for run, _ in beside:
                run.terminate()
            raise
    return int(any((*shown, *(run.returncode for run, _ in beside))))


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
        time.sleep(LOOK_EVERY)


def _read_from(descriptor: int, position: int) -> tuple[str, int]:
    """Return what stands in the file from `position` on, and where it ends; the writer's own place stays."""
    data = b""
    while chunk := os.pread(descriptor, 1 << 20, position + len(data)):
        data += chunk
    return data.decode(errors="replace"), position + len(data)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
