"""Several events in one write: what a busy room saves is a system call per subscriber and event."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

JOIN_FOR = 0.005  # seconds that an event waits at most for others; nobody notices, and writes become few
JOIN_SIZE = 32_768  # characters; more is sent at once
# Seconds after the last write: an event that comes sooner is one of many. One that is only sent when the last has
# arrived everywhere comes later, and never waits.
SOON = 0.002


class Joiner(Generic[T]):
    """Gives `send` a list of what was put: at once where it has been quiet, else together with what follows."""

    def __init__(self, send: Callable[[list[T]], None]) -> None:
        self._send = send
        self._joined: list[T] = []
        self._size = 0
        self._written_at = 0.0  # on the monotonic clock
        self._timer: asyncio.TimerHandle | None = None

    def put(self, item: T, size: int) -> None:
        """Send `item` now or within JOIN_FOR, after everything put before it; `size` is its length."""
        if not self._joined and time.monotonic() - self._written_at > SOON:
            self._write([item])
            return
        self._joined.append(item)
        self._size += size
        if self._size > JOIN_SIZE:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(JOIN_FOR, self.flush)

    def flush(self) -> None:
        """Send at once what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        joined, self._joined, self._size = self._joined, [], 0
        if joined:
            self._write(joined)

    def _write(self, items: list[T]) -> None:
        # An event loop writes to its sockets at the end of a round, so the time that counts is in the next one.
        self._written_at = float("inf")
        asyncio.get_running_loop().call_soon(self._written)
        self._send(items)

    def _written(self) -> None:
        self._written_at = time.monotonic()
