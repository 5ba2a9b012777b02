"""How long an answer waits for its reader: for as long as they take some of it."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

LOOKS = 10  # in the time that a peer has; so it may be longer by a fifth
_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 seconds


class WatchedTransport:
    """A transport that is cut once its peer has taken nothing, of what there is to take, for `within` seconds.

    What the peer takes is what it was given less what is left of it. So a slow reader of a long answer is never cut,
    nor is one who is sent nothing.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, *, within: float) -> None:
        self._transport = transport
        self._loop = loop
        self._within = within
        self._given = 0  # bytes
        self._taken = 0
        self._since = 0.0  # when it was found to be more, by the loop's clock
        self._timer: asyncio.TimerHandle | None = None

    def __getattr__(self, name: str) -> Any:
        """Return what the transport has."""
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send `data`."""
        self._transport.write(data)
        self._given += len(data)
        if self._timer is None and self._transport.get_write_buffer_size():
            self._taken = self._given - self._transport.get_write_buffer_size()
            self._since = self._loop.time()
            self._look_later()

    def unwatched(self) -> asyncio.Transport:
        """Return the transport itself, and look no more."""
        if self._timer is not None:
            self._timer.cancel()
        return self._transport

    def _look_later(self) -> None:
        self._timer = self._loop.call_later(self._within / LOOKS, self._look)

    def _look(self) -> None:
        self._timer = None
        unsent = self._transport.get_write_buffer_size()
        if not unsent:
            return
        now, taken = self._loop.time(), self._given - unsent
        if taken > self._taken:
            self._taken, self._since = taken, now
        elif now - self._since >= self._within:
            self._cut()
            return
        self._look_later()

    def _cut(self) -> None:
        """End the connection, and have the kernel forget what it keeps for the peer, too."""
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self._transport.abort()
