"""The one address for sockets."""

from __future__ import annotations

from typing import Any

from realtime.sockets.consumer import ChatConsumer
from realtime.sockets.handshake import refuse

PATH = "/ws/"
_consumer = ChatConsumer.as_asgi()


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Serve /ws/ (ASGI, type websocket); refuse every other path before the upgrade."""
    if scope["path"] == PATH:
        await _consumer(scope, receive, send)
        return
    await receive()  # websocket.connect
    if not await refuse(scope, send, 404, b"There is no socket here; it is at /ws/.\n"):
        await send({"type": "websocket.close"})
