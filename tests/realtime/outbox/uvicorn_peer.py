"""A real uvicorn in the test's own event loop, and a peer that looks at the bytes."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from realtime.outbox.frame import text_frame
from realtime.outbox.transports import EXTENSION
from realtime.outbox.uvicorn_protocol import PreframedProtocol

WITHIN = 10.0  # seconds for any one answer
Application = Callable[[Any, Any, Any], Awaitable[None]]


@asynccontextmanager
async def serve(application: Application, protocol: Any = PreframedProtocol, **options: Any) -> AsyncIterator[int]:
    """Run uvicorn in this event loop; gives its port."""
    config = uvicorn.Config(
        application,
        port=0,
        ws=protocol,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=1,
        **options,
    )
    async with running(config) as port:
        yield port


@asynccontextmanager
async def running(config: uvicorn.Config, *, is_cut_off: bool = False) -> AsyncIterator[int]:
    """Run uvicorn in this event loop, and with `is_cut_off` wait for nobody at the end; gives its port."""
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.force_exit = is_cut_off
        await server.shutdown()


class Peer:
    """The other end, down to the bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def take(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        return await asyncio.wait_for(self.reader.readexactly(size), WITHIN)

    async def rest(self) -> bytes:
        """Return everything up to the end of the connection."""
        return await asyncio.wait_for(self.reader.read(-1), WITHIN)

    def reset(self) -> None:
        """Break the connection off, as a router does that has forgotten it: no FIN, but RST."""
        end_at_once = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 seconds
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, end_at_once)
        self.writer.transport.abort()

    def send(self, opcode: int, payload: bytes = b"") -> None:
        """Send a short frame, masked with zeros as a client may."""
        self.writer.write(bytes((0x80 | opcode, 0x80 | len(payload))) + bytes(4) + payload)


@asynccontextmanager
async def connect(port: int, context: ssl.SSLContext | None = None) -> AsyncIterator[Peer]:
    """Open a socket and do the handshake."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    key = base64.b64encode(os.urandom(16)).decode()
    request = (
        f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    writer.write(request.encode())
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), WITHIN)
    assert b" 101 " in head
    try:
        yield Peer(reader, writer)
    finally:
        writer.transport.abort()


def extension_of(scope: Any) -> PreframedProtocol:
    """Return the socket that the extension offers, which must be there."""
    found = scope["extensions"][EXTENSION]["socket"]
    assert isinstance(found, PreframedProtocol)
    return found


async def until_gone(receive: Any) -> None:
    """Take events until the peer is gone."""
    while (await receive())["type"] != "websocket.disconnect":
        pass


async def fill(protocol: PreframedProtocol) -> None:
    """Write to a peer that takes nothing, until no more should be."""
    while protocol.writable.is_set():
        protocol.write(text_frame(b"x" * 60_000))
        await asyncio.sleep(0)
