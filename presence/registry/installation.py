"""Which installation this process belongs to: the prefix of all its keys and channels in Redis.

Several installations may share one Redis, whose pub/sub ignores its database numbers. FLOWRA_REDIS_PREFIX sets the
prefix. By default it is a digest of a random id in the database and of the database's own identity. So all processes of
an installation have the same one, whatever their DATABASE_URL looks like; a backup that is restored elsewhere gets
another one; a standby that takes over keeps it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import os
import threading
import time
import uuid
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection

from presence.models import Installation

ROOT = "flowra"  # what all prefixes begin with, for the broker's ACL: ~flowra:* and &flowra*
NAME_BYTES = 6  # of a digest: twelve hexadecimal digits
QUERY_TIMEOUT = 5  # seconds for each answer of the database
RETRY_AFTER = 1.0  # seconds after a failure in which the database is not asked again


# SQLSTATEs of a server that gives no system identifier: no privilege, no such function, not supported.
_NO_CLUSTER_ID = ("42501", "42883", "0A000")


class InstallationUnknown(Exception):
    """The installation's identity could not be read from the database."""


@dataclasses.dataclass(frozen=True, slots=True)
class Identity:
    """What all processes of an installation share: the prefix, and the key that signs their events."""

    prefix: str
    signing_key: bytes


@dataclasses.dataclass(frozen=True, slots=True)
class _Database:
    """`lasting` outlives restarts and a standby's take-over; `running` differs for servers on copies of one disk."""

    lasting: str
    running: str


_lock = threading.Lock()
_identity: Identity | None = None
_failed_at = -RETRY_AFTER


def identity_named(prefix: str) -> Identity:
    """Return the identity with this prefix: the same in all processes with the same SECRET_KEY."""
    key = hashlib.sha256(b"flowra.layer:" + settings.SECRET_KEY.encode()).digest()
    return Identity(prefix, hashlib.blake2b(prefix.encode(), key=key).digest())


def read_identity() -> Identity:
    """Return the identity, read once from the database, so not in the event loop; raises InstallationUnknown."""
    global _identity, _failed_at
    with _lock:
        known = _identity
        if known is not None:
            return known
        if time.monotonic() < _failed_at + RETRY_AFTER:
            raise InstallationUnknown("The database did not say a moment ago which installation it is.")
        name = settings.FLOWRA_REDIS_PREFIX
        try:
            identity = identity_named(_full(name) if name else default_prefix())
        except (DatabaseError, OSError) as error:
            _failed_at = time.monotonic()
            raise InstallationUnknown(f"The database does not say which installation it is: {error}") from error
        _identity = identity
        return identity


async def find_identity() -> Identity:
    """Return the identity as `read_identity` does, from the event loop."""
    known = _identity
    return known if known is not None else await asyncio.to_thread(read_identity)


def running_database() -> str:
    """Return a digest that identifies the running database server, from a query; raises DatabaseError."""
    return _digest(_ask_database(with_id=False).running)


def default_prefix() -> str:
    """Return the prefix that is made of the database, whatever is set, from a query; raises DatabaseError."""
    return f"{ROOT}:{_digest(_ask_database().lasting)}"


def _full(name: str) -> str:
    return name if name == ROOT or name.startswith(f"{ROOT}:") else f"{ROOT}:{name}"


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=NAME_BYTES).hexdigest()


def _ask_database(*, with_id: bool = True) -> _Database:
    """Query over a connection of its own: threads of Redis clients have none and would keep it."""
    own: Any = connection.copy()
    options = own.settings_dict["OPTIONS"]
    if own.vendor == "postgresql":
        options.pop("pool", None)
        options["options"] = f"{options.get('options', '')} -c statement_timeout={QUERY_TIMEOUT * 1000}".strip()
    else:
        options["timeout"] = QUERY_TIMEOUT
    try:
        with own.cursor() as cursor:
            random_id = _read_id(cursor) if with_id else ""
            database = _postgresql(cursor) if own.vendor == "postgresql" else _sqlite(own.settings_dict["NAME"])
    finally:
        own.close()
    return _Database(f"{random_id} {database.lasting}", database.running)


def _read_id(cursor: Any) -> str:
    """Return the installation's random id; inserted again if the migration's row is missing."""
    table = Installation._meta.db_table
    cursor.execute(f"SELECT mark FROM {table} WHERE id = 1")  # noqa: S608  (our own table)
    row = cursor.fetchone()
    if row is None:
        cursor.execute(
            f"INSERT INTO {table} (id, mark) VALUES (1, %s) ON CONFLICT DO NOTHING",  # noqa: S608
            [uuid.uuid4().hex],
        )
        cursor.execute(f"SELECT mark FROM {table} WHERE id = 1")  # noqa: S608
        row = cursor.fetchone()
    return str(row[0])


def _postgresql(cursor: Any) -> _Database:
    try:
        cursor.execute("SELECT system_identifier FROM pg_control_system()")
        cluster = str(cursor.fetchone()[0])
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", "") not in _NO_CLUSTER_ID:
            raise
        cluster = ""
    cursor.execute("SELECT oid, pg_postmaster_start_time() FROM pg_database WHERE datname = current_database()")
    oid, since = cursor.fetchone()
    return _Database(f"{cluster} {oid}", f"{cluster} {oid} {since.timestamp()}")


def _sqlite(name: Any) -> _Database:
    file = os.stat(name)
    identity = f"{file.st_dev} {file.st_ino}"
    return _Database(identity, identity)
