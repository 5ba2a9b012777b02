"""Run all tests, and beside them those of the database on PostgreSQL: python -m tests.everything tests/chats …

The arguments are what runs on PostgreSQL. Most of the other tests wait rather than compute, so on two cores this takes
no longer than they do alone. What PostgreSQL's run says is shown first and as it comes, then the other's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

from tests.processes import ROOT

LOOK_EVERY = 0.2  # seconds between two looks at what was printed


def main(database_tests: list[str]) -> int:
    """Return 0 if both runs passed."""
    with tempfile.TemporaryFile() as output:
        everything = subprocess.Popen([sys.executable, "-m", "pytest"], cwd=ROOT, stdout=output, stderr=output)
        try:
            command = [sys.executable, "-m", "tests.on_postgresql", *database_tests]
            on_postgresql = subprocess.run(command, cwd=ROOT, check=False)
            position = 0
            while True:
                has_ended = everything.poll() is not None
                text, position = _read_from(output.fileno(), position)
                sys.stdout.write(text)
                sys.stdout.flush()
                if has_ended:
                    break
                time.sleep(LOOK_EVERY)
        except KeyboardInterrupt:
            everything.wait()  # Ctrl-C has reached it too, and it cleans up
            raise
        except BaseException:
            everything.terminate()
            raise
    return int(bool(on_postgresql.returncode or everything.returncode))


def _read_from(descriptor: int, position: int) -> tuple[str, int]:
    """Return what stands in the file from `position` on, and where it ends; the writer's own place stays."""
    data = b""
    while chunk := os.pread(descriptor, 1 << 20, position + len(data)):
        data += chunk
    return data.decode(errors="replace"), position + len(data)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
