"""The disk under SQLite fills up while people talk, and somebody makes room again.

The disk is a small tmpfs, mounted in a mount namespace of its own: it is there for one process and its children, and
gone with them. So it runs in a process of its own: `python -m tests.faults.server.test_disk_full SECONDS DATABASE`.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.faults.support.outcome import Outcome
from tests.faults.support.traffic import Traffic
from tests.support.processes import ROOT, ProgramError, Server, demo_sqlite, temporary_folder

SIZE = 32 << 20  # bytes
FULL = 10.0  # seconds
BRIEFLY = 4.0  # in the test
PIECE = b"x" * 4096
NEEDED = (
    "A small disk could not be mounted. This needs unshare (package util-linux), and either root with CAP_SYS_ADMIN or "
    "unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1)."
)


@contextlib.contextmanager
def small_disk() -> Iterator[Path]:
    """Give the folder of a disk of SIZE; raises ProgramError where none can be mounted."""
    folder = temporary_folder()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "flowra-disk", folder], check=False)
    if done.returncode:
        raise ProgramError(NEEDED)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def fill(ballast: Path) -> None:
    """Write until there is no room."""
    with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as file:
        while file.write(PIECE) == len(PIECE):
            pass
    if shutil.disk_usage(ballast.parent).free:
        raise ProgramError(f"{ballast.parent} is not full.")


async def happen(server: Server, disk: Path, seconds: float) -> Outcome:
    """Let it happen to this server for so long; it must have been refused some posts."""
    ballast = disk / "ballast"
    async with Traffic.flowing([server.base_url]) as traffic:
        async with traffic.fault():
            await asyncio.to_thread(fill, ballast)
            await asyncio.sleep(seconds)
            ballast.unlink()
        return await traffic.settle("Disk of SQLite full", within=40)


def happen_here(seconds: float, template: str) -> Outcome:
    """Let it happen in a mount namespace of our own to a copy of this database, and look at it afterwards."""
    with small_disk() as disk:
        database = disk / "flowra.sqlite3"
        shutil.copy(template, database)
        with Server({"FLOWRA_DATA_DIR": str(disk), "SECRET_KEY": "x" * 50}) as server:
            process = server.process.pid
            outcome = asyncio.run(happen(server, disk, seconds))
            assert server.process.pid == process
            assert server.process.poll() is None, "The server has ended."
        with contextlib.closing(sqlite3.connect(database)) as connection:
            ((verdict,),) = connection.execute("PRAGMA integrity_check").fetchall()
    assert verdict == "ok", verdict
    return outcome.noting("afterwards `PRAGMA integrity_check` said ok")


def run(seconds: float = FULL) -> Outcome:
    """Let it happen on a disk of its own; raises ProgramError with what it needs where there can be none."""
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    inside = ["unshare", "--mount", *as_root, sys.executable, "-m", "tests.faults.server.test_disk_full"]
    inside += [str(seconds), str(demo_sqlite())]
    try:
        done = subprocess.run(inside, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    except FileNotFoundError:
        raise ProgramError(NEEDED) from None
    if done.returncode:
        raise ProgramError(f"{done.stderr}{NEEDED if 'unshare' in done.stderr else ''}")
    told = json.loads(done.stdout.splitlines()[-1])
    return Outcome(**{**told, "close_codes": {int(code): count for code, count in told["close_codes"].items()}})


def test_posts_are_refused_until_there_is_room_and_nothing_that_was_confirmed_is_lost() -> None:
    outcome = run(BRIEFLY)
    assert (outcome.lost, outcome.doubled) == (0, 0)
    assert not outcome.close_codes
    assert outcome.refusals, "The disk was not full."
    assert set(outcome.refusals) <= {"internal", "503", "rate_limited"}  # the last where much had waited
    assert not outcome.presence_wrong
    assert not outcome.reading_failed
    assert outcome.seconds_until_normal < 4


if __name__ == "__main__":
    sys.stdout.write(json.dumps(dataclasses.asdict(happen_here(float(sys.argv[1]), sys.argv[2]))))
