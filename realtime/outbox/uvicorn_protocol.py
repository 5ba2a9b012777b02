"""uvicorn's WebSocket protocol with two more things: it takes frames that are ready to be written, and no floods.

An uncompressed server frame is byte for byte the same for everybody, so the hub builds it once for a whole room. Where
the ASGI scope has the extension, its value is {"socket": PreframedSocket}; everywhere else the plain `send` does the
same, one frame and one socket at a time. `flowra.server.server` names the class in uvicorn's own `ws` setting.

What a peer sends is parsed a little at a time, so that others get their turn, and only while the application keeps up.
Control frames and fragments never reach the application, whose limits so know nothing of them: they are counted here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from realtime.limits.buckets import TokenBucket
from realtime.protocol.frames import CloseCode

EXTENSION = "websocket.send.preframed"
ABORT_AFTER = 5.0  # seconds that a peer which takes nothing has for the close frame
PARSE_SIZE = 4_096  # bytes parsed in one turn of the event loop; of the smallest frames it holds some 700, 5 ms of work
# Pings, pongs and fragments of one connection. A client that sends a large frame in pieces of 1 KiB needs 160 at once.
CONTROL_FRAMES_PER_SECOND, CONTROL_FRAMES_BURST = 50.0, 1_000


class PreframedSocket(Protocol):
    """What the extension offers, between accept and close."""

    def watch(self, changed: Callable[[bool], None], ended: Callable[[], None]) -> None:
        """Have `changed(is_full)` called whenever the socket takes no more for now, and when it does again.

        `ended` is called before anything else can be written, once nothing may be, whoever ended the connection.
        """

    def write(self, frames: bytes) -> None:
        """Write one or more whole frames after everything sent before; after the end nothing happens."""

    @property
    def direct(self) -> Callable[[bytes], None]:
        """The transport's own `write`, for a caller that watches: to be called only while not full and not ended."""

    def close(self, code: int) -> None:
        """Send a close frame, and cut the connection after ABORT_AFTER if the peer takes nothing."""

    def cut(self) -> None:
        """End the connection at once; what is unsent is lost."""

    @property
    def unsent_bytes(self) -> int:
        """How much waits for the peer."""


def preframed_socket(scope: Mapping[str, Any]) -> PreframedSocket | None:
    """Return the extension of this connection, None where the server has none."""
    extension = scope.get("extensions", {}).get(EXTENSION)
    if extension is None:
        return None
    found: PreframedSocket = extension["socket"]
    return found


