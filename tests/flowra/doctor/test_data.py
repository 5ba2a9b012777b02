"""The doctor on databases that are ill in one way each."""

from __future__ import annotations

import secrets
import sqlite3
from pathlib import Path

import psycopg
import pytest

from flowra.doctor.data import file_system
from tests.flowra.doctor.examined import PRODUCTION, examine, with_database
from tests.support.processes import PostgreSQL

LATER = "INSERT INTO django_migrations (app, name, applied) VALUES ('chats', '0999_of_tomorrow', '2026-01-01')"


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ("DELETE FROM django_migrations WHERE app = 'realtime'", "failed", "realtime.0001_initial the first"),
        (LATER, "warning", "chats.0999_of_tomorrow"),
    ],
)
def test_migrations_that_lack_or_that_are_not_known(tmp_path: Path, change: str, status: str, says: str) -> None:
    with sqlite3.connect(with_database(tmp_path)) as database:
        database.execute(change)
    database.close()
    examination = examine(tmp_path, {})
    finding = examination.of("migrations")
    assert (finding["status"], examination.exit_status) == (status, int(status == "failed"))
    assert says in finding["detail"]
    assert ("database writes" in examination.names("skipped")) == (status == "failed")


@pytest.mark.usefixtures("processes")
def test_a_lock_that_nobody_gives_up(tmp_path: Path) -> None:
    holder = sqlite3.connect(with_database(tmp_path), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        finding = examine(tmp_path, {}).of("database writes")
    finally:
        holder.close()
    assert finding["status"] == "failed"
    assert "locked" in finding["detail"]
    assert "lock" in finding["remedy"]


@pytest.mark.usefixtures("processes")
def test_looking_leaves_no_row_behind(tmp_path: Path) -> None:
    path = with_database(tmp_path)
    assert examine(tmp_path, {}).of("database writes")["status"] == "ok"
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT count(*) FROM accounts_browsersession").fetchone() == (0,)
    database.close()


def test_a_lock_that_nobody_gives_up_on_postgresql(tmp_path: Path, postgresql: PostgreSQL) -> None:
    url = postgresql.create_database()
    with psycopg.connect(url) as holder:
        holder.execute("LOCK TABLE accounts_browsersession IN ACCESS EXCLUSIVE MODE")
        finding = examine(tmp_path, {**PRODUCTION, "DATABASE_URL": url}).of("database writes")
    assert finding["status"] == "failed"
    assert "statement timeout" in finding["detail"]


def test_a_postgresql_that_only_reads_and_has_too_few_connections(tmp_path: Path, postgresql: PostgreSQL) -> None:
    url = postgresql.create_database()
    with psycopg.connect(url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
    examination = examine(tmp_path, {**PRODUCTION, "DATABASE_URL": url, "FLOWRA_DB_POOL_SIZE": "300"})
    assert examination.of("database writes")["status"] == "failed"
    assert "read-only" in examination.of("database writes")["detail"]
    assert "replica" in examination.of("database writes")["remedy"]
    assert examination.of("connections")["status"] == "failed"
    assert "enough for 0 processes" in examination.of("connections")["detail"]
    # 200 less 3 for the superuser: one process fits, its successor does not.
    one = examine(tmp_path, {**PRODUCTION, "DATABASE_URL": url, "FLOWRA_DB_POOL_SIZE": "150"})
    assert (one.of("connections")["status"], one.of("database clock")["status"]) == ("warning", "ok")


def test_tables_that_are_somebody_elses(tmp_path: Path, postgresql: PostgreSQL) -> None:
    """As after a restore by another user: what helps is not to migrate, which would be refused as well."""
    url = postgresql.create_database()
    name = f"stranger_{secrets.token_hex(4)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN".encode())
    finding = examine(tmp_path, {"DATABASE_URL": url.replace("//flowra@", f"//{name}@")}).of("migrations")
    assert (finding["status"], "permission denied" in finding["detail"]) == ("failed", True)
    assert "own the tables" in finding["remedy"]


def test_the_file_system_is_that_of_the_nearest_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/sda1 / ext4 rw 0 0\n"
        "tmpfs /srv tmpfs rw 0 0\n"
        "server:/data /srv nfs4 rw 0 0\n"
        "server:/more /srv/with\\040space cifs rw 0 0\n"
    )
    assert file_system(Path("/var/lib/flowra.sqlite3"), mounts) == "ext4"
    assert file_system(Path("/srv/flowra.sqlite3"), mounts) == "nfs4"
    assert file_system(Path("/srv/with space/flowra.sqlite3"), mounts) == "cifs"
    assert file_system(Path("/srvother/flowra.sqlite3"), mounts) == "ext4"
    assert file_system(Path("/srv/x"), tmp_path / "none") == ""
