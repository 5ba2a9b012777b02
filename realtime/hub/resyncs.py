"""Resyncs of all connections of this process, after events were lost."""

from __future__ import annotations

import asyncio

from realtime.hub.connections import ConnectionRegistry
from realtime.outbox.connection import resync
from realtime.protocol.frames import ResyncReason

EVERY = 5.0  # seconds between two resyncs


class Resyncs:
    """The first resync is sent at once; all that are asked for in the EVERY seconds after it are one at their end."""

    def __init__(self, registry: ConnectionRegistry) -> None:
        self._registry = registry
        self._asked = asyncio.Event()
        self._reason: ResyncReason = "behind"

    def ask(self, reason: ResyncReason) -> None:
        """Have all clients load again what they show."""
        self._reason = reason
        self._asked.set()

    async def run(self) -> None:
        """Send what is asked for, for ever."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            resync(self._registry.connections, self._reason)
            await asyncio.sleep(EVERY)
