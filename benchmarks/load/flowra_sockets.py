"""A lean client of docs/protocol.md, for thousands of sockets in one process.

It asks little of the processor, so that what is measured is the server: frames are parsed by hand, and masked with a
key of zeros, which is the same work for the server and none here.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import itertools
import os
import resource
import socket as sockets
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

WAIT = 60.0  # seconds for any one answer; longer is an error
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
ABNORMAL = 1006
_encoder = msgspec.json.Encoder(enc_hook=str)
_refs = itertools.count(1)

OnFrame = Callable[[str, bytes, float], None]  # type, payload, when by time.perf_counter


class SocketFault(Exception):
    """The server broke RFC 6455 or docs/protocol.md, or did not answer within WAIT."""


class FrameReader:
    """Turns what came over TCP, in whatever pieces, into messages and control frames of a server."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0  # bytes in `_pieces`
        self._needed = 2  # bytes until there is something to look at
        self._message: list[bytes] = []
        self._opcode = CONTINUATION

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield (opcode, payload) of every message and control frame that is complete now; raises SocketFault."""
        self._pieces.append(data)
        self._size += len(data)
        if self._size < self._needed:  # so that a large frame in small pieces is joined once
            return
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        place = 0
        while True:
            end, start = _extent(data, place)
            if end > len(data):
                break
            complete = self._take(data[place], data[start:end])
            place = end
            if complete is not None:
                yield complete
        rest = data[place:]
        self._pieces = [rest] if rest else []
        self._size = len(rest)
        self._needed = end - place

    def _take(self, first: int, payload: bytes) -> tuple[int, bytes] | None:
        opcode, is_final = first & 0x0F, first & 0x80
        if first & 0x70:
            raise SocketFault("A frame has reserved bits; no extension was agreed on.")
        if opcode >= CLOSE:
            if not is_final or len(payload) > 125 or opcode > PONG:
                raise SocketFault("A control frame is in pieces, too long or unknown.")
            return opcode, payload
        if opcode > BINARY or (opcode == CONTINUATION) != (self._opcode != CONTINUATION):
            raise SocketFault("A frame is unknown, or continues nothing, or another message is unfinished.")
        if is_final and opcode != CONTINUATION:
            return opcode, payload
        self._message.append(payload)
        self._opcode = opcode or self._opcode
        if not is_final:
            return None
        whole, self._message = b"".join(self._message), []
        opcode, self._opcode = self._opcode, CONTINUATION
        return opcode, whole


def _extent(data: bytes, place: int) -> tuple[int, int]:
    """Return where the frame at `place` ends and its payload starts; more than there is if that is not known yet."""
    there = len(data) - place
    if there < 2:
        return place + 2, 0
    size = data[place + 1]
    if size & 0x80:
        raise SocketFault("A server must not mask.")
    if size < 126:
        return place + 2 + size, place + 2
    header = 4 if size == 126 else 10
    if there < header:
        return place + header, 0
    size = int.from_bytes(data[place + 2 : place + header], "big")
    return place + header + size, place + header


def client_frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """Return one whole frame of a client."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, 0x80 | size))
    elif size < 65_536:
        head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size)
    return head + bytes(4) + payload


