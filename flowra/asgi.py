"""The ASGI application: HTTP is served by Django, /ws/ by realtime, and lifespan starts and stops the latter."""

import logging
import os
from typing import Any

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.signals import request_finished
from django.db import connections

from flowra.config.database import bound_statements

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flowra.settings")
django_application: Any = get_asgi_application()
bound_statements(connections.settings["default"]["OPTIONS"], settings.FLOWRA_STATEMENT_TIMEOUT)

from flowra.observability.dependencies import DependencyMonitor  # noqa: E402
from flowra.observability.probes import PARTS  # noqa: E402
from flowra.server.proxies import set_client_from_proxy  # noqa: E402  (needs Django to be set up)
from flowra.server.request_body import BoundedBody, refuse  # noqa: E402
from realtime import lifecycle  # noqa: E402
from realtime.sockets.routing import application as socket_application  # noqa: E402
from realtime.supervisor import Supervisor  # noqa: E402

logger = logging.getLogger(__name__)


def close_sqlite(**kwargs: Any) -> None:
    """Close this thread's connection to SQLite: a thread serves one request and ends.

    The connection is part of a cycle of objects. Left to the garbage collector, a hundred of them would stay open, with
    2 MB of pages each.
    """
    for connection in connections.all(initialized_only=True):
        if connection.vendor == "sqlite":
            connection.close()


# Only for this handler: the test client sends the same signal and keeps using the connection.
request_finished.connect(close_sqlite, sender=type(django_application))


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Serve one connection by its scope's type; raises ValueError for an unknown type."""
    match scope["type"]:
        case "http":
            set_client_from_proxy(scope)
            await serve_request(scope, receive, close_when_draining(send))
        case "websocket":
            set_client_from_proxy(scope)
            await socket_application(scope, receive, send)
        case "lifespan":
            await follow_lifespan(receive, send)
        case kind:
            raise ValueError(f"Flowra serves http, websocket and lifespan, not {kind!r}.")


async def serve_request(scope: Any, receive: Any, send: Any) -> None:
    """Let Django answer a request, or refuse it if its body is too large or too slow."""
    body = BoundedBody(scope, receive)
    if not body.status:
        await django_application(scope, body.receive, send)
    if body.status:  # Django saw a disconnect and sent no response
        await refuse(scope, send, body.status)


def close_when_draining(send: Any) -> Any:
    """Return a `send` that adds `Connection: close` to responses once the process drains.

    A proxy reuses connections. A request that it sends on a connection which the stop closes would be lost, and proxies
    do not retry a POST.
    """

    async def send_last(message: Any) -> None:
        if message["type"] == "http.response.start" and lifecycle.is_leaving():
            message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
        await send(message)

    return send_last


_tasks = Supervisor()


async def start() -> None:
    """Start the realtime side and the monitoring of dependencies."""
    await lifecycle.startup()
    _tasks.start("parts", DependencyMonitor(PARTS).run)


async def stop() -> None:
    """Stop both."""
    await _tasks.stop()
    await lifecycle.shutdown()


async def follow_lifespan(receive: Any, send: Any) -> None:
    """Start and stop the realtime side with the server.

    daphne sends no lifespan events: there the first socket starts it. A failure is reported to the server, which then
    exits with an error.
    """
    for event, follow in (("startup", start), ("shutdown", stop)):
        message = await receive()
        if message["type"] != f"lifespan.{event}":
            raise ValueError(f"Expected lifespan.{event}, got {message['type']}.")
        try:
            await follow()
        except Exception as error:
            logger.exception("The %s of the realtime side failed", event)
            await send({"type": f"lifespan.{event}.failed", "message": str(error)})
            return
        await send({"type": f"lifespan.{event}.complete"})
