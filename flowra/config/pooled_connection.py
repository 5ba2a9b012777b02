"""PostgreSQL connections that the pool checks without a round trip while they are in use."""

from __future__ import annotations

import select
import time
from typing import Any

import psycopg

CHECK_INTERVAL = 1.0  # seconds


class PooledConnection(psycopg.Connection[Any]):
    """Skips the pool's check, an empty query, within CHECK_INTERVAL of the last one.

    Not if there is something to read: a connection that the server has closed has its last words or its end there.
    A round trip for each use of a connection was a tenth of what a post costs its thread.
    """

    _checked_at = float("-inf")  # on the monotonic clock

    def execute(self, query: Any, params: Any = None, **options: Any) -> psycopg.Cursor[Any]:
        """Execute a query, or for an empty one maybe none; raises what psycopg raises."""
        if query != "":
            return super().execute(query, params, **options)
        if time.monotonic() - self._checked_at < CHECK_INTERVAL and not self._is_readable():
            return self.cursor()
        cursor = super().execute(query, params, **options)
        self._checked_at = time.monotonic()
        return cursor

    def _is_readable(self) -> bool:
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        return bool(poll.poll(0))
