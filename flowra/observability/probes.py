"""The probes /healthz, /readyz and /metrics.

The first middleware answers them. Probes are requested from inside, by address, so the Host header, the redirect to
TLS, sessions and a busy thread pool must not affect them.
"""

import asyncio
import ipaddress
import logging
import os
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from asgiref.sync import markcoroutinefunction
from channels.db import database_sync_to_async
from django.conf import settings
from django.db import connection, reset_queries
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, HttpResponseNotAllowed, JsonResponse
from django.http.response import HttpResponseBase
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from flowra.observability.request_log import PROBE
from flowra.server.proxies import parse_networks
from flowra.server.workers import METRICS_VARIABLE
from realtime import lifecycle

logger = logging.getLogger(__name__)
disable_created_metrics()  # type: ignore[no-untyped-call]  # when a counter began: as many series again, for nobody

PART_TIMEOUT = 2.0  # seconds; probes usually time out after a few more
# One thread: while the database hangs, checks queue here until their time-out.
_database_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="flowra-readyz")


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    reset_queries()  # with DEBUG a connection records its queries, and no request resets those of this thread


async def check_database() -> str:
    """Return "ok"; raises what the database raises."""
    await database_sync_to_async(_ask_database, thread_sensitive=False, executor=_database_thread)()
    return "ok"


async def ask(part: str, check: Callable[[], Awaitable[str]]) -> str:
    """Return the result of `check`: "ok", or what is wrong; "failed" if it raises, "no answer" after PART_TIMEOUT.

    The reason is only logged, because error messages may contain host names and passwords.
    """
    try:
        async with asyncio.timeout(PART_TIMEOUT):
            return await check()
    except TimeoutError:
        logger.warning("/readyz: no answer from the %s within %s s", part, PART_TIMEOUT)
        return "no answer"
    except Exception:
        logger.warning("/readyz: the %s failed", part, exc_info=True)
        return "failed"


PARTS: dict[str, Callable[[], Awaitable[str]]] = {
    "database": check_database,
    "registry": lifecycle.check_registry,
    "channel_layer": lifecycle.check_layer,
}


async def healthz(request: HttpRequest) -> HttpResponse:
    """Return 200: the process runs. It checks nothing else, so that an outage of the database restarts no server."""
    return HttpResponse("ok", content_type="text/plain")


async def readyz(request: HttpRequest) -> HttpResponse:
    """Return 200 or 503, and the state of each part."""
    if lifecycle.is_leaving():
        return JsonResponse({"status": "draining", "parts": {}}, status=503)
    states = await asyncio.gather(*(ask(part, check) for part, check in PARTS.items()))
    ready = all(state == "ok" for state in states)
    parts = dict(zip(PARTS, states, strict=True))
    return JsonResponse({"status": "ready" if ready else "failing", "parts": parts}, status=200 if ready else 503)


def may_read_metrics(request: HttpRequest) -> bool:
    """Return whether the client is within FLOWRA_METRICS_FROM and did not come through an unknown proxy."""
    if "HTTP_X_FORWARDED_FOR" in request.META and not settings.FLOWRA_TRUSTED_PROXIES:
        return False  # the address is the proxy's, not the client's
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", "").partition("%")[0])
    except ValueError:  # by a Unix socket
        return True
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in parse_networks(tuple(settings.FLOWRA_METRICS_FROM)))


async def metrics(request: HttpRequest) -> HttpResponse:
    """Return the metrics of this process, or of all workers, in Prometheus' text format."""
    if not may_read_metrics(request):
        text = "Metrics are for addresses within FLOWRA_METRICS_FROM, asked without a proxy in between.\n"
        return HttpResponseForbidden(text, content_type="text/plain")
    registry: CollectorRegistry = REGISTRY
    if METRICS_VARIABLE in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


PROBES = {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics}


class ProbeMiddleware:
    """Answers the three paths above and passes other requests on."""

    async_capable = True
    sync_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], Awaitable[HttpResponseBase]]) -> None:
        self._get_response = get_response
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the probe's response, uncached, or the next middleware's."""
        probe = PROBES.get(request.path_info)
        if probe is None:
            return await self._get_response(request)
        request.META[PROBE] = True
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        response = await probe(request)
        response["Cache-Control"] = "no-store"
        response["Content-Length"] = str(len(response.content))
        return response
