"""Several events in one write: what a busy room saves is a system call per subscriber and event."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

JOIN_FOR = 0.005  # seconds that an event waits at most for others; nobody notices, and writes become few
JOIN_SIZE = 32_768  # bytes; more is sent at once


class Joiner(Generic[T]):
    """Gives `send` a list of what was put: at once where it has been quiet, else together with what follows.

    Busy is where an event comes while the last is still being written, and for JOIN_FOR after a write that carried
    several. An event that is only sent when the last one has arrived everywhere never waits, however fast that is.
    """

    def __init__(self, send: Callable[[list[T]], None]) -> None:
        self._send = send
        self._joined: list[T] = []
        self._size = 0
        self._busy_until = 0.0  # on the monotonic clock
        self._timer: asyncio.TimerHandle | None = None

    def put(self, item: T, size: int) -> None:
        """Send `item` now or within JOIN_FOR, after everything put before it; `size` is its length in bytes."""
        if not self._joined and time.monotonic() > self._busy_until:
            self._write([item])
            return
        if size > JOIN_SIZE:
            self.flush()  # so that no write is larger than twice JOIN_SIZE, or than the one item in it
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
        # An event loop writes to its sockets at the end of a round, so until the next one it is being written.
        self._busy_until = float("inf")
        asyncio.get_running_loop().call_soon(self._written, len(items) > 1)
        self._send(items)

    def _written(self, were_several: bool) -> None:
        self._busy_until = time.monotonic() + JOIN_FOR if were_several else 0.0
