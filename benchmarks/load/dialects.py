"""WebSocket frames as a client sees them, and how each server wants to be talked to. Pure: no sockets in here."""

from __future__ import annotations

import dataclasses
import json
import struct
from collections.abc import Callable, Iterator, Sequence

# RFC 6455, 1.3: its own example of a key. All clients here send this one, so that the minimal server needs no SHA-1.
KEY, ACCEPT = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
CHAT_ID = "0192f3a0-5f4e-7d3c-9b1a-2f6c8e0d4a57"
_CLIENT_ID = "0192f3a0-5f4e-7d3c-9b1a-000000000000"
_MASK = bytes.fromhex("37fa213d")  # RFC 6455, 5.7
_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10
_SHORT, _MEDIUM = 125, 65_535  # bytes that fit the forms of a length


def upgrade(path: str, port: int) -> bytes:
    """Return the request that opens a WebSocket, without compression."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def client_frame(text: str, opcode: int = _TEXT) -> bytes:
    """Return the masked frame in which a client sends `text`, at most 65,535 bytes."""
    payload = text.encode()
    size = len(payload)
    if size > _MEDIUM:
        raise ValueError(f"A frame of {size} bytes is longer than anything that is measured here.")
    if size > _SHORT:
        header = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
    else:
        header = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
    mask = (_MASK * (size // 4 + 1))[:size]
    masked = (int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")).to_bytes(size, "big")
    return header + _MASK + masked


class FrameError(Exception):
    """A server sent what no server may send, or said goodbye."""


class Frames:
    """Takes bytes as they come from a server and gives whole text frames; `pongs` are to be sent back."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self.pongs: list[bytes] = []

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Take what was received."""
        self._pending += data

    @property
    def pending_bytes(self) -> int:
        """How much was received and not taken yet."""
        return len(self._pending)

    def texts(self) -> Iterator[tuple[str, int]]:
        """Yield each whole text frame's payload and its size on the wire; raises FrameError."""
        while True:
            pending = self._pending
            if len(pending) < 2:
                return
            opcode, size, start = pending[0] & 0x0F, pending[1], 2
            if pending[0] & 0xF0 != 0x80 or size & 0x80:
                raise FrameError(f"Expected a whole, unmasked, uncompressed frame; it begins with {pending[:2].hex()}.")
            if size > _SHORT:
                width = 2 if size == 126 else 8
                start += width
                size = int.from_bytes(pending[2:start], "big")
            if len(pending) < start + size:
                return
            payload = bytes(pending[start : start + size])
            del pending[: start + size]
            if opcode == _TEXT:
                yield payload.decode(), start + size
            elif opcode == _PING:
                self.pongs.append(client_frame(payload.decode("latin-1"), _PONG))
            elif opcode == _CLOSE:
                raise FrameError(f"The server closed the connection with {int.from_bytes(payload[:2], 'big')}.")


@dataclasses.dataclass(frozen=True, slots=True)
class Dialect:
    """How to subscribe, post and read an event.

    `steps` after the upgrade: what to send ("" for nothing) and how the answer begins. `read` returns an event's body,
    None for any other frame.
    """

    path: str
    steps: Sequence[tuple[str, str]]
    post: Callable[[str], str]
    read: Callable[[str], str | None]


def _flowra_body(text: str) -> str | None:
    frame = json.loads(text)
    body: str | None = frame["data"]["body"] if frame["type"] == "chat.message.posted" else None
    return body


def _socketio_body(text: str) -> str | None:
    body: str | None = json.loads(text[2:])[1] if text.startswith("42") else None
    return body


def _textbook_body(text: str) -> str | None:
    body: str = json.loads(text)["message"]
    return body


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def chat_of_room(number: int) -> str:
    """Return the id of Flowra's chat for a room, from 0."""
    return CHAT_ID[:-5] + f"{number:05x}"


def _flowra(chat_id: str) -> Dialect:
    return Dialect(
        path="/ws/",
        steps=(
            ("", '{"type":"welcome"'),
            (_json({"type": "subscribe", "chat_id": chat_id}), '{"type":"ack","action":"subscribed"'),
        ),
        post=lambda body: _json(
            {"type": "chat.message.post", "chat_id": chat_id, "client_id": _CLIENT_ID, "body": body}
        ),
        read=_flowra_body,
    )


DIALECTS = {
    "flowra": _flowra(chat_of_room(0)),
    "textbook": Dialect(
        path="/ws/chat/lobby/", steps=(), post=lambda body: _json({"message": body}), read=_textbook_body
    ),
    "socket.io": Dialect(
        path="/socket.io/?EIO=4&transport=websocket",
        steps=(("", "0{"), ("40", "40{")),
        post=lambda body: "42" + _json(["message", body]),
        read=_socketio_body,
    ),
    "plain": Dialect(path="/", steps=(), post=lambda body: body, read=lambda text: text),
}


def dialect_of_room(name: str, number: int) -> Dialect:
    """Return a dialect for a room, from 0; raises ValueError where its server is measured with one room only."""
    if number == 0:
        return DIALECTS[name]
    if name != "flowra":
        raise ValueError(f"The dialect {name!r} has one room; room {number} was asked for.")
    return _flowra(chat_of_room(number))
