"""Throttles with the rates of settings.REST_FRAMEWORK; FLOWRA_RATE_LIMITS=false switches all of them off."""

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
    """All requests of a user, or of an address without one."""

    timer = time.monotonic  # a clock that is set back would keep old requests in the count

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Whether the request may pass."""
        return not settings.FLOWRA_RATE_LIMITS or super().allow_request(request, view)

    def get_ident(self, request: Request) -> str:
        """Return the address that a request without a user is counted under."""
        return counted_address(super().get_ident(request))


class ScopedThrottle(ScopedRateThrottle):
    """Requests to views with a `throttle_scope`, such as signing in and searching."""

    timer = time.monotonic  # as in UserThrottle

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Whether the request may pass."""
        return not settings.FLOWRA_RATE_LIMITS or super().allow_request(request, view)

    def get_ident(self, request: Request) -> str:
        """Return the address that a request without a user is counted under."""
        return counted_address(super().get_ident(request))
