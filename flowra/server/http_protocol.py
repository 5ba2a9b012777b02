"""uvicorn's HTTP protocol with bounds on the memory and time of a connection, and on connections per address.

uvicorn alone keeps headers of any length in memory, any number of pipelined requests, and idle connections and unread
responses forever. Proxies bound most of this; the bounds here apply without one, too.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from django.conf import settings
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from chats.lib.addresses import counted_address
from flowra.server.http_connections import Addresses
from flowra.server.http_writing import WatchedTransport
from flowra.server.proxies import client_from_scope, is_shared_connection
from flowra.server.request_body import refuse

MAX_HEAD = 64 * 1024  # bytes; nginx passes on half of it at most
HEAD_WITHIN = 20.0  # seconds from the connection, or from a request's first byte, to the end of its headers
MAX_PIPELINED = 20  # requests that wait for the first response; browsers and proxies do not pipeline
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"

addresses = Addresses()


class BoundedHttpProtocol(HttpToolsProtocol):
    """Serves as its base does, within the bounds."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_timer: asyncio.TimerHandle | None = None  # runs until a request's headers are complete
        self._head_size = 0
        # The address that the connection counts for, None if each request counts separately.
        self._address: str | None = None
        self._requests: deque[str] = deque()  # addresses of the unanswered requests that count separately
        self._is_flood = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the base
        """Accept a connection; called by the server."""
        # A response of ordinary size is buffered at once, so that its view's thread and connection are free.
        transport.set_write_buffer_limits(high=settings.FLOWRA_RESPONSE_BYTES)
        watched = WatchedTransport(transport, self.loop, within=settings.FLOWRA_WRITE_TIMEOUT)
        super().connection_made(watched)  # type: ignore[arg-type]  # it has all attributes that are used
        self._wait_for_head()
        peer = self.client[0] if self.client else ""
        if not is_shared_connection(peer):
            self._address = counted_address(peer)
            addresses.add(self._address, self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Release the connection; called by the transport."""
        self._stop_waiting()
        self._leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse data from the network; called by the transport."""
        if self._head_timer is None and self.cycle is not None and self.cycle.response_complete:
            self._wait_for_head()  # of the next request on this connection
        super().data_received(data)
        if self._is_flood:
            self.transport.abort()
        if self._head_timer is None:
            return
        self._head_size += len(data)
        if self._head_size > MAX_HEAD and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_headers_complete(self) -> None:
        """Start a request; called by the parser."""
        self._stop_waiting()
        if self.parser.should_upgrade() and self._should_upgrade():
            super().on_headers_complete()  # sockets have their own limits
            return
        self._is_flood = self._is_flood or len(self.pipeline) >= MAX_PIPELINED
        if self._is_flood:
            return
        served, address = self.app, self._count_request()
        if addresses.is_full(address):
            self.app = _refuse_request
        try:
            super().on_headers_complete()
        finally:
            self.app = served

    def on_response_complete(self) -> None:
        """Record that a response is complete, though perhaps not sent; called by the base."""
        if self._requests:
            addresses.end(self._requests.popleft())
        if self._address is not None:
            addresses.was_used(self._address, self)
        super().on_response_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection to the WebSocket protocol; called by the base."""
        self._stop_waiting()
        self._leave()
        self.transport.set_write_buffer_limits()
        self.transport = self.transport.unwatched()  # type: ignore[attr-defined]  # it is a WatchedTransport
        super().handle_websocket_upgrade()

    @property
    def is_idle(self) -> bool:
        """Whether it has neither a request nor unsent bytes of a response."""
        is_answered = self.cycle is None or (self.cycle.response_complete and not self.pipeline)
        return is_answered and not self.transport.get_write_buffer_size()

    def give_up(self) -> None:
        """Close it: no request has arrived, or another connection needs the slot."""
        self._head_timer = None
        self.transport.close()

    def _count_request(self) -> str:
        """Return the address that the request counts for; one through a proxy is counted until it is answered."""
        if self._address is not None:
            return self._address
        scope: Any = self.scope
        address = counted_address(client_from_scope(scope))
        addresses.begin(address)
        self._requests.append(address)
        return address

    def _leave(self) -> None:
        if self._address is not None:
            addresses.remove(self._address, self)
        while self._requests:
            addresses.end(self._requests.popleft())

    def _wait_for_head(self) -> None:
        self._head_size = 0
        self._head_timer = self.loop.call_later(HEAD_WITHIN, self.give_up)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


async def _refuse_request(scope: Any, receive: Any, send: Any) -> None:
    """Answer 429: the address has too many requests."""
    await refuse(scope, send, 429)
