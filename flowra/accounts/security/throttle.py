"""How often one address may sign in, sign up and ask for reset mail: over pages and REST together, see settings.

The lock-out counts one name; this is for who tries a password on many. And each try costs a hash, some tenths of a
second of a processor, which anybody could have us compute as often as they like.
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
from realtime.limits import met

SCOPE = "auth"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class AddressThrottle(ScopedThrottle):
    """REST's, for pages; whoever is signed in already is counted with their address as well."""

    throttle_scope = SCOPE

    def get_cache_key(self, request: Any, view: Any) -> str:
        """Return what the address is counted under, over REST too."""
        return self.cache_format % {"scope": SCOPE, "ident": self.get_ident(request)}


def note_refusal(request: HttpRequest) -> None:
    """Note that the address of this request has met FLOWRA_SIGN_INS_PER_MINUTE."""
    met.note("FLOWRA_SIGN_INS_PER_MINUTE", counted_address(request.META.get("REMOTE_ADDR", "")))


def limited(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Wrap a page that computes a hash or sends a mail when something is posted to it."""

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
