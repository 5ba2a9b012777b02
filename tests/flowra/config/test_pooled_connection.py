"""The pool's check of a connection: seldom a round trip, and never a broken connection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from flowra.config.pooled_connection import CHECK_INTERVAL, PooledConnection
from tests.support.processes import PostgreSQL

Pool = ConnectionPool[PooledConnection]


@pytest.fixture
def pool(postgresql: PostgreSQL) -> Iterator[Pool]:
    """Give a pool of one connection, as Django makes it."""
    options: dict[str, Any] = {"connection_class": PooledConnection, "check": ConnectionPool.check_connection}
    made = ConnectionPool(
        postgresql.url("postgres"), kwargs={"autocommit": True}, min_size=1, max_size=1, open=False, **options
    )
    with made:
        yield made


def last_query(postgresql: PostgreSQL, pid: int) -> Any:
    """Return when the server last heard of a connection."""
    with psycopg.connect(postgresql.url("postgres")) as watcher:
        row = watcher.execute("SELECT state_change FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone()
    assert row is not None
    return row[0]


def test_a_connection_in_use_is_not_asked_about(pool: Pool, postgresql: PostgreSQL) -> None:
    with pool.connection() as connection:
        pid = connection.info.backend_pid
    before = last_query(postgresql, pid)
    with pool.connection() as connection:
        assert connection.info.backend_pid == pid
        assert last_query(postgresql, pid) == before
    connection._checked_at -= CHECK_INTERVAL
    with pool.connection():
        assert last_query(postgresql, pid) > before


def test_a_connection_that_the_server_closed_is_replaced(pool: Pool, postgresql: PostgreSQL) -> None:
    with pool.connection() as connection:
        pid = connection.info.backend_pid
    with psycopg.connect(postgresql.url("postgres"), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])  # returns when it has ended
    with pool.connection() as connection:
        assert connection.info.backend_pid != pid
        assert connection.execute("SELECT 1").fetchone() == (1,)
