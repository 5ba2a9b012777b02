"""Commands where the database is away or behind: one line that says so, and a status that scripts can rely on."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.support.processes import ROOT, environment, free_port


def manage(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py with these settings and return what came of it."""
    command = [sys.executable, "manage.py", *arguments]
    env = environment(folder, settings)
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    "arguments",
    [["prune"], ["restored"], ["broadcast", "hello"], ["issue_token", "john"], ["seed_demo"]],
    ids=lambda arguments: str(arguments[0]),
)
@pytest.mark.usefixtures("processes")
def test_a_database_without_tables_is_told_in_one_line(tmp_path: Path, arguments: list[str]) -> None:
    done = manage(tmp_path, *arguments)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "no such table" in done.stderr
    assert "manage.py doctor" in done.stderr


@pytest.mark.parametrize("arguments", [["version"], ["--version"]], ids=lambda arguments: str(arguments[0]))
@pytest.mark.parametrize(
    "settings", [{}, {"DEBUG": "false"}], ids=["demo", "settings that keep commands from starting"]
)
@pytest.mark.usefixtures("processes")
def test_the_version_is_flowras(tmp_path: Path, arguments: list[str], settings: dict[str, str]) -> None:
    done = manage(tmp_path, *arguments, **settings)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Flowra {version} (Django 5.")


def test_the_version_can_be_called_as_a_command() -> None:
    output = io.StringIO()
    call_command("version", stdout=output)
    assert output.getvalue().startswith("Flowra ")


@pytest.mark.usefixtures("processes")
def test_runserver_says_what_it_needs_where_it_is_not_installed(tmp_path: Path) -> None:
    program = (
        "import importlib.util, sys; find = importlib.util.find_spec; sys.argv = ['manage.py', 'runserver']\n"
        "importlib.util.find_spec = lambda name, *more: None if name == 'daphne' else find(name, *more)\n"
        "import manage; manage.main()"
    )
    command = [sys.executable, "-c", program]
    env = environment(tmp_path, {})
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "requirements-runserver.lock" in done.stderr


def test_production_comes_without_what_only_runserver_needs() -> None:
    production, with_runserver = (
        set(re.findall(r"^([a-z0-9-]+)==", (ROOT / name).read_text(), re.MULTILINE))
        for name in ("requirements.lock", "requirements-runserver.lock")
    )
    assert {"daphne", "twisted", "autobahn"} <= with_runserver - production
    assert {"django", "uvicorn"} <= production


@pytest.mark.usefixtures("processes")
def test_who_wants_the_traceback_gets_it(tmp_path: Path) -> None:
    done = manage(tmp_path, "restored", "--traceback")
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")


@pytest.mark.usefixtures("processes")
def test_a_database_that_is_away_is_told_with_the_reason_and_not_once_for_each_try(tmp_path: Path) -> None:
    done = manage(tmp_path, "migrate", DATABASE_URL=f"postgres://flowra:hush-hush@127.0.0.1:{free_port()}/flowra")
    assert done.returncode == 1
    # It tries for 10 s, and each try is a line of psycopg's.
    assert "onnection refused" in done.stderr
    assert "The database does not answer as it should" in done.stderr.splitlines()[-1]
    assert done.stderr.count("error connecting") <= 2
    assert "hush-hush" not in done.stderr


@pytest.mark.usefixtures("processes")
def test_a_folder_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "static").touch()  # in the way of the folder
    done = manage(tmp_path, "collectstatic", "--noinput")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert str(tmp_path / "static") in done.stderr
