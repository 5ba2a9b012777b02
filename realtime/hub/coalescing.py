"""Several events in one write: a busy room saves a system call per subscriber and event. Pure but for the timer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

COALESCE_FOR = 0.005  # seconds that an event waits at most for others; too short to notice, and writes become few
MAX_SIZE = 32_768  # bytes; more is sent at once


class WriteCoalescer(Generic[T]):
    """Calls `send` with a list of items: at once after quiet, else together with the items that follow.

    It is busy while the last items are being written, and for COALESCE_FOR after a write of several. So an item that is
    put only after the last one has arrived everywhere never waits, however fast that is.
    """

    def __init__(self, send: Callable[[list[T]], None]) -> None:
        self._send = send
        self._waiting: list[T] = []
        self._size = 0
        self._busy_until = 0.0  # on the monotonic clock
        self._timer: asyncio.TimerHandle | None = None

    def put(self, item: T, size: int) -> None:
        """Send `item` now or within COALESCE_FOR, after everything put before it; `size` is its length in bytes."""
        if not self._waiting and time.monotonic() > self._busy_until:
            self._start_write(several=False)
            self._send([item])
            return
        if size > MAX_SIZE:
            self.flush()  # so that no write is larger than twice MAX_SIZE, or than the one item in it
        self._waiting.append(item)
        self._size += size
        if self._size > MAX_SIZE:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(COALESCE_FOR, self.flush)

    def flush(self) -> None:
        """Send at once what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        items, self._waiting, self._size = self._waiting, [], 0
        if items:
            self._start_write(several=len(items) > 1)
            self._send(items)

    def _start_write(self, *, several: bool) -> None:
        # An event loop writes to its sockets at the end of an iteration: until the next one it is still writing.
        self._busy_until = float("inf")
        asyncio.get_running_loop().call_soon(self._end_write, several)

    def _end_write(self, several: bool) -> None:
        self._busy_until = time.monotonic() + COALESCE_FOR if several else 0.0
