"""Connections that are made in the moment in which a server closes its listener."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flowra.server.late_connections import LATE
from tests.support.processes import ROOT, environment


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_a_post_that_waits_in_the_accept_queue_is_answered(tmp_path: Path, loop: str) -> None:
    command = [sys.executable, "-m", "tests.flowra.server.late_connections", loop]
    env = {**environment(tmp_path, {}), "DJANGO_SETTINGS_MODULE": "flowra.settings"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["201"] * LATE, done.stderr
