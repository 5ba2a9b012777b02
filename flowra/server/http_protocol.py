"""uvicorn's HTTP protocol with bounds on the memory and time of a connection, and on connections per address.

uvicorn alone keeps headers of any length in memory, any number of pipelined requests, and idle connections and unread
responses forever. Proxies bound most of this; the bounds here apply without one, too.

uvicorn does not document `app`, `scope`, `transport`, `on_response_complete` and `handle_websocket_upgrade`, which are
used here; tests/flowra/server/test_uvicorn.py names the versions that have them. All else is asyncio's or httptools'.
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
        self._loop = asyncio.get_running_loop()
        self._head_timer: asyncio.TimerHandle | None = None  # runs until a request's headers are complete
        self._head_size = 0
        # The address that the connection counts for, None if each request counts separately.
        self._address: str | None = None
        self._requests: deque[str] = deque()  # addresses of the unanswered requests that count separately
        self._unanswered = 0  # requests whose response is not complete
        self._is_flood = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the base
        """Accept a connection; called by the server."""
        # A response of ordinary size is buffered at once, so that its view's thread and connection are free.
        transport.set_write_buffer_limits(high=settings.FLOWRA_RESPONSE_BYTES)
        self._watched = WatchedTransport(transport, self._loop, within=settings.FLOWRA_WRITE_TIMEOUT)
        super().connection_made(self._watched)  # type: ignore[arg-type]  # it has all attributes that are used
        self._wait_for_head()
        peername = transport.get_extra_info("peername")  # of a Unix socket it is a string
        peer = str(peername[0]) if isinstance(peername, tuple) else ""
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
        if self._head_timer is None and not self._unanswered:
            self._wait_for_head()  # of the next request on this connection
        super().data_received(data)
        if self._is_flood:
            self._watched.abort()
        if self._head_timer is None:
            return
        self._head_size += len(data)
        if self._head_size > MAX_HEAD and not self._watched.is_closing():
            self._watched.write(_TOO_LARGE)
            self._watched.close()

    def on_headers_complete(self) -> None:
        """Start a request; called by the parser."""
        self._stop_waiting()
        self._is_flood = self._is_flood or self._unanswered > MAX_PIPELINED
        if self._is_flood:
            return
        self._unanswered += 1
        # `app` is what the base calls for this request; for one that becomes a WebSocket it calls nothing.
        served, address = self.app, self._count_request()
        if addresses.is_full(address):
            self.app = _refuse_request
        try:
            super().on_headers_complete()
        finally:
            self.app = served

    def on_response_complete(self) -> None:
        """Record that a response is complete, though perhaps not sent; called by the base."""
        self._unanswered -= 1
        if self._requests:
            addresses.end(self._requests.popleft())
        if self._address is not None:
            addresses.was_used(self._address, self)
        super().on_response_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection to the WebSocket protocol; called by the base."""
        self._stop_waiting()
        self._leave()
        self._watched.set_write_buffer_limits()
        self.transport = self._watched.unwatched()  # the base hands it to the WebSocket protocol
        super().handle_websocket_upgrade()

    @property
    def is_idle(self) -> bool:
        """Whether it has neither a request nor unsent bytes of a response."""
        return not self._unanswered and not self._watched.get_write_buffer_size()

    def give_up(self) -> None:
        """Close it: no request has arrived, or another connection needs the slot."""
        self._head_timer = None
        self._watched.close()

    def _count_request(self) -> str:
        """Return the address that the request counts for; one through a proxy is counted until it is answered."""
        if self._address is not None:
            return self._address
        scope: Any = self.scope  # the request's, with its headers
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
        self._head_timer = self._loop.call_later(HEAD_WITHIN, self.give_up)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


async def _refuse_request(scope: Any, receive: Any, send: Any) -> None:
    """Answer 429: the address has too many requests."""
    await refuse(scope, send, 429)
