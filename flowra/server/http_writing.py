"""A write time-out for HTTP responses that allows slow readers."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

CHECKS = 10  # checks within the time-out, which may therefore be exceeded by a fifth
_LINGER_ZERO = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 seconds


class WatchedTransport:
    """Aborts a connection whose peer has read nothing of the buffered data for `within` seconds.

    The bytes read are the bytes written minus those still buffered. So a slow reader of a long response is not cut off,
    nor an idle connection.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, *, within: float) -> None:
        self._transport = transport
        self._loop = loop
        self._within = within
        self._written = 0  # bytes
        self._read = 0
        self._since = 0.0  # when it last increased, by the loop's clock
        self._timer: asyncio.TimerHandle | None = None

    def __getattr__(self, name: str) -> Any:
        """Return the transport's attribute."""
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write `data` and start to watch the peer."""
        self._transport.write(data)
        self._written += len(data)
        if self._timer is None and self._transport.get_write_buffer_size():
            self._read = self._written - self._transport.get_write_buffer_size()
            self._since = self._loop.time()
            self._check_later()

    def unwatched(self) -> asyncio.Transport:
        """Stop watching, and return the transport itself."""
        if self._timer is not None:
            self._timer.cancel()
        return self._transport

    def _check_later(self) -> None:
        self._timer = self._loop.call_later(self._within / CHECKS, self._check)

    def _check(self) -> None:
        self._timer = None
        unsent = self._transport.get_write_buffer_size()
        if not unsent:
            return
        now, read = self._loop.time(), self._written - unsent
        if read > self._read:
            self._read, self._since = read, now
        elif now - self._since >= self._within:
            self._abort()
            return
        self._check_later()

    def _abort(self) -> None:
        """Abort the connection, and discard the kernel's send buffer."""
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        self._transport.abort()
