"""The load client's sockets: opened, upgraded and subscribed, in batches that every server's backlog takes."""

from __future__ import annotations

import resource
import socket
from collections.abc import Sequence

from benchmarks.load.dialects import ACCEPT, Dialect, Frames, client_frame, upgrade

BATCH = 25  # handshakes at once; daphne listens with a backlog of 50
_RECEIVED = 65_536  # bytes taken at once
_SPARE_FILES = 200


class HandshakeError(Exception):
    """A server did not answer as its protocol says."""


class Member:
    """One subscribed socket, with a parser for what comes before and besides the events."""

    def __init__(self, port: int, seconds: float) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.frames = Frames()
        self._port = port

    def send_upgrade(self, dialect: Dialect) -> None:
        """Ask for the WebSocket."""
        self.socket.sendall(upgrade(dialect.path, self._port))

    def take_upgrade(self) -> None:
        """Wait for the answer; raises HandshakeError."""
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._receive()
        head, _, rest = answer.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101") or ACCEPT.encode() not in head:
            raise HandshakeError(f"Expected 101 with the right Sec-WebSocket-Accept, got {head[:200]!r}.")
        self.frames.feed(rest)

    def next_text(self) -> tuple[str, int]:
        """Return the next text frame and its size on the wire; engine.io's pings are answered on the way."""
        while True:
            for text, size in self.frames.texts():
                if text == "2":
                    self.socket.sendall(client_frame("3"))
                    continue
                return text, size
            for pong in self.frames.pongs:
                self.socket.sendall(pong)
            self.frames.pongs.clear()
            self.frames.feed(self._receive())

    def expect(self, beginning: str) -> None:
        """Take the next text; raises HandshakeError where it does not begin so."""
        text, _ = self.next_text()
        if not text.startswith(beginning):
            raise HandshakeError(f"Expected {beginning}…, got {text[:200]!r}.")

    def _receive(self) -> bytes:
        data = self.socket.recv(_RECEIVED)
        if not data:
            raise HandshakeError("The server closed the connection during the handshake.")
        return data


def open_members(ports: Sequence[int], count: int, dialect: Dialect, *, seconds: float) -> list[Member]:
    """Return `count` subscribed sockets, evenly spread over the ports.

    Raises HandshakeError and OSError; an answer may take `seconds`.
    """
    allow_files(count)
    members: list[Member] = []
    for start in range(0, count, BATCH):
        batch = [Member(ports[i % len(ports)], seconds) for i in range(start, min(start + BATCH, count))]
        members += batch
        for member in batch:
            member.send_upgrade(dialect)
        for member in batch:
            member.take_upgrade()
        for text, answer in dialect.steps:
            for member in batch:
                if text:
                    member.socket.sendall(client_frame(text))
            for member in batch:
                member.expect(answer)
    return members


def allow_files(count: int) -> None:
    """Raise this process's limit of open files to what `count` sockets need; raises ValueError above the hard limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count + _SPARE_FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + _SPARE_FILES), hard))
