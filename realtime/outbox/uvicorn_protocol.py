"""uvicorn's WebSocket protocol, with EXTENSION for frames as bytes and a bound on what a peer may send.

`flowra.server.server` names the class in uvicorn's own `ws` setting. This is the one place that uses what uvicorn does
not document: each such name has its reason beside it, and tests/flowra/server/test_uvicorn.py names the
versions that have them. Everything else is asyncio's: the protocol's callbacks and the transport's methods.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from typing_extensions import override
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from realtime.limits.buckets import TokenBucket
from realtime.outbox.transports import ABORT_AFTER, EXTENSION
from realtime.protocol.frames import CloseCode

PARSE_SIZE = 4_096  # bytes parsed in one turn of the event loop; of the smallest frames it holds some 700, 5 ms of work
# Pings, pongs and fragments of one connection. A client that sends a large frame in pieces of 1 KiB needs 160 at once.
CONTROL_FRAMES_PER_SECOND, CONTROL_FRAMES_BURST = 50.0, 1_000


class _ObservedTransport:
    """The transport as the base sees it: `protocol` learns of each close, and of when the application has taken all.

    The base closes in eight of its methods, and pauses reading from a message until the application has taken it. Both
    go through the transport, so none of those methods has to be overridden.
    """

    __slots__ = ("_protocol", "_transport", "write")

    def __init__(self, transport: asyncio.Transport, protocol: PreframedProtocol) -> None:
        self._transport = transport
        self._protocol = protocol
        self.write = transport.write

    def __getattr__(self, name: str) -> Any:
        """Return what the transport has."""
        return getattr(self._transport, name)

    def close(self) -> None:
        """Close once everything was sent."""
        self._transport.close()
        self._protocol.note_end()

    def pause_reading(self) -> None:
        """Note that something waits for the application."""
        self._protocol.is_ahead = True

    def resume_reading(self) -> None:
        """Note that the application has taken everything."""
        self._protocol.is_ahead = False
        self._protocol.go_on()


class PreframedProtocol(WebSocketsSansIOProtocol):
    """Serves as its base does, and is the PreframedSocket of its connection.

    What a peer sends is parsed a little at a time, so that others get their turn, and only while the application keeps
    up. Control frames and fragments never reach the application and its limits, so they are counted here.
    """

    _transport: asyncio.Transport

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._loop = asyncio.get_running_loop()
        self._set_full: Callable[[bool], None] | None = None
        self._ended: Callable[[], None] | None = None
        self._is_full = False
        self._has_ended = self._is_lost = False
        self._abort_timer: asyncio.TimerHandle | None = None
        self._unparsed = bytearray()
        self.is_ahead = False  # whether something that was parsed waits for the application
        self._is_parse_due = False
        self._control_frames = TokenBucket(CONTROL_FRAMES_PER_SECOND, CONTROL_FRAMES_BURST, self._loop.time())

    # --- What the extension offers ----------------------------------------------------------------

    async def run_asgi(self) -> None:
        """Run the application with the extension in its scope.

        uvicorn has no hook for extensions; `run_asgi` is where `scope` is complete and the application not called yet.
        """
        if not self.config.ws_per_message_deflate:  # a compressed frame is another one for every connection
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[EXTENSION] = {"socket": self}
        await super().run_asgi()

    @property
    def write(self) -> Callable[[bytes], None]:
        """The transport's own `write`."""
        return self._transport.write

    def watch(self, set_full: Callable[[bool], None], ended: Callable[[], None]) -> None:
        """Have the callbacks of PreframedSocket.watch called."""
        self._set_full, self._ended = set_full, ended
        if self._has_ended:
            self.note_end()
        elif self._is_full:
            set_full(True)

    def abort(self) -> None:
        """End the connection at once; what is unsent is lost."""
        self._transport.abort()
        self.note_end()

    # --- asyncio's callbacks ----------------------------------------------------------------------

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        super().connection_made(_ObservedTransport(self._transport, self))  # type: ignore[arg-type]  # it has all of one

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        self._is_full = True
        if self._set_full is not None:
            self._set_full(True)

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        self._is_full = False
        if self._set_full is not None:
            self._set_full(False)

    @override
    def data_received(self, data: bytes) -> None:
        self._unparsed += data
        if not self._is_parse_due and not self.is_ahead:
            self._parse()

    @override
    def eof_received(self) -> None:
        super().eof_received()
        self.note_end()  # asyncio closes the transport then

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._is_lost = True
        super().connection_lost(exc)
        self.note_end()
        if self._abort_timer is not None:
            self._abort_timer.cancel()

    # --- What comes in ----------------------------------------------------------------------------

    def _parse(self) -> None:
        """Parse a little, and see to it that the rest is parsed before more is read."""
        self._is_parse_due = False
        if self._transport.is_closing():
            self._unparsed.clear()
            return
        some = bytes(self._unparsed[:PARSE_SIZE])
        del self._unparsed[:PARSE_SIZE]
        super().data_received(some)
        # `conn` is websockets' own protocol. Of a request whose head is too large, or none, the base says nothing and
        # keeps the connection; all others that it refuses it closes.
        if self.conn.handshake_exc is not None and not self._transport.is_closing():
            self._transport.write(b"".join(self.conn.data_to_send()))
            self._close()
            return
        self.go_on()

    def go_on(self) -> None:
        """Parse what is left at the next turn of the event loop, or read on, once the application has taken all."""
        if not self._unparsed and not self.is_ahead:
            self._transport.resume_reading()
            return
        self._transport.pause_reading()
        if not self.is_ahead and not self._is_parse_due:
            self._is_parse_due = True
            self._loop.call_soon(self._parse)

    def _count_control_frame(self) -> None:
        if self._control_frames.take(self._loop.time()) and not self._transport.is_closing():
            self.conn.send_close(CloseCode.FLOOD)
            self._transport.write(b"".join(self.conn.data_to_send()))
            self._close()  # reads nothing more, so that the peer does not go on meanwhile

    # The base has one method for each kind of frame; these three are the ones that are counted.

    @override
    def handle_ping(self) -> None:
        """Answer a ping, unless the peer takes no answers: they would pile up here."""
        self._count_control_frame()
        if self._is_full or self._transport.is_closing():
            self.conn.data_to_send()  # throws the answer away
        else:
            super().handle_ping()

    @override
    def handle_pong(self, event: Frame) -> None:
        self._count_control_frame()
        super().handle_pong(event)

    @override
    def handle_cont(self, event: Frame) -> None:
        """Take a fragment; an empty one costs memory although it adds nothing to the frame's size."""
        self._count_control_frame()
        super().handle_cont(event)

    # --- The end ----------------------------------------------------------------------------------

    @override
    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.close":
            self.note_end()  # the base waits for the peer's close frame before it closes the transport
        elif message["type"] == "websocket.http.response.body":
            # The base takes a refusal with a status of ours for an application that has answered nothing.
            self.handshake_complete = True

    def _close(self) -> None:
        self._transport.close()
        self.note_end()

    def note_end(self) -> None:
        """Report once that nothing may be written any more, and bound how long a closing transport waits."""
        if self._abort_timer is None and not self._is_lost:
            self._abort_timer = self._loop.call_later(ABORT_AFTER, self._transport.abort)
        self._has_ended = True
        ended, self._ended = self._ended, None
        if ended is not None:
            ended()
