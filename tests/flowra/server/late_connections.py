"""A server whose accept queue is filled by posts while it stops, in the moment before it closes its listener.

    python -m tests.flowra.server.late_connections uvloop|asyncio

Prints the status of each answer, or what came instead, as a JSON list.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from typing import Any

import django
import uvicorn

LATE = 40  # connections
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer a post with what it says."""
    body = (await receive())["body"]
    head = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 201, "headers": head})
    await send({"type": "http.response.body", "body": body})


def answer(client: socket.socket) -> str:
    """Return the status of the answer, or what came instead of one."""
    received = b""
    try:
        while part := client.recv(4096):
            received += part
    except OSError as error:
        return type(error).__name__
    return received[9:12].decode() if received.endswith(b"hello") else repr(received)


def main(loop: Any) -> None:
    """Serve, stop, and print what the late clients got."""
    from flowra.server import server as stopping  # needs django.setup()
    from flowra.server.http_protocol import BoundedHttpProtocol
    from realtime import lifecycle

    listeners = stopping.bind("127.0.0.1", 0)
    address = listeners[0].getsockname()
    clients: list[socket.socket] = []

    async def drain(within: float) -> None:
        """Fill the queue; nothing is awaited, so the event loop cannot accept."""
        for _ in range(LATE):
            clients.append(socket.create_connection(address, timeout=20))
            clients[-1].sendall(POST)

    lifecycle.drain = drain
    config = uvicorn.Config(echo, loop=loop, http=BoundedHttpProtocol, lifespan="off", log_config=None)
    stopping.Server(config, on_started=lambda: os.kill(os.getpid(), signal.SIGTERM)).run(listeners)
    print(json.dumps([answer(client) for client in clients]))  # noqa: T201


if __name__ == "__main__":
    django.setup()
    main(sys.argv[1])
