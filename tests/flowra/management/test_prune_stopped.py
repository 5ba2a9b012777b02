"""manage.py prune, stopped in the middle: on SQLite only, because what it is about is the process."""

from __future__ import annotations

import functools
import re
import signal
import sqlite3
import subprocess
import sys

import pytest

from flowra import pruning
from tests.support.processes import ROOT, Server, wait_until


@pytest.mark.usefixtures("processes")
def test_ctrl_c_leaves_nothing_half_done() -> None:
    """A real process with much to do, stopped in the middle; then run again to the end."""
    server = Server(demo=True)
    make = (
        "import datetime as d; from django.utils import timezone as t; from realtime.models import Notice as N; "
        "N.objects.bulk_create([N(text='x', created_at=t.now() - d.timedelta(100)) for _ in range(30_000)], 1000)"
    )
    server.manage("shell", "-c", make)
    command = [sys.executable, "manage.py", "prune", "--delete"]
    with (server.folder / "prune.log").open("wb") as log:
        # A test run in the background of a shell may have been started with Ctrl-C ignored, and would hand that down.
        heed = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
        running = subprocess.Popen(command, cwd=ROOT, env=server.env, stdout=log, stderr=log, preexec_fn=heed)
    database = sqlite3.connect(server.folder / "flowra.sqlite3", timeout=20)

    def count() -> int:
        number: int = database.execute("SELECT count(*) FROM realtime_notice").fetchone()[0]
        return number

    wait_until(lambda: count() < 30_000, 60, "the first batch")
    running.send_signal(signal.SIGINT)
    assert running.wait(60) == 130
    said = (server.folder / "prune.log").read_text()
    assert "nothing is half done" in said
    assert "Traceback" not in said
    left = count()
    database.close()
    assert 0 < left < 30_000
    assert left % pruning.BATCH == 0
    assert re.search(rf"notices +{left:,}\n", server.manage("prune", "--delete"))
