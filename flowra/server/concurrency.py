"""Bounds how many requests a process answers at a time, in total and per client.

Each request needs a thread, a database connection and memory, which the process does not return to the system. More
than the machine can work on finish no sooner. The others wait in order of arrival, until their client or proxy times
out. A client has only a few slots, so that forty searches of one person delay nobody else.
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

MAX_PRESENT = 100  # requests of one client, including those in progress
RETRY_AFTER = "1"  # second


class _Caller:
    """One client with a bounded number of requests in progress."""

    def __init__(self) -> None:
        self.turns = asyncio.Semaphore(settings.FLOWRA_REQUESTS_PER_CALLER)
        self.present = 0


class ConcurrencyMiddleware:
    """Wraps everything except the probes. The request is already received, and the response is sent afterwards."""

    async_capable = True
    sync_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], Awaitable[HttpResponseBase]]) -> None:
        self._get_response = get_response
        self._turns = asyncio.Semaphore(settings.FLOWRA_REQUESTS_AT_ONCE)
        self._callers: dict[str, _Caller] = {}  # clients with a request in progress or waiting
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response, once there is a free slot; 429 if too many requests of the client wait."""
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
    """Return the key of a client: its credential, which is not validated yet, or else its address.

    A client with several credentials has the slots of each, as it would with several devices.
    """
    credential = request.META.get("HTTP_AUTHORIZATION") or request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    return credential or counted_address(request.META.get("REMOTE_ADDR", ""))
