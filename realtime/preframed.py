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

    def watch(self, changed: Callable[[bool], None]) -> None:
        """Have `changed(is_full)` called whenever the socket takes no more for now, and when it does again."""

    def write(self, frames: bytes) -> None:
        """Write one or more whole frames after everything sent before; after the end nothing happens."""

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

    async def run_asgi(self) -> None:
        """Run the application with the extension in its scope."""
        if not self.config.ws_per_message_deflate:  # a compressed frame is another one for every connection
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[EXTENSION] = {"socket": self}
        await super().run_asgi()

    def watch(self, changed: Callable[[bool], None]) -> None:
        """See PreframedSocket."""
        self._changed = changed

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
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(ABORT_AFTER, self.transport.abort)

    def cut(self) -> None:
        """See PreframedSocket."""
        self.transport.abort()

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
