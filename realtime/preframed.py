"""uvicorn's WebSocket protocol with one more thing: it takes frames that are ready to be written.

An uncompressed server frame is byte for byte the same for everybody, so the hub builds it once for a whole room. Where
the ASGI scope has the extension, its value is {"socket": PreframedSocket}; everywhere else the plain `send` does the
same, one frame and one socket at a time. `flowra.server` names the class in uvicorn's own `ws` setting.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

EXTENSION = "websocket.send.preframed"
ABORT_AFTER = 5.0  # seconds that a peer which takes nothing has for the close frame
_FINAL_TEXT = 0x81  # RFC 6455, 5.2: FIN and the opcode of text
_SHORT, _MEDIUM = 125, 65_535  # bytes that fit the three forms of a length


def text_frame(text: str) -> bytes:
    """Return the one frame, unmasked and uncompressed, in which a server sends `text`."""
    payload = text.encode()
    size = len(payload)
    if size <= _SHORT:
        return bytes((_FINAL_TEXT, size)) + payload
    if size <= _MEDIUM:
        return struct.pack("!BBH", _FINAL_TEXT, 126, size) + payload
    return struct.pack("!BBQ", _FINAL_TEXT, 127, size) + payload


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
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(ABORT_AFTER, self.transport.abort)

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
        """Close because the peer did not answer."""
        super().keepalive_timeout()
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
        ended, self._ended = self._ended, None
        if ended is not None:
            ended()
