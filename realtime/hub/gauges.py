"""What is looked at now and then instead of being counted at every frame: unsent bytes, and the event loop's lag."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from realtime import metrics

if TYPE_CHECKING:
    from realtime.hub.connections import Directory

SAMPLE_EVERY = 1.0  # seconds
SUM_EVERY = 5  # samples between two walks over all outboxes, which take 1 ms for 10,000; nobody scrapes more often


class Sampler:
    """Samples this process; its owner runs `run` in the event loop."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def run(self) -> None:
        """Sample for ever."""
        while True:
            for _ in range(SUM_EVERY):
                asleep = time.monotonic()
                await asyncio.sleep(SAMPLE_EVERY)
                metrics.event_loop_lag_seconds.observe(max(0.0, time.monotonic() - asleep - SAMPLE_EVERY))
            self.sum_outboxes()

    def sum_outboxes(self) -> None:
        """Tell how much waits for clients right now."""
        waiting = [connection.outbox.queued_bytes for connection in self._directory.connections]
        metrics.outbox_bytes.set(sum(waiting))
        metrics.outbox_largest_bytes.set(max(waiting, default=0))
