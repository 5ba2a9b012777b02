"""Runs the tests of the JavaScript modules with Node."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_modules() -> None:
    node = shutil.which("node")
    assert node is not None, "Node is not installed. Debian and Ubuntu: apt-get install nodejs"
    files = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests/js").rglob("*.test.mjs"))
    done = subprocess.run([node, "--test", *files], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
