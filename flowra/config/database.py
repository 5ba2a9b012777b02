"""Database options that DATABASE_URL does not contain: SQLite's locking, PostgreSQL's pool and time-outs."""

from pathlib import Path
from typing import Any

from flowra.config.pool import RECONNECT_TIMEOUT, keep_trying
from flowra.config.tcp_keepalive import POSTGRESQL_OPTIONS


def bound_statements(options: dict[str, Any], seconds: float) -> None:
    """Set PostgreSQL's statement_timeout in `options` of a database that is not connected yet.

    Only servers call this: commands have no time limit.
    """
    if "pool" in options and seconds:
        options["options"] = f"{options.get('options', '')} -c statement_timeout={int(seconds * 1000)}".strip()


def complete(database: dict[str, Any], *, pool_size: int, test_file: Path) -> None:
    """Add to Django's settings of one database; `pool_size` is in connections of one process.

    `test_file` is SQLite's for tests: those of live servers and of threads need one, and Django's default would be a
    database in memory.
    """
    if database["ENGINE"] == "django.db.backends.sqlite3":
        # IMMEDIATE takes the write lock at BEGIN: writers queue up for it (20 s) instead of failing half-way
        # with SQLITE_BUSY. WAL lets readers go on meanwhile.
        database["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        }
        # A connection stays with its thread: opening one costs more than most queries, and no server can have closed
        # it.
        database["CONN_MAX_AGE"] = None
        database["TEST"] = {"NAME": str(test_file)}
    else:
        from flowra.config.pooled_connection import PooledConnection  # SQLite needs no psycopg

        # With Django's pool a connection is checked when it is taken; CONN_MAX_AGE must be 0 beside it.
        database["CONN_MAX_AGE"] = 0
        database["CONN_HEALTH_CHECKS"] = True
        database["OPTIONS"] = {
            **POSTGRESQL_OPTIONS,
            **database.get("OPTIONS", {}),  # DATABASE_URL's own: ?connect_timeout=3
            "pool": {
                "min_size": 2,
                "max_size": pool_size,
                "timeout": 10,
                "connection_class": PooledConnection,
                "reconnect_timeout": RECONNECT_TIMEOUT,
                "reconnect_failed": keep_trying,
            },
        }
