"""What DATABASE_URL does not say: how SQLite is to lock, and how connections to PostgreSQL are kept and given up."""

from pathlib import Path
from typing import Any

from flowra.config.pool import RECONNECT_TIMEOUT, keep_trying
from flowra.config.tcp_keepalive import POSTGRESQL_OPTIONS


def bound_statements(options: dict[str, Any], seconds: float) -> None:
    """Have PostgreSQL give up a statement after so many seconds; `options` are those of a database, not yet used.

    For servers: a search must not go on when nobody waits for it any more. Commands take as long as they take.
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
        # A connection stays with its thread. To open one costs more than most of what is done with it, and there is
        # no server that could have closed it meanwhile.
        database["CONN_MAX_AGE"] = None
        database["TEST"] = {"NAME": str(test_file)}
    else:
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
                "reconnect_timeout": RECONNECT_TIMEOUT,
                "reconnect_failed": keep_trying,
            },
        }
