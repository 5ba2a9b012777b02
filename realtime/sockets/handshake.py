"""Before a socket is accepted: who is calling, whether there is room for them, and how they are refused."""

from __future__ import annotations

from typing import Any

from chats.lib.addresses import counted_address
from realtime import metrics
from realtime.credentials import Handshake
from realtime.database import run_in_db_thread
from realtime.limits.shared import Quota, Slot
from realtime.protocol.frames import CloseCode
from realtime.sockets.queries import Caller, read_caller


async def admit(quota: Quota, client: str, handshake: Handshake) -> tuple[Caller | None, Slot | None]:
    """Return the caller, None where the credential is not valid, and a slot, None where a limit is reached.

    `client` is the client's IP address.
    """
    address = counted_address(client)
    caller = await quota.check_credential(address, lambda: run_in_db_thread(read_caller, handshake))
    if caller is None and not quota.allow_handshake(address):
        return None, None
    return caller, await quota.admit(address, caller.user.pk if caller else None)


async def refuse(scope: Any, send: Any, status: int, body: bytes = b"") -> bool:
    """Refuse the upgrade with an HTTP status of ours; returns False, and sends nothing, where the server cannot."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        return False
    await send({"type": "websocket.http.response.start", "status": status, "headers": []})
    await send({"type": "websocket.http.response.body", "body": body})
    return True


async def turn_away(scope: Any, receive: Any, send: Any) -> None:
    """Refuse a socket while this process stops: with 503, upon which a proxy asks another server, else with 1012."""
    if not await refuse(scope, send, 503):
        await send({"type": "websocket.accept"})
        await close(receive, send, CloseCode.RESTART)


async def close(receive: Any, send: Any, code: CloseCode) -> None:
    """Close a socket that was accepted only to tell the client why; browsers see no HTTP status."""
    metrics.sockets_closed.labels(int(code)).inc()
    await send({"type": "websocket.close", "code": int(code)})
    while (await receive())["type"] != "websocket.disconnect":
        pass
