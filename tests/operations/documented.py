"""The commands of docs/operations.md, run as they stand there, so that what is written down is what was tried."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.processes import ROOT, ProgramError, find_postgresql

OPERATIONS = ROOT / "docs" / "operations.md"
SECONDS = 120


def commands_after(words: str) -> str:
    """Return the shell commands that stand first after `words`, which the document has once."""
    text = OPERATIONS.read_text()
    assert text.count(words) == 1, f"{words!r} stands {text.count(words)} times in {OPERATIONS.name}."
    found = re.search(r"^```sh\n(.*?)^```$", text.split(words)[1], re.MULTILINE | re.DOTALL)
    assert found, f"No commands follow {words!r}."
    return found[1]


def run_documented(words: str, env: Mapping[str, str], folder: Path) -> str:
    """Run the commands after `words` in `folder` up to the first that fails, and return what they print.

    Raises ProgramError with it if one fails. `manage.py` is ours, pg_dump and its like are those beside initdb.
    """
    script = (
        f'set -euo pipefail\nmanage.py() {{ "{sys.executable}" "{ROOT / "manage.py"}" "$@"; }}\n{commands_after(words)}'
    )
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env={**env, "PATH": f"{find_postgresql()}:{env['PATH']}"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        raise ProgramError(f"What follows {words!r} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout
