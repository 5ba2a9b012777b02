"""How many answers a process makes at a time.

Each has a thread, a connection to the database, and all that is read for it. More of them than the machine can work on
end no sooner; they only take memory, which the process does not give back. The others wait for their turn, in the order
they came; a proxy's or a browser's patience bounds how long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from asgiref.sync import markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class AtOnceMiddleware:
    """Stands around everything but the probes. The request has come by then, and the answer is sent after it."""

    async_capable = True
    sync_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], Awaitable[HttpResponseBase]]) -> None:
        self._get_response = get_response
        self._turns = asyncio.Semaphore(settings.FLOWRA_REQUESTS_AT_ONCE)
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the answer, made when it is its turn."""
        async with self._turns:
            return await self._get_response(request)
