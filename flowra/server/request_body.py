"""How much a request may bring: Django writes a body of any length to the disk before anybody looks at it.

Files are not taken (docs/security.md), so it is a form or some JSON, which chats/api/input/parsers.py bounds closer.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from django.utils.translation import gettext as _

MAX_BYTES = 1024 * 1024  # as in deploy/nginx.conf; the largest form is a message, each of its characters escaped
RETRY_AFTER = 5  # seconds, for somebody who has too many connections
WITHIN = 60.0  # seconds in which all of it must have come


class BoundedBody:
    """A request's way in. Where it brings too much, or too slowly, it ends as if the caller had hung up."""

    def __init__(self, scope: Any, receive: Any) -> None:
        self._receive = receive
        self._left = MAX_BYTES
        self._is_whole = False
        self._by = asyncio.get_running_loop().time() + WITHIN
        self.status = 413 if _announced(scope) > MAX_BYTES else 0  # of the refusal, once it is one

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
    """Answer a request whose body was not taken, or that is one too many, and end its connection with it."""
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
            return _("The request did not come in time."), "timeout"


def _announced(scope: Any) -> int:
    """Return the length that the request names, 0 where it names none; the server has checked that it is a number."""
    return next((int(value) for name, value in scope["headers"] if name == b"content-length" and value.isdigit()), 0)
