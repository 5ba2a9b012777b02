"""One frame, encoded once, for any number of sockets."""

from __future__ import annotations

import struct

from django.conf import settings

from realtime import metrics
from realtime.protocol.frames import Priority, Resync, encode

_FINAL_TEXT = 0x81  # RFC 6455, 5.2: FIN and the opcode of text
_SHORT, _MEDIUM = 125, 65_535  # bytes that fit the three forms of a length
_TWO_BYTES, _EIGHT_BYTES = 126, 127  # markers of the two longer forms


class Frame:
    """A frame, ready to send to any number of sockets: `data` is made once for all who get it."""

    __slots__ = ("data", "priority")

    def __init__(self, payload: bytes, priority: Priority = Priority.MUST) -> None:
        self.data = text_frame(payload)
        self.priority = priority

    @property
    def payload(self) -> bytes:
        """The frame's JSON, in UTF-8."""
        return self.data[head_size(self.data) :]

    @property
    def size(self) -> int:
        """The payload's length in bytes."""
        return len(self.data) - head_size(self.data)


def text_frame(payload: bytes) -> bytes:
    """Return the WebSocket text frame, unmasked and uncompressed, in which a server sends `payload`, in UTF-8."""
    size = len(payload)
    if size <= _SHORT:
        return bytes((_FINAL_TEXT, size)) + payload
    if size <= _MEDIUM:
        return struct.pack("!BBH", _FINAL_TEXT, _TWO_BYTES, size) + payload
    return struct.pack("!BBQ", _FINAL_TEXT, _EIGHT_BYTES, size) + payload


def head_size(data: bytes) -> int:
    """Return the number of bytes before the payload in a frame that `text_frame` made."""
    length = data[1]
    return 2 if length <= _SHORT else 4 if length == _TWO_BYTES else 10


def fitting(frame: Frame, limit: int) -> Frame:
    """Return `frame`, or a `resync` in its place where its payload is longer than `limit` bytes."""
    if len(frame.data) <= limit or frame.size <= limit:
        return frame
    metrics.frames_too_large.inc()
    return Frame(encode(Resync(reason="too_large", within=settings.FLOWRA_RESYNC_WITHIN)))
