"""The ASGI application for one socket: its handshake, then its session."""

from __future__ import annotations

from typing import Any, ClassVar

from channels.consumer import AsyncConsumer
from typing_extensions import override

from realtime.credentials import is_origin_allowed, read_handshake
from realtime.lifecycle import is_draining, start_hub
from realtime.outbox.transports import open_transport
from realtime.protocol.frames import CloseCode
from realtime.sockets.handshake import admit, close, turn_away
from realtime.sockets.session import Session


class ChatConsumer(AsyncConsumer):
    """Serves one socket of docs/protocol.md."""

    admit: ClassVar = staticmethod(admit)
    session_class: ClassVar = Session

    @override
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Run the socket to its end.

        Channels' own loop adds a channel, two tasks and, per event, a hop to a thread. The hub needs none of them.
        """
        handshake = read_handshake(scope)
        await receive()  # websocket.connect
        if is_draining():
            await turn_away(scope, receive, send)
            return
        if not is_origin_allowed(handshake):
            # Before the upgrade: HTTP 403. Not counted: a hostile page could use up its visitors' handshakes.
            await send({"type": "websocket.close"})
            return
        hub = start_hub()
        caller, slot = await self.admit(hub.quota, (scope.get("client") or ("",))[0], handshake)
        try:
            if is_draining():  # the drain has begun meanwhile
                await turn_away(scope, receive, send)
                return
            await send({"type": "websocket.accept", "subprotocol": handshake.subprotocol})
            if slot is None:
                await close(receive, send, CloseCode.TOO_MANY)
            elif caller is None:
                await close(receive, send, CloseCode.UNAUTHENTICATED)
            else:
                session = self.session_class(hub, caller, open_transport(scope, send), handshake.request_id)
                await session.run(receive)
        finally:
            if slot is not None:
                slot.release()