class PreframedProtocol(WebSocketsSansIOProtocol):
    """Serves as its base does, and is the PreframedSocket of its connection."""

    _changed: Callable[[bool], None] | None = None
    _ended: Callable[[], None] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._unparsed = bytearray()
        self._is_parsing = False  # whether another turn of it is due
        self._control_frames = TokenBucket(CONTROL_FRAMES_PER_SECOND, CONTROL_FRAMES_BURST, self.loop.time())

    async def run_asgi(self) -> None:
        """Run the application with the extension in its scope."""
        if not self.config.ws_per_message_deflate:  # a compressed frame is another one for every connection
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[EXTENSION] = {"socket": self}
        await super().run_asgi()

    def watch(self, changed: Callable[[bool], None], ended: Callable[[], None]) -> None:
        """See PreframedSocket."""
        self._changed = changed
        self._ended = ended
        if self.close_sent or self.transport.is_closing():
            self._tell_end()

    @property
    def direct(self) -> Callable[[bytes], None]:
        """See PreframedSocket."""
        write: Callable[[bytes], None] = self.transport.write
        return write

    def write(self, frames: bytes) -> None:
        """See PreframedSocket."""
        if not self.close_sent and not self.transport.is_closing():
            self.transport.write(frames)

    def close(self, code: int) -> None:
        """See PreframedSocket. As the base's close, but for not waiting until the socket is writable."""
        if self.close_sent or self.transport.is_closing():
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": ""})
        self.conn.send_close(code)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self._tell_end()
        self._go_on()

    def cut(self) -> None:
        """See PreframedSocket."""
        self.transport.abort()
        self._tell_end()

    @property
    def unsent_bytes(self) -> int:
        """See PreframedSocket."""
        return self.transport.get_write_buffer_size()

    def pause_writing(self) -> None:
        """Note that the transport's buffer is full; called by the transport."""
        super().pause_writing()
        if self._changed is not None:
            self._changed(True)

    def resume_writing(self) -> None:
        """Note that it has drained; called by the transport."""
        super().resume_writing()
        if self._changed is not None:
            self._changed(False)

    # --- What comes in ----------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Take what came from the network; called by the transport."""
        self._unparsed += data
        if not self._is_parsing:
            self._parse()

    def _parse(self) -> None:
        """Parse a little, and see to it that the rest is parsed before more is read."""
        self._is_parsing = False
        if self.transport.is_closing():
            self._unparsed.clear()
            return
        some = bytes(self._unparsed[:PARSE_SIZE])
        del self._unparsed[:PARSE_SIZE]
        super().data_received(some)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            # The head of the request is too large or none; the base would keep the connection without a word.
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()
            return
        if self._unparsed and not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()
        self._go_on()

    def _go_on(self) -> None:
        """Parse what is left, at the next turn of the event loop, or read on, once the application has taken all.

        After the close nothing is for the application any more, and the peer's own close is looked for.
        """
        if not self.queue.empty() and not self.close_sent:
            return
        if self._unparsed:
            if not self._is_parsing:
                self._is_parsing = True
                self.loop.call_soon(self._parse)
        elif self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()

    async def receive(self) -> Any:
        """Return the next event, and go on where it was the last."""
        event = await self.queue.get()
        self._go_on()
        return event

    def _count_control_frame(self) -> None:
        if self._control_frames.take(self.loop.time()) and not self.close_sent:
            self.close(CloseCode.FLOOD)
            self.transport.close()  # reads nothing more, so that it does not go on while it is being closed

    def handle_ping(self) -> None:
        """Answer a ping, unless the peer takes no answers: they would pile up here."""
        self._count_control_frame()
        if self.writable.is_set() and not self.transport.is_closing():
            super().handle_ping()
        else:
            self.conn.data_to_send()  # throws the answer away

    def handle_pong(self, event: Frame) -> None:
        """Take a pong."""
        self._count_control_frame()
        super().handle_pong(event)

    def handle_cont(self, event: Frame) -> None:
        """Take a fragment; an empty one costs memory although it adds nothing to the frame's size."""
        self._count_control_frame()
        super().handle_cont(event)

    # --- The ends that the base knows, each followed by the word of it ---------------------------

    def handle_close(self, event: Frame) -> None:
        """Take the peer's close frame."""
        super().handle_close(event)
        self._tell_end()

    def handle_parser_exception(self) -> None:
        """Close on what is not WebSocket."""
        super().handle_parser_exception()
        self._tell_end()

    def keepalive_timeout(self) -> None:
        """Close because the peer did not answer; what it has not taken in all the time is not waited for."""
        super().keepalive_timeout()
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        self._tell_end()

    def eof_received(self) -> None:
        """Note that the peer sends nothing more; the transport closes."""
        super().eof_received()
        self._tell_end()

    async def send(self, message: Any) -> None:
        """Do what plain ASGI asks for, a close among it."""
        await super().send(message)
        if self.close_sent:
            # A refusal with a status of the application's own is complete as well; the base would log an error.
            self.handshake_complete = True
            self._go_on()
            self._tell_end()

    def shutdown(self) -> None:
        """Close because the server stops."""
        super().shutdown()
        self._tell_end()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the connection is gone; called by the transport."""
        super().connection_lost(exc)
        self._tell_end()

    def _tell_end(self) -> None:
        if not self.disconnected and self.close_timer is None:
            # A transport that closes waits until everything was sent, for a peer that takes nothing for ever.
            self.close_timer = self.loop.call_later(ABORT_AFTER, self.transport.abort)
        ended, self._ended = self._ended, None
        if ended is not None:
            ended()
