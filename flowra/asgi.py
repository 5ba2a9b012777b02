"""The ASGI application: HTTP to Django, /ws/ to realtime, and the server's own start and stop to its lifecycle."""

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
from realtime.hub.supervisor import Supervisor  # noqa: E402
from realtime.sockets.routing import application as socket_application  # noqa: E402

logger = logging.getLogger(__name__)


def close_sqlite(**kwargs: Any) -> None:
    """Close this thread's connection to SQLite: a thread serves one request and ends.

    The connection is part of a cycle of objects. Left to the garbage collector, a hundred of them would stay open, with
    2 MB of pages each.
    """
    for connection in connections.all(initialized_only=True):
        if connection.vendor == "sqlite":
            connection.close()


# Not from within tests, whose client says the same and goes on with the connection.
request_finished.connect(close_sqlite, sender=type(django_application))


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Hand a connection to whom it concerns; raises ValueError for a kind of connection that nobody asked for."""
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
    """Have Django answer a request, unless it brings too much."""
    body = BoundedBody(scope, receive)
    if not body.status:
        await django_application(scope, body.receive, send)
    if body.status:  # Django has taken it for somebody who left, and answered nothing
        await refuse(scope, send, body.status)


def close_when_draining(send: Any) -> Any:
    """Return a `send` that has the caller's connection end with the answer once the process is about to stop.

    A proxy keeps connections for later requests. One that it sent on a connection which the stop closes would be lost,
    and a POST is not repeated.
    """

    async def send_last(message: Any) -> None:
        if message["type"] == "http.response.start" and lifecycle.is_leaving():
            message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
        await send(message)

    return send_last


_watching = Supervisor()


async def start() -> None:
    """Start the realtime side, and have looked at what this process stands on."""
    await lifecycle.startup()
    _watching.start("parts", DependencyMonitor(PARTS).run)


async def stop() -> None:
    """Stop both."""
    await _watching.stop()
    await lifecycle.shutdown()


async def follow_lifespan(receive: Any, send: Any) -> None:
    """Start and stop the realtime side with the server; under daphne, which does not say, the first socket starts it.

    A failure is told to the server, which then ends with an error instead of serving half a Flowra.
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
