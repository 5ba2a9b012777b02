"""One log line, one count, one duration and one id per request.

django-prometheus 2.5 is not used: it wraps requests in two synchronous middlewares, each a thread switch on ASGI, and
labels by view name and full status. django-structlog 11 requires structlog and logs query strings.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable

from asgiref.sync import markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from prometheus_client import Counter, Histogram

from realtime.sockets.log_context import LogContext, bind, request_id_from, unbind

logger = logging.getLogger("flowra.access")

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
HEADER = "X-Request-ID"
PROBE = "flowra.probe"  # key in a request's META that marks a probe

http_requests = Counter("flowra_http_requests", "Requests that were answered.", ["method", "route", "status"])
http_request_seconds = Histogram(
    "flowra_http_request_seconds",
    "From a request's arrival at Django to its answer.",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)


def route_of(request: HttpRequest) -> str:
    """Return the name of the route, never the path: paths contain ids, and some contain secrets."""
    match = request.resolver_match
    if match is not None:
        # Only REST's catch-all and some admin routes have no name; the number of their patterns is fixed.
        return match.view_name if match.url_name else match.route or "unnamed"
    return "static" if request.path_info.startswith(settings.STATIC_URL) else "none"


def user_of(request: HttpRequest) -> object | None:
    """Return the id of the request's user if it is already loaded; never queries the database."""
    user = request.__dict__.get("_cached_user") or request.__dict__.get("_acached_user")
    if user is None and not hasattr(request.__dict__.get("user"), "_wrapped"):
        user = request.__dict__.get("user")  # REST replaces the lazy user by the authenticated one
    found: object | None = getattr(user, "pk", None)
    return found


class RequestLogMiddleware:
    """Wraps everything except the probes."""

    async_capable = True
    sync_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], Awaitable[HttpResponseBase]]) -> None:
        self._get_response = get_response
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response with the request's id as a header."""
        request_id = request_id_from(request.headers.get(HEADER))
        began = time.perf_counter()
        bound = bind(LogContext(request_id=request_id, find_user=lambda: user_of(request)))
        try:
            response = await self._get_response(request)
            response[HEADER] = request_id
            self._note(request, response.status_code, time.perf_counter() - began)
        finally:
            unbind(bound)
        return response

    def _note(self, request: HttpRequest, status: int, seconds: float) -> None:
        method = request.method if request.method in METHODS else "OTHER"
        route = route_of(request)
        http_requests.labels(method, route, f"{status // 100}xx").inc()
        http_request_seconds.labels(method, route).observe(seconds)
        milliseconds = round(seconds * 1000, 1)
        fields = {"method": method, "route": route, "status": status, "duration_ms": milliseconds}
        client = request.META.get("REMOTE_ADDR", "")
        if client and settings.FLOWRA_LOG_ADDRESSES:
            fields["client"] = client
        # A page loads a dozen static files; they are logged at DEBUG.
        level = logging.DEBUG if route == "static" else logging.INFO
        logger.log(level, "%s %s %d %.1f ms", method, route, status, milliseconds, extra={"http": fields})
