"""The one address for sockets."""

from __future__ import annotations

from typing import Any

from realtime.sockets.consumer import ChatConsumer

PATH = "/ws/"
_consumer = ChatConsumer.as_asgi()


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Serve /ws/ (ASGI, type websocket); refuse every other path before the upgrade."""
    if scope["path"] == PATH:
        await _consumer(scope, receive, send)
        return
    await receive()
    if "websocket.http.response" in scope.get("extensions", {}):
        await send({"type": "websocket.http.response.start", "status": 404, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b"There is no socket here; it is at /ws/.\n"})
    else:
        await send({"type": "websocket.close"})
