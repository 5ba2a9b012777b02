"""Limits how often one address may sign in, sign up and request reset mail, over pages and REST together.

The lock-out counts attempts of one name; this bounds attempts of many names. Each attempt costs a hash, some tenths of
a second of CPU.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

from chats.api.throttles import ScopedThrottle
from chats.lib.addresses import counted_address
from realtime.limits import refusals

SCOPE = "auth"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class AddressThrottle(ScopedThrottle):
    """REST's throttle, for pages; requests of signed-in users count for their address too."""

    throttle_scope = SCOPE

    def get_cache_key(self, request: Any, view: Any) -> str:
        """Return the key of the address, the same as for REST."""
        return self.cache_format % {"scope": SCOPE, "ident": self.get_ident(request)}


def note_refusal(request: HttpRequest) -> None:
    """Record that this request's address reached FLOWRA_SIGN_INS_PER_MINUTE."""
    refusals.note("FLOWRA_SIGN_INS_PER_MINUTE", counted_address(request.META.get("REMOTE_ADDR", "")))


def limited(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Wrap a view that computes a hash or sends a mail on POST."""

    @functools.wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        throttle: Any = AddressThrottle()
        if request.method in SAFE_METHODS or throttle.allow_request(request, throttle):
            return view(request, *args, **kwargs)
        note_refusal(request)
        seconds = max(1, math.ceil(throttle.wait() or 1))
        response = render(request, "accounts/too_many.html", status=429)
        response["Retry-After"] = str(seconds)
        response["Cache-Control"] = "no-store"
        return response

    return wrapper
