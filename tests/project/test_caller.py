"""Whoever starts the tests may have settings for a server of their own: they change nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.caller import SETTINGS
from tests.support.processes import ROOT

DOCUMENTED = "tests/realtime/limits/test_limits.py::test_limits_are_those_of_the_documents_unless_set"
OF_A_DEVELOPER = {
    "DEBUG": "false",
    "SECRET_KEY": "mine",
    "ALLOWED_HOSTS": "chat.example.org",
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "EMAIL_HOST": "mail.example.org",
    "EMAIL_USE_TLS": "perhaps",  # which keeps every command from starting
    "DEFAULT_FROM_EMAIL": "me@example.org",
    "FLOWRA_POSTS_PER_SECOND": "99",
    "FLOWRA_RATE_LIMITS": "false",
    "PYTEST_ADDOPTS": "--maxfail=3",
    "WEB_CONCURRENCY": "7",
    "UVICORN_PORT": "7",
    "PGHOST": "db.example.org",
    "PROMETHEUS_MULTIPROC_DIR": "/nowhere",
}


# With these Django does not even start, and pytest-django starts it before anybody of ours is asked.
FATAL = ("EMAIL_USE_TLS", "PROMETHEUS_MULTIPROC_DIR")


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("settings", [OF_A_DEVELOPER, {"FLOWRA_POSTS_PER_SECOND": "99"}], ids=["all", "one"])
def test_pytest_goes_by_none_of_them(settings: dict[str, str], tmp_path: Path) -> None:
    plain = {name: value for name, value in os.environ.items() if not SETTINGS.fullmatch(name)}
    plain = {**plain, **{name: value for name, value in settings.items() if name not in FATAL}}
    plain.pop("CLEAN_FOR_TESTS", None)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", DOCUMENTED],
        cwd=ROOT,
        env={**plain, "FLOWRA_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout + done.stderr
    assert "begin without" in done.stderr


@pytest.mark.usefixtures("processes")
def test_ci_hands_none_of_them_on(tmp_path: Path) -> None:
    make = tmp_path / "make"
    make.write_text(f'#!/bin/sh\nenv >> "{tmp_path}/seen"\necho "--- $*" >> "{tmp_path}/seen"\n')
    make.chmod(0o755)
    path = f"{tmp_path}:{Path(sys.executable).resolve().parent}:{os.environ['PATH']}"
    done = subprocess.run(
        [ROOT / ".ci" / "run"],
        env={**os.environ, **OF_A_DEVELOPER, "PORT": "1", "PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = (tmp_path / "seen").read_text().splitlines()
    assert [line for line in seen if line.startswith("--- ")][-1] == "--- test"
    names = {line.partition("=")[0] for line in seen}
    assert {name for name in names if SETTINGS.fullmatch(name)} == set()
    assert "PORT" not in names
    assert "FLOWRA_DATA_DIR" in names