class FlowraSocket(asyncio.Protocol):
    """One socket; `on_frame` is called with every frame but the welcome and answers to `ask`."""

    def __init__(self, port: int, token: str, on_frame: OnFrame) -> None:
        loop = asyncio.get_running_loop()
        self.on_frame = on_frame
        self.welcome: asyncio.Future[dict[str, Any]] = loop.create_future()
        self.closed: asyncio.Future[int] = loop.create_future()
        self._transport: asyncio.Transport | None = None
        self._reader = FrameReader()
        self._asked: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._head: bytes | None = b""  # of the handshake's answer; None once it was read
        self._close_code: int | None = None
        key = base64.b64encode(os.urandom(16))
        self._accept = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
        self._request = (
            f"GET /ws/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key.decode()}\r\n"
            f"Sec-WebSocket-Protocol: flowra.v1, bearer.{token}\r\n\r\n"
        ).encode()

    @property
    def transport(self) -> asyncio.Transport:
        """The TCP connection, to pause reading or to abort."""
        if self._transport is None:
            raise SocketFault("There is no connection yet.")
        return self._transport

    # --- What asyncio calls ---------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self._transport = transport  # type: ignore[assignment]  # uvloop's is none of asyncio's classes
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Take what came; a fault ends the connection and whatever waits for it."""
        try:
            self._received(data)
        except SocketFault as fault:
            self._fail(fault)
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Report the end: the server's close code, or 1006 if there was none."""
        code = ABNORMAL if self._close_code is None else self._close_code
        if not self.closed.done():
            self.closed.set_result(code)
        self._fail(SocketFault(f"The server closed the socket with {code}."))

    # --- For whoever measures -------------------------------------------------------------------

    def send(self, type: str, **fields: Any) -> None:
        """Send one frame."""
        self.transport.write(client_frame(_encoder.encode({"type": type, **fields})))

    def ask(self, type: str, **fields: Any) -> asyncio.Future[dict[str, Any]]:
        """Send a command; the future has its `ack` or `pong`, or raises SocketFault with the error."""
        ref = str(next(_refs))
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._asked[ref] = answer
        self.send(type, ref=ref, **fields)
        return answer

    def leave(self) -> None:
        """Close in an orderly way; `closed` tells when it is done."""
        if not self.transport.is_closing():
            self.transport.write(client_frame(struct.pack("!H", 1000), CLOSE))

    # --------------------------------------------------------------------------------------------

    def _fail(self, fault: SocketFault) -> None:
        for waiting in (self.welcome, *self._asked.values()):
            if not waiting.done():
                waiting.set_exception(fault)
                waiting.exception()  # seen: nobody may be waiting, and that is no error here
        self._asked.clear()

    def _received(self, data: bytes) -> None:
        at = time.perf_counter()
        if self._head is not None:
            self._head += data
            head, is_whole, data = self._head.partition(b"\r\n\r\n")
            if not is_whole:
                return
            if not head.startswith(b"HTTP/1.1 101 ") or self._accept not in head:
                raise SocketFault(f"The upgrade was refused: {head[:200]!r}")
            self._head = None
        for opcode, payload in self._reader.feed(data):
            if opcode == TEXT:
                self._text(payload, at)
            elif opcode == PING:
                self.transport.write(client_frame(payload, PONG))
            elif opcode == CLOSE:
                if self._close_code is None:
                    self._close_code = int.from_bytes(payload[:2], "big") if payload else 1005
                    self.transport.write(client_frame(payload[:2], CLOSE))
                self.transport.close()

    def _text(self, payload: bytes, at: float) -> None:
        # The server writes the type first; a decoder that reads all to find it would cost more than the rest.
        if payload.startswith(b'{"type":"'):
            kind = payload[9 : payload.index(b'"', 9)].decode()
        else:
            kind = msgspec.json.decode(payload)["type"]
        if kind in ("ack", "error", "pong"):
            answer = msgspec.json.decode(payload)
            waiting = self._asked.pop(answer.get("ref"), None)
            if waiting is not None and not waiting.done():
                if kind == "error":
                    waiting.set_exception(SocketFault(f"A command was answered with {answer}."))
                else:
                    waiting.set_result(answer)
                return
        if kind == "welcome" and not self.welcome.done():
            self.welcome.set_result(msgspec.json.decode(payload))
            return
        self.on_frame(kind, payload, at)


def ignore_frame(kind: str, payload: bytes, at: float) -> None:
    """Let frames go by."""


async def connect(port: int, token: str, on_frame: OnFrame = ignore_frame, *, receive_buffer: int = 0) -> FlowraSocket:
    """Return a socket that was welcomed; `receive_buffer` bytes bound what the kernel takes for it."""
    loop = asyncio.get_running_loop()
    tcp = sockets.socket()
    if receive_buffer:
        tcp.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, receive_buffer)
    tcp.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
    tcp.setblocking(False)
    try:
        async with asyncio.timeout(WAIT):
            await loop.sock_connect(tcp, ("127.0.0.1", port))
            _, made = await loop.create_connection(lambda: FlowraSocket(port, token, on_frame), sock=tcp)
            await made.welcome
    except TimeoutError:
        tcp.close()
        raise SocketFault(f"No welcome within {WAIT:.0f} s.") from None
    return made


async def answer_of(asked: asyncio.Future[dict[str, Any]]) -> dict[str, Any]:
    """Return an answer; raises SocketFault after WAIT."""
    try:
        async with asyncio.timeout(WAIT):
            return await asked
    except TimeoutError:
        raise SocketFault(f"No answer within {WAIT:.0f} s.") from None


def allow_many() -> int:
    """Let this process, and what it starts, have as many sockets as the system allows; returns how many."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
