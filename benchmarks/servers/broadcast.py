"""`websockets` with its own broadcast(), on uvloop: python -m benchmarks.servers.broadcast PORT"""

from __future__ import annotations

import asyncio
import sys

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

from benchmarks.load.sockets import allow_files

_connections: set[ServerConnection] = set()


async def _handle(connection: ServerConnection) -> None:
    _connections.add(connection)
    try:
        async for message in connection:
            broadcast(_connections, message)
    finally:
        _connections.discard(connection)


async def serve_forever(port: int) -> None:
    """Serve until stopped."""
    async with serve(_handle, "127.0.0.1", port, compression=None, ping_interval=None):
        await asyncio.Event().wait()


if __name__ == "__main__":
    allow_files(10_000)
    uvloop.run(serve_forever(int(sys.argv[1])))
