"""Figures that are measured at intervals and not at every frame: unsent bytes, and the event loop's lag."""

from __future__ import annotations

import asyncio
import time

from realtime import metrics
from realtime.hub.connections import ConnectionRegistry

LAG_EVERY = 1.0  # seconds between two measurements of the lag
SUM_EVERY = 5  # measurements of the lag between two sums over all outboxes, which take 1 ms for 10,000


class Gauges:
    """Measures this process; its owner runs `run` in the event loop."""

    def __init__(self, registry: ConnectionRegistry) -> None:
        self._registry = registry

    async def run(self) -> None:
        """Measure for ever."""
        while True:
            for _ in range(SUM_EVERY):
                asleep = time.monotonic()
                await asyncio.sleep(LAG_EVERY)
                metrics.event_loop_lag_seconds.observe(max(0.0, time.monotonic() - asleep - LAG_EVERY))
            self.sum_outboxes()

    def sum_outboxes(self) -> None:
        """Set the metrics of what waits for clients right now, in bytes."""
        waiting = [connection.outbox.queued_bytes for connection in self._registry.connections]
        metrics.outbox_bytes.set(sum(waiting))
        metrics.outbox_largest_bytes.set(max(waiting, default=0))
