"""PostgreSQL's connection pool when the database is away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # settings import this module, and SQLite needs no psycopg
    from psycopg_pool import ConnectionPool

# Seconds that the pool tries to make a connection before it calls `keep_trying`. By itself it waits twice as long
# after each failure, and a database that was away for a minute would stay away for another one.
RECONNECT_TIMEOUT = 1.0


def keep_trying(pool: ConnectionPool[Any]) -> None:
    """Have a pool whose last connection was given up make its first ones anew, about once a second.

    Else the next one would be made for the next request that comes, and those that wait could wait in vain.
    """
    if pool.get_stats()["pool_size"] == 0:
        fewest, most = pool.min_size, pool.max_size
        pool.resize(0, most)
        pool.resize(fewest, most)
