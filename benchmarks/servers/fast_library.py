"""picows, a WebSocket library in Cython, on uvloop: python -m benchmarks.servers.fast_library PORT

It is no dependency; benchmarks/setup/peers.py installs it into var/benchmarks/ and puts that on the path.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import uvloop

from benchmarks.load.sockets import allow_files

picows: Any = importlib.import_module("picows")
_transports: set[Any] = set()


class Member(picows.WSListener):  # type: ignore[misc]
    """One socket; what it sends goes to all."""

    def on_ws_connected(self, transport: Any) -> None:
        """Take it in."""
        _transports.add(transport)

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        """Send a text to everybody."""
        if frame.msg_type == picows.WSMsgType.TEXT:
            data = frame.get_payload_as_bytes()
            for each in _transports:
                each.send(picows.WSMsgType.TEXT, data)

    def on_ws_disconnected(self, transport: Any) -> None:
        """Forget it."""
        _transports.discard(transport)


async def serve_forever(port: int) -> None:
    """Serve until stopped."""
    server = await picows.ws_create_server(lambda _: Member(), "127.0.0.1", port, enable_auto_pong=True)
    await server.serve_forever()


if __name__ == "__main__":
    allow_files(10_000)
    uvloop.run(serve_forever(int(sys.argv[1])))
