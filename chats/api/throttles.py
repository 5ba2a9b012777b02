"""Rates, as settings.REST_FRAMEWORK has them; FLOWRA_RATE_LIMITS=false switches all of them off."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.throttling import ScopedRateThrottle, UserRateThrottle

from chats.lib.addresses import counted_address

if TYPE_CHECKING:  # rest_framework.views imports this module for its settings
    from rest_framework.request import Request
    from rest_framework.views import APIView


class UserThrottle(UserRateThrottle):
    """All requests of a user, or of an address where nobody is signed in."""

    timer = time.monotonic  # what was asked for before a clock was set back would count until it has caught up

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Whether the request may pass."""
        return not settings.FLOWRA_RATE_LIMITS or super().allow_request(request, view)

    def get_ident(self, request: Request) -> str:
        """Return whom a request without a user is counted for."""
        return counted_address(super().get_ident(request))


class ScopedThrottle(ScopedRateThrottle):
    """Requests to what names a `throttle_scope`: signing in, posting, searching."""

    timer = time.monotonic  # as above

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Whether the request may pass."""
        return not settings.FLOWRA_RATE_LIMITS or super().allow_request(request, view)

    def get_ident(self, request: Request) -> str:
        """Return whom a request without a user is counted for."""
        return counted_address(super().get_ident(request))
