"""The whole doctor: on a healthy machine, and where nothing answers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.flowra.doctor.examined import PRODUCTION, examine, mail_server, with_database
from tests.support.processes import PostgreSQL, Server, Valkey, free_port

ALL = [
    "settings",
    "secret key",
    "hosts",
    "mail",
    "open files",
    "data folder",
    "static files",
    "database",
    "migrations",
    "database writes",
    "redis",
    "presence registry",
    "limits",
    "channel layer",
]


@pytest.mark.usefixtures("processes")
def test_the_demo_is_well_and_said_to_be_a_demo(tmp_path: Path) -> None:
    with_database(tmp_path)
    examination = examine(tmp_path, {})
    assert examination.exit_status == 0
    assert examination.document["status"] == "warning"
    assert [finding["name"] for finding in examination.document["checks"]] == [*ALL[:10], "sqlite", *ALL[10:]]
    assert examination.of("settings")["status"] == "warning"
    assert "DEBUG is on" in examination.of("settings")["detail"]
    assert examination.names("failed") == examination.names("skipped") == []


def test_production_is_well(postgresql: PostgreSQL, valkey: Valkey) -> None:
    settings = {**PRODUCTION, "DATABASE_URL": postgresql.create_database(), "REDIS_URL": valkey.url}
    server = Server(settings)
    server.manage("collectstatic", "--noinput", "-v0")
    with server, mail_server() as mail:
        settings |= mail
        examination = examine(server.folder, settings, before="ulimit -n 4096")
        assert examination.names("warning") == examination.names("failed") == examination.names("skipped") == []
        assert (examination.exit_status, examination.document["status"], examination.errors) == (0, "ok", "")
        with_postgresql_and_redis = {"connections", "database clock", "redis memory", "redis clock", "installations"}
        assert set(examination.names("ok")) == {*ALL, *with_postgresql_and_redis}
        assert examination.of("presence registry")["detail"] == "1 process serving"
        assert "1 are running" in examination.of("connections")["detail"]
        assert "over the broker" in examination.of("channel layer")["detail"]
        assert examination.of("redis")["detail"].startswith("Valkey ")
        assert all(finding["remedy"] == "" for finding in examination.document["checks"])


@pytest.mark.usefixtures("processes")
def test_for_people_it_prints_a_line_each_and_the_remedy_below(tmp_path: Path) -> None:
    with_database(tmp_path)
    examination = examine(tmp_path, {}, "--no-color")
    lines = examination.output.splitlines()
    assert " ".join(lines[0].split()) == "warning settings DEBUG is on: this is the demo, or development"
    assert lines[1].strip().startswith("For real people set DEBUG=false")
    assert any(line.startswith("ok       database writes    takes a row") for line in lines)
    assert lines[-1] == f"{len(ALL)} ok, 1 warning"


@pytest.fixture
def black_hole() -> Iterator[int]:
    """Give a port at which every connection is accepted and nothing is ever said."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(50)
        yield listener.getsockname()[1]


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("kind", ["closed", "black hole"])
def test_servers_that_do_not_answer_are_told_in_time_and_without_passwords(
    tmp_path: Path, black_hole: int, kind: str
) -> None:
    port = free_port() if kind == "closed" else black_hole
    examination = examine(
        tmp_path,
        {
            **PRODUCTION,
            "DATABASE_URL": f"postgres://flowra:hush-hush@127.0.0.1:{port}/flowra",
            "REDIS_URL": f"redis://:hush-hush@127.0.0.1:{port}/0",
        },
    )
    assert examination.exit_status == 1
    assert examination.seconds < 45
    assert examination.document["status"] == "failed"
    assert examination.of("database")["status"] == examination.of("redis")["status"] == "failed"
    assert "DATABASE_URL" in examination.of("database")["remedy"]
    assert "REDIS_URL" in examination.of("redis")["remedy"]
    assert set(examination.names("skipped")) == {
        *("migrations", "database writes", "sqlite", "connections", "database clock"),
        *("redis memory", "redis clock", "presence registry", "installations", "limits", "channel layer"),
    }
    assert "hush-hush" not in examination.output


@pytest.mark.usefixtures("processes")
def test_every_fault_at_once_is_told_with_its_remedy(tmp_path: Path) -> None:
    """Settings that keep every other command from starting do not keep the doctor from coming."""
    faults = {
        **PRODUCTION,
        "SECRET_KEY": "short",
        "ALLOWED_HOSTS": "https://chat.example.org",
        "FLOWRA_PUBLISH_QUEUE": "0",
    }
    examination = examine(tmp_path, faults, before="ulimit -n 150")
    assert examination.exit_status == 1
    assert {"settings", "secret key", "hosts", "open files", "static files", "database"} == set(
        examination.names("failed")
    )
    assert all(finding["remedy"] for finding in examination.document["checks"] if finding["status"] == "failed")
    assert "FLOWRA_PUBLISH_QUEUE" in examination.of("settings")["detail"]
    assert examination.of("database")["remedy"] == "Run: manage.py migrate"
    assert not (tmp_path / "flowra.sqlite3").exists()


def test_a_process_that_is_away_takes_nobody_with_it(postgresql: PostgreSQL) -> None:
    """A broker that stopped between two looks: the database's part is told all the same."""
    with ExitStack() as stack:
        broker = stack.enter_context(Valkey())
        settings = {**PRODUCTION, "DATABASE_URL": postgresql.create_database(), "REDIS_URL": broker.url}
        broker.kill()
        folder = Server(settings).folder
        examination = examine(folder, settings)
        assert "redis" in examination.names("failed")
        assert "database writes" in examination.names("ok")
        assert "are running" not in examination.of("connections")["detail"]
        broker.start()
        again = examine(folder, settings)
        assert "redis" in again.names("ok")
        assert "channel layer" in again.names("ok")
