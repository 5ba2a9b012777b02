"""`make run` as somebody meets it who has just cloned the repository. Installs packages, so it needs PyPI."""

from __future__ import annotations

import os
import pty
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from asgiref.sync import async_to_sync

from tests.support.conversation import converse
from tests.support.processes import ADDRESS, ROOT, environment, free_port, temporary_folder, wait_until

INSTALL_SECONDS = 240  # about 10 s where the network is good
SECOND_RUN = 8.0  # seconds of the processor, however busy it is: 3.4 where others run beside it


@pytest.fixture(scope="module")
def clone(processes: None) -> Path:
    """Give a copy of the repository's files, without anything that was made in it, readable by everybody."""
    folder = temporary_folder()
    folder.chmod(0o755)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def plain_environment(clone: Path) -> dict[str, str]:
    """Return an environment without settings, without this virtualenv, and with the data where `make run` has them."""
    env = environment(clone / "var", {})
    for name in ("FLOWRA_DATA_DIR", "VIRTUAL_ENV", "PYTHONPATH", "MAKEFLAGS", "MAKELEVEL"):
        env.pop(name, None)
    return env


class Terminal:
    """`make run` in a terminal of its own, in which one can press Ctrl-C."""

    def __init__(self, clone: Path, port: int) -> None:
        self._log = clone / "terminal.log"
        self._log.write_bytes(b"")
        self._keyboard, screen = pty.openpty()
        # The shell leads a session, so the terminal that it opens becomes its controlling one.
        script = f"exec make run PORT={port} <{os.ttyname(screen)} >>{self._log} 2>&1"
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", script], cwd=clone, env=plain_environment(clone), start_new_session=True
        )
        os.close(screen)

    def output(self) -> str:
        return self._log.read_text(errors="replace")

    def press_ctrl_c(self) -> None:
        os.write(self._keyboard, b"\x03")

    def close(self) -> None:
        """Hang up: whatever still runs in it ends."""
        os.close(self._keyboard)
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@contextmanager
def make_run(clone: Path, port: int) -> Iterator[Terminal]:
    """Start `make run` in a terminal and wait for the address."""
    terminal = Terminal(clone, port)
    try:
        wait_until(
            lambda: ADDRESS in terminal.output() or terminal.process.poll() is not None, INSTALL_SECONDS, "make run"
        )
        yield terminal
    finally:
        terminal.close()


def processor_seconds() -> float:
    """Return the processor time of the processes that were started here and have ended, with what they started."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def test_two_runs_in_a_row(clone: Path) -> None:
    port = free_port()
    with make_run(clone, port) as first:
        assert f"{ADDRESS}http://127.0.0.1:{port}\n" in first.output()
        assert "Sign in as john, jane, bob" in first.output()
        assert httpx.get(f"http://127.0.0.1:{port}/accounts/login/").status_code == 200
        pressed = time.monotonic()
        first.press_ctrl_c()
        assert first.process.wait(30) == 0
        assert time.monotonic() - pressed < 3.0
        assert "Traceback" not in first.output()
        assert "make: ***" not in first.output()
    database = clone / "var" / "flowra.sqlite3"
    key = (clone / "var" / "secret_key").read_text()
    inode = database.stat().st_ino
    spent = processor_seconds()
    with make_run(clone, port) as second:
        assert "Installing" not in second.output()
        assert "Sign in as john, jane, bob" in second.output()
        async_to_sync(converse)(f"http://127.0.0.1:{port}")
        assert (database.stat().st_ino, (clone / "var" / "secret_key").read_text()) == (inode, key)
        second.press_ctrl_c()
        assert second.process.wait(30) == 0
    assert processor_seconds() - spent < SECOND_RUN


def failing_run(folder: Path, *arguments: str, user: str | None = None) -> list[str]:
    """Run `make run`, which must fail, and return its lines; make's own closing line is left out."""
    done = subprocess.run(
        ["make", "run", *arguments],
        cwd=folder,
        env=plain_environment(folder),
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
        user=user,
        check=False,
    )
    assert done.returncode != 0
    lines = (done.stdout + done.stderr).splitlines()
    assert lines.pop().startswith("make: *** [")
    return lines


def fresh(clone: Path) -> Path:
    """Return a copy of the clone in which nothing was installed."""
    folder = temporary_folder()
    folder.chmod(0o755)
    shutil.copy2(clone / "Makefile", folder)
    shutil.copy2(clone / "requirements.lock", folder)
    return folder


def test_a_missing_python_is_told_in_one_line(clone: Path) -> None:
    (line,) = failing_run(fresh(clone), "PYTHON=/nowhere/python3")
    assert line.startswith("Flowra needs Python 3.11 or newer, and there is no /nowhere/python3.")


def test_an_old_python_is_told_in_one_line(clone: Path) -> None:
    folder = fresh(clone)
    old = folder / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.18" && exit 0\nexit 1\n')
    old.chmod(0o755)
    (line,) = failing_run(folder, f"PYTHON={old}")
    assert f"and {old} is Python 3.9.18." in line


def test_an_unwritable_folder_is_told_in_one_line(clone: Path) -> None:
    folder = fresh(clone)
    # A Python that is always content, and that every user may run.
    (folder / "python3").write_text("#!/bin/sh\n")
    (folder / "python3").chmod(0o755)
    folder.chmod(0o555)
    python = folder / "python3"
    user = "nobody" if os.geteuid() == 0 else None  # root may write everywhere
    (line,) = failing_run(folder, f"PYTHON={python}", user=user)
    assert line.startswith(f"Cannot write to {folder}")
