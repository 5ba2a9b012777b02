"""Reconnects of PostgreSQL's connection pool while the database is unavailable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # settings import this module, and SQLite needs no psycopg
    from psycopg_pool import ConnectionPool

# Seconds that the pool tries to connect before it calls `keep_trying`. Its own back-off doubles without a useful bound:
# after an outage of a minute it would wait for another minute.
RECONNECT_TIMEOUT = 1.0


def keep_trying(pool: ConnectionPool[Any]) -> None:
    """Let a pool that gave up connect again, about once a second.

    Otherwise it would connect only for the next request, and requests that wait already could time out.
    """
    if pool.get_stats()["pool_size"] == 0:
        fewest, most = pool.min_size, pool.max_size
        pool.resize(0, most)
        pool.resize(fewest, most)
