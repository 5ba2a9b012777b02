"""What machines ask: /healthz, /readyz and /metrics.

A middleware before all others answers them, and not views: they are asked from inside, by address, so the Host
header, the redirect to TLS, sessions and a busy thread pool must not stand in the way.
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

PART_TIMEOUT = 2.0  # seconds; whoever asks gives up after a few more
# One thread: while the database hangs, questions wait here for their time-out and pile up nowhere else.
_database_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="flowra-readyz")


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    reset_queries()  # with DEBUG a connection keeps its statements, and this thread serves no request that empties them


async def check_database() -> str:
    """Return "ok"; raises what the database raises."""
    await database_sync_to_async(_ask_database, thread_sensitive=False, executor=_database_thread)()
    return "ok"


async def ask(part: str, check: Callable[[], Awaitable[str]]) -> str:
    """Return what `check` says: "ok", or what is wrong; "failed" if it raises, "no answer" after PART_TIMEOUT.

    The reason goes to the log: who may ask is not who may read host names and passwords out of error messages.
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
    """Say that the process lives; asks nobody else, so that a database that is away gets no server restarted."""
    return HttpResponse("ok", content_type="text/plain")


async def readyz(request: HttpRequest) -> HttpResponse:
    """Say whether to send requests here: 200 or 503, and the state of each part."""
    if lifecycle.is_leaving():
        return JsonResponse({"status": "draining", "parts": {}}, status=503)
    states = await asyncio.gather(*(ask(part, check) for part, check in PARTS.items()))
    ready = all(state == "ok" for state in states)
    parts = dict(zip(PARTS, states, strict=True))
    return JsonResponse({"status": "ready" if ready else "failing", "parts": parts}, status=200 if ready else 503)


def may_read_metrics(request: HttpRequest) -> bool:
    """Whether the counters are for whoever asks: within FLOWRA_METRICS_FROM, and not through a proxy we do not know."""
    if "HTTP_X_FORWARDED_FOR" in request.META and not settings.FLOWRA_TRUSTED_PROXIES:
        return False  # whoever it is, the proxy's address is not theirs
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", "").partition("%")[0])
    except ValueError:  # by a Unix socket
        return True
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in parse_networks(tuple(settings.FLOWRA_METRICS_FROM)))


async def metrics(request: HttpRequest) -> HttpResponse:
    """Give the counters for Prometheus: of this process, or of all workers where there are several."""
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
    """Answers the three addresses above and passes everything else on."""

    async_capable = True
    sync_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], Awaitable[HttpResponseBase]]) -> None:
        self._get_response = get_response
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the answer of the probe, uncached, or of whoever comes next."""
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
