"""Checks of the database: it answers, accepts writes, has this version's tables, and enough connections.

Each check opens its own connection with short time-outs, beside Django's pool.
"""

from __future__ import annotations

import contextlib
import datetime
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import ConnectionHandler
from django.utils import timezone

from flowra.doctor.clock import compare_clocks
from flowra.doctor.report import Check, Finding, failed, ok, one_line, warning
from presence.exceptions import RegistryUnavailable
from presence.registry.current import get_registry

CONNECT_TIMEOUT = 3  # seconds
STATEMENT_TIMEOUT = 5  # seconds, for another writer's lock
# Network file systems: SQLite's locks and shared memory do not work on them.
NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "fuse.sshfs", "fuse.glusterfs"}
MET_DAYS = 7  # days for which a refusal by a limit is reported
DATABASE = "database"


def _is_sqlite() -> bool:
    return bool(settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"))


def _is_missing() -> bool:
    """Return whether the SQLite file does not exist: opening it would create it."""
    return _is_sqlite() and not Path(settings.DATABASES["default"]["NAME"]).exists()


@contextlib.contextmanager
def own_connection() -> Iterator[BaseDatabaseWrapper]:
    """Yield a separate connection to the database, and close it; raises the driver's errors."""
    configured = settings.DATABASES["default"]
    options: dict[str, Any] = {name: value for name, value in configured.get("OPTIONS", {}).items() if name != "pool"}
    if _is_sqlite():
        options["timeout"] = STATEMENT_TIMEOUT
    else:
        options["connect_timeout"] = CONNECT_TIMEOUT
    handler = ConnectionHandler({"default": {**configured, "OPTIONS": options}})
    connection = handler["default"]
    try:
        yield connection
    finally:
        connection.close()


def _ask(connection: BaseDatabaseWrapper, statement: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        row: Any = cursor.fetchone()
    return row[0]


def check_database() -> Iterator[Finding]:
    """The database answers, in a version that Django supports."""
    if _is_missing():
        yield failed(DATABASE, f"there is no file {settings.DATABASES['default']['NAME']}", "Run: manage.py migrate")
        return
    with own_connection() as connection:
        try:
            connection.ensure_connection()
        except OperationalError as error:
            if not _is_sqlite():
                raise
            yield failed(DATABASE, f"{settings.DATABASES['default']['NAME']}: {one_line(error)}", _OPEN)
            return
        version = ".".join(map(str, connection.get_database_version()))
        place = connection.settings_dict
        host = f"{place['HOST'] or 'a local socket'}:{place['PORT'] or 5432}"
        where = place["NAME"] if _is_sqlite() else f"{host}/{place['NAME']}"
        yield ok(DATABASE, f"{connection.display_name} {version}, {where}")


def check_migrations() -> Iterator[Finding]:
    """The tables are those of this version."""
    name = "migrations"
    with own_connection() as connection:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
        known = executor.loader.disk_migrations
        apps = {app for app, _ in known}
        newer = sorted(key for key in executor.loader.applied_migrations if key[0] in apps and key not in known)
    if missing:
        first = f"{missing[0][0].app_label}.{missing[0][0].name}"
        yield failed(name, f"{len(missing)} are not applied, {first} the first", "Run: manage.py migrate")
    elif newer:
        detail = f"{len(newer)} are applied that this version does not know, {'.'.join(newer[0])} for one"
        remedy = "A newer version has used this database: update this one, or see docs/operations.md, rollback."
        yield warning(name, detail, remedy)
    else:
        yield ok(name, f"all {len(known)} are applied")


def check_writing() -> Iterator[Finding]:
    """The database accepts a row, which is rolled back: a read-only replica, a full disk or a stale lock fail.

    If sign-up is off, at least one account can sign in.
    """
    with own_connection() as connection:
        connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
        try:
            with connection.cursor() as cursor:
                if not _is_sqlite():  # for this transaction only: a pooler gives the connection to another client next
                    cursor.execute(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}s'")
                expires = connection.ops.adapt_datetimefield_value(timezone.now())
                cursor.execute(
                    "INSERT INTO accounts_browsersession (session_key, session_data, expire_date, sid) "
                    "VALUES (%s, '', %s, '')",
                    [f"doctor{secrets.token_hex(8)}", expires],
                )
        finally:
            connection.rollback()
        yield ok("database writes", "takes a row, and takes it back")
        if settings.DEBUG or settings.FLOWRA_SIGNUP_ENABLED:
            return
        if not _ask(connection, "SELECT count(*) FROM accounts_user WHERE is_active"):
            remedy = "Run: manage.py createsuperuser. That account may use the admin at /admin/ and make others there."
            yield warning("accounts", "there is none, and sign-up is off: nobody can come in", remedy)


def check_sqlite() -> Iterator[Finding]:
    """SQLite: readers do not wait for the writer, and the file is on a local disk."""
    if not _is_sqlite():
        return
    name, path = "sqlite", Path(settings.DATABASES["default"]["NAME"])
    with own_connection() as connection:
        mode = _ask(connection, "PRAGMA journal_mode")
    kind = file_system(path.resolve(), Path("/proc/self/mounts"))
    if kind in NETWORK:
        remedy = "Put the file on a disk of this machine, or use PostgreSQL: set DATABASE_URL."
        yield failed(name, f"{path} is on {kind}, a file system over the network, where locks do not hold", remedy)
    elif mode != "wal":
        remedy = "See that this user may write to the file's folder; then start the servers anew."
        yield warning(name, f"journal mode is {mode}, not wal: who reads waits for who writes", remedy)
    else:
        yield ok(name, f"journal mode wal, on {kind or 'an unknown file system'}")


def file_system(path: Path, mounts: Path) -> str:
    """Return the type of the file system that `path` is on, "" if `mounts` (Linux) does not exist."""
    try:
        lines = mounts.read_text().splitlines()
    except OSError:
        return ""
    best, kind = -1, ""
    for line in lines:
        _, place, its_kind, *_ = line.split()
        folder = place.encode().decode("unicode_escape")  # white space in it is written as \040
        # Of two mounts on one path the later one counts.
        if path.is_relative_to(folder) and len(folder) >= best:
            best, kind = len(folder), its_kind
    return kind


def check_connections() -> Iterator[Finding]:
    """PostgreSQL: max_connections suffices for the pools of all processes."""
    if _is_sqlite():
        return
    name, pool = "connections", settings.FLOWRA_DB_POOL_SIZE
    with own_connection() as connection:
        most = int(_ask(connection, "SHOW max_connections"))
        usable = most - int(_ask(connection, "SHOW superuser_reserved_connections"))
    room, running = usable // pool, _running_processes()
    detail = f"max_connections {most}: enough for {room} processes with FLOWRA_DB_POOL_SIZE={pool}"
    if running is not None:
        detail += f"; {running} are running"
    remedy = f"Set max_connections in postgresql.conf above {pool} for each process, or FLOWRA_DB_POOL_SIZE lower."
    if room < max(running or 0, 1):
        yield failed(name, detail, remedy)
    elif room <= (running or 1):  # an update starts the new process before it stops the old one
        yield warning(name, f"{detail}: none to spare for an update", remedy)
    else:
        yield ok(name, detail)


def _running_processes() -> int | None:
    """Return the number of serving processes, None if it is unknown."""
    if not settings.REDIS_URL or not settings.FLOWRA_PRESENCE_ENABLED:
        return None
    try:
        return len(get_registry().processes())
    except (RegistryUnavailable, ValueError):  # ValueError: REDIS_URL cannot be parsed
        return None


def check_clock() -> Iterator[Finding]:
    """PostgreSQL: its clock agrees with this machine's. SQLite has no clock."""
    if _is_sqlite():
        return
    with own_connection() as connection:
        connection.ensure_connection()
        yield compare_clocks(
            "database clock", lambda: float(_ask(connection, "SELECT extract(epoch FROM clock_timestamp())"))
        )


def list_met_limits() -> list[tuple[str, str]]:
    """Return the settings whose limits refused somebody in the last MET_DAYS days, each with the last time.

    Empty if the database does not answer: its own checks report that.
    """
    if _is_missing():
        return []
    with own_connection() as connection, contextlib.suppress(DatabaseError), connection.cursor() as cursor:
        since = connection.ops.adapt_datetimefield_value(timezone.now() - datetime.timedelta(days=MET_DAYS))
        cursor.execute("SELECT setting, met_at FROM realtime_metlimit WHERE met_at > %s ORDER BY setting", [since])
        return [(setting, str(met_at)[: len("2026-01-01 00:00")]) for setting, met_at in cursor.fetchall()]
    return []


_OPEN = "See that who runs Flowra may write to the file at DATABASE_URL and to its folder, and that the disk has room."
_REACH = "See that the server at DATABASE_URL runs, that this machine may connect, and name, user and password."
CHECKS = (
    Check(DATABASE, check_database, _REACH),
    Check("migrations", check_migrations, "Have the user in DATABASE_URL own the tables.", needs=DATABASE),
    Check(
        "database writes",
        check_writing,
        "Connect to the primary, not to a replica; see that its disk has room and that no other process holds a lock.",
        needs="migrations",
    ),
    Check("sqlite", check_sqlite, "See that the file at DATABASE_URL is an SQLite database.", needs=DATABASE),
    Check("connections", check_connections, "See max_connections in postgresql.conf.", needs=DATABASE),
    Check("database clock", check_clock, "Have both machines set their clocks by NTP.", needs=DATABASE),
)
