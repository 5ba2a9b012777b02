"""How many answers a process makes at a time, and how many of them for one caller.

Each has a thread, a connection to the database, and all that is read for it. More of them than the machine can work on
end no sooner; they only take memory, which the process does not give back. The others wait for their turn, in the order
they came; a proxy's or a browser's patience bounds how long. A caller has a few turns at a time, so that forty searches
of one person are no reason for anybody else to wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from asgiref.sync import markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from chats.lib.addresses import counted_address

MAX_PRESENT = 100  # requests of one caller, those that are answered among them
RETRY_AFTER = "1"  # second


class _Caller:
    """Somebody whose requests are answered a few at a time."""

    def __init__(self) -> None:
        self.turns = asyncio.Semaphore(settings.FLOWRA_REQUESTS_PER_CALLER)
        self.present = 0


class ConcurrencyMiddleware:
    """Stands around everything but the probes. The request has come by then, and the answer is sent after it."""

    async_capable = True
    sync_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], Awaitable[HttpResponseBase]]) -> None:
        self._get_response = get_response
        self._turns = asyncio.Semaphore(settings.FLOWRA_REQUESTS_AT_ONCE)
        self._callers: dict[str, _Caller] = {}  # those who have a request here
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the answer, made when it is its turn; 429 where too many of the same caller wait."""
        key = caller_of(request)
        caller = self._callers.setdefault(key, _Caller())
        if caller.present >= MAX_PRESENT and settings.FLOWRA_RATE_LIMITS:
            text = _("Too many requests at the same time. Wait for the answers to the others.")
            return HttpResponse(text, status=429, content_type="text/plain", headers={"Retry-After": RETRY_AFTER})
        caller.present += 1
        try:
            async with caller.turns, self._turns:
                return await self._get_response(request)
        finally:
            caller.present -= 1
            if not caller.present:
                self._callers.pop(key, None)


def caller_of(request: HttpRequest) -> str:
    """Return what requests of the same caller have in common: their credential, which nobody has looked at yet.

    Without one it is the address. Whoever has several credentials has more turns, as with several computers.
    """
    credential = request.META.get("HTTP_AUTHORIZATION") or request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    return credential or counted_address(request.META.get("REMOTE_ADDR", ""))
