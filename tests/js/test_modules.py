"""Runs the tests of the JavaScript modules with Node."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def node_command(node: str) -> list[str]:
    """Return the command that runs them; it works in the project's folder."""
    files = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests/js").rglob("*.test.mjs"))
    return [node, "--test", "--test-reporter=dot", *files]


@pytest.mark.usefixtures("processes")
def test_the_modules() -> None:
    node = shutil.which("node")
    assert node is not None, "Node is not installed. Debian and Ubuntu: apt-get install nodejs"
    done = subprocess.run(node_command(node), cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
