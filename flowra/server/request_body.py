"""Bounds of a request's body. Without them Django writes a body of any length to disk before a view runs.

Uploads are not supported (docs/security.md), so a body is a form or JSON; chats/api/input/parsers.py bounds JSON
further.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from django.utils.translation import gettext as _

MAX_BYTES = 1024 * 1024  # as in deploy/nginx.conf; the largest form is a message with every character escaped
RETRY_AFTER = 5  # seconds, for an address with too many connections
WITHIN = 60.0  # seconds until the whole body must have arrived


class BoundedBody:
    """Wraps ASGI's `receive`. A body that is too large or too slow ends as if the client had disconnected."""

    def __init__(self, scope: Any, receive: Any) -> None:
        self._receive = receive
        self._left = MAX_BYTES
        self._is_whole = False
        self._by = asyncio.get_running_loop().time() + WITHIN
        self.status = 413 if _announced(scope) > MAX_BYTES else 0  # HTTP status of the refusal, 0 if there is none

    async def receive(self) -> Any:
        """Return the next event, as ASGI's `receive`."""
        if self.status:
            return {"type": "http.disconnect"}
        if self._is_whole:
            return await self._receive()  # the caller's leaving, whenever that is
        try:
            async with asyncio.timeout_at(self._by):
                event = await self._receive()
        except TimeoutError:
            self.status = 408
            return {"type": "http.disconnect"}
        self._left -= len(event.get("body", b""))
        self._is_whole = not event.get("more_body", False)
        if self._left < 0:
            self.status = 413
            return {"type": "http.disconnect"}
        return event


async def refuse(scope: Any, send: Any, status: int) -> None:
    """Send a refusal with `Connection: close`, for a body or a request that exceeds a limit."""
    text, code = _refusal(status)
    body, kind = text.encode(), b"text/plain; charset=utf-8"
    if scope["path"].startswith("/api/"):
        refusal: dict[str, object] = {"detail": text, "code": code}
        if status == 429:
            refusal["retry_after"] = RETRY_AFTER
        body, kind = json.dumps(refusal).encode(), b"application/json"
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), (b"connection", b"close")]
    if status == 429:
        headers.append((b"retry-after", str(RETRY_AFTER).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _refusal(status: int) -> tuple[str, str]:
    """Return the sentence and the API's code for a status."""
    match status:
        case 413:
            return _("The body is too large."), "too_long"
        case 429:
            return _("There are too many connections from your address. Try again in a few seconds."), "rate_limited"
        case _:
            return _("The request took too long to arrive."), "timeout"


def _announced(scope: Any) -> int:
    """Return Content-Length, or 0 if there is none; the server has checked that it is a number."""
    return next((int(value) for name, value in scope["headers"] if name == b"content-length" and value.isdigit()), 0)
