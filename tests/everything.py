"""Run all tests, and those of the database on PostgreSQL as well: python -m tests.everything tests/chats …

The arguments are what runs on PostgreSQL. Most tests wait rather than compute, so two runs go side by side: one of
PostgreSQL's tests and then of those that take long, and one of all others. What the first says is shown as it comes,
then the other's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

from tests.processes import ROOT

PYTEST = (sys.executable, "-m", "pytest")
LONG = ("tests/browser", "tests/faults", "tests/operations")
LOOK_EVERY = 0.2  # seconds between two looks at what was printed


def main(database_tests: list[str]) -> int:
    """Return 0 if all runs passed."""
    beside = [f"--ignore={folder}" for folder in LONG]
    with tempfile.TemporaryFile() as output:
        others = subprocess.Popen([*PYTEST, *beside], cwd=ROOT, stdout=output, stderr=output)
        try:
            on_postgresql = [sys.executable, "-m", "tests.on_postgresql", *database_tests]
            shown = [subprocess.call(command, cwd=ROOT) for command in (on_postgresql, [*PYTEST, *LONG])]
            position = 0
            while True:
                has_ended = others.poll() is not None
                text, position = _read_from(output.fileno(), position)
                sys.stdout.write(text)
                sys.stdout.flush()
                if has_ended:
                    break
                time.sleep(LOOK_EVERY)
        except KeyboardInterrupt:
            others.wait()  # Ctrl-C has reached it too, and it cleans up
            raise
        except BaseException:
            others.terminate()
            raise
    return int(any((*shown, others.returncode)))


def _read_from(descriptor: int, position: int) -> tuple[str, int]:
    """Return what stands in the file from `position` on, and where it ends; the writer's own place stays."""
    data = b""
    while chunk := os.pread(descriptor, 1 << 20, position + len(data)):
        data += chunk
    return data.decode(errors="replace"), position + len(data)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
