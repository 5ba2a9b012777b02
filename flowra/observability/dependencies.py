"""Monitors the database, registry and channel layer for /metrics and the log, independent of /readyz.

An alert so fires during an outage even if no page is used.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from django.db import connection
from prometheus_client import Gauge

logger = logging.getLogger(__name__)
CHECK_INTERVAL = 5.0  # seconds
TIMEOUT = 2.0  # seconds for each part

ready = Gauge(
    "flowra_ready", "Whether a part that this process stands on answers: 1 or 0.", ["part"], multiprocess_mode="livemin"
)
pool_connections = Gauge(
    "flowra_database_pool_connections",
    "Connections to PostgreSQL: open, and of these not in use.",
    ["state"],
    multiprocess_mode="livesum",
)
pool_waiting = Gauge(
    "flowra_database_pool_waiting",
    "Pieces of work that wait for a connection to PostgreSQL.",
    multiprocess_mode="livesum",
)


class DependencyMonitor:
    """Checks each part every CHECK_INTERVAL seconds."""

    def __init__(self, parts: Mapping[str, Callable[[], Awaitable[str]]]) -> None:
        self._parts = parts
        self._failing: set[str] = set()

    async def run(self) -> None:
        """Check forever."""
        while True:
            states = await asyncio.gather(*(self._answers(check) for check in self._parts.values()))
            for part, answers in zip(self._parts, states, strict=True):
                self._note(part, answers)
            note_pool()
            await asyncio.sleep(CHECK_INTERVAL)

    async def _answers(self, check: Callable[[], Awaitable[str]]) -> bool:
        try:
            async with asyncio.timeout(TIMEOUT):
                return await check() == "ok"
        except Exception as error:  # noqa: BLE001  (whatever it is, the part does not answer)
            logger.debug("A part does not answer: %r", error)
            return False

    def _note(self, part: str, answers: bool) -> None:
        ready.labels(part).set(int(answers))
        name = part.replace("_", " ")
        if not answers and part not in self._failing:
            self._failing.add(part)
            logger.error("The %s does not answer.", name)
        elif answers and part in self._failing:
            self._failing.remove(part)
            logger.info("The %s answers again.", name)


def note_pool() -> None:
    """Record the size of the PostgreSQL pool; SQLite has none."""
    pool = getattr(connection, "pool", None)
    if pool is None:
        return
    stats = pool.get_stats()
    pool_connections.labels("open").set(stats.get("pool_size", 0))
    pool_connections.labels("idle").set(stats.get("pool_available", 0))
    pool_waiting.set(stats.get("requests_waiting", 0))
