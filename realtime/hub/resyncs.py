"""Resyncs of everybody where events were lost: seldom, however often they are asked for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from realtime.outbox.connection import resync
from realtime.protocol.frames import ResyncReason

if TYPE_CHECKING:
    from realtime.hub.connections import Directory

EVERY = 5.0  # seconds between two


class Resyncs:
    """The first one comes at once, and what is asked for within EVERY seconds after it once at their end."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._asked = asyncio.Event()
        self._reason: ResyncReason = "behind"

    def ask(self, reason: ResyncReason) -> None:
        """Have all sockets of this process load again what they show."""
        self._reason = reason
        self._asked.set()

    async def run(self) -> None:
        """Do what is asked for, for ever."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            resync(self._directory.connections, self._reason)
            await asyncio.sleep(EVERY)
