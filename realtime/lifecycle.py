"""This process's hub, from its start to its end: start, readiness, drain, stop."""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Awaitable, Callable

from django.conf import settings

from presence.registry.current import get_registry
from realtime.background import deletions, indexing
from realtime.background.announcements import Announcements
from realtime.background.gauges import Gauges
from realtime.background.repair import Repairer
from realtime.background.revocation import RevocationPoller
from realtime.broker.channel_layers import get_layer, is_shared
from realtime.hub.hub import Hub
from realtime.limits import refusals
from realtime.protocol.frames import CloseCode

logger = logging.getLogger(__name__)
_BATCHES = 20  # in which sockets are closed, so that clients do not reconnect all at once
_SPREAD = 0.5  # share of the given time over which closing is spread; the rest is for close handshakes
_MAX_BATCH_PAUSE = 0.25  # seconds
_JITTER = 0.5  # share by which a pause varies, so that servers stopped together do not close in step

_hub: Hub | None = None


def start_hub() -> Hub:
    """Return this process's hub, started in the running event loop on first use."""
    global _hub
    if _hub is None:
        _hub = Hub()
        _hub.start(_background_tasks(_hub))
    return _hub


def running_hub() -> Hub | None:
    """Return this process's hub if it was started."""
    return _hub


def _background_tasks(hub: Hub) -> dict[str, Callable[[], Awaitable[None]]]:
    """Return what runs beside the hub, by the names that /metrics and the log give it."""
    return {
        "repair": Repairer(hub.registry, hub.membership).run,
        "announcements": Announcements(hub.registry, hub.delivery, hub.unread).run,
        "watch": RevocationPoller(hub.registry, hub.watching).run,
        "sampler": Gauges(hub.registry).run,
        "met limits": refusals.run,
        "deletions": deletions.run,
        "indexing": indexing.run,
    }


async def startup() -> None:
    """Start the hub; servers without the lifespan protocol start it with their first connection.

    Returns when this process is registered, at the latest after REGISTRY_TIMEOUT seconds.
    """
    tracker = start_hub().tracker
    if tracker is not None:
        await tracker.wait_synced()


def begin_leaving() -> None:
    """From now on /readyz says that this process is not ready; requests are still answered."""
    hub = running_hub()
    if hub is not None:
        hub.is_leaving = True


def is_leaving() -> bool:
    """Whether the process is about to stop."""
    hub = running_hub()
    return hub is not None and hub.is_leaving


def is_draining() -> bool:
    """Whether new sockets are refused, because those that are open are being closed."""
    hub = running_hub()
    return hub is not None and hub.is_draining


async def drain(within: float) -> None:
    """Refuse new sockets, close all others with 1012, in batches, and wait at most `within` seconds for their end."""
    hub = running_hub()
    if hub is None:
        return
    hub.is_leaving = hub.is_draining = True
    for room in hub.registry.rooms.values():
        room.flush()
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    connections = list(hub.registry.connections)
    size = max(50, math.ceil(len(connections) / _BATCHES))
    pause = min(_MAX_BATCH_PAUSE, within * _SPREAD / _BATCHES)
    for start in range(0, len(connections), size):
        if start:
            await asyncio.sleep(pause * random.uniform(1 - _JITTER, 1 + _JITTER))  # noqa: S311
        batch = connections[start : start + size]
        for connection in batch:
            connection.end(CloseCode.RESTART)
        logger.info("Told %d of %d sockets to come back.", start + len(batch), len(connections))
    while hub.registry.connections and loop.time() < deadline:  # noqa: ASYNC110  (a poll of 20 ms, once in a process's life)
        await asyncio.sleep(0.02)
    if hub.registry.connections:
        logger.warning("%d sockets did not finish the close handshake in time.", len(hub.registry.connections))


async def shutdown() -> None:
    """Stop the hub, which ends this process's registration of presence."""
    global _hub
    hub, _hub = _hub, None
    if hub is not None:
        await hub.stop()


async def check_registry() -> str:
    """Return "ok" if presence's registry answers, or is not needed; raises RegistryUnavailable."""
    if settings.FLOWRA_PRESENCE_ENABLED:
        await asyncio.to_thread(get_registry().ping)
    return "ok"


async def check_layer() -> str:
    """Return "ok", or why events cannot be sent or received; within twice FLOWRA_PUBLISH_TIMEOUT."""
    layer = get_layer()
    if not is_shared(layer):
        return "ok"
    hub = running_hub()
    try:
        async with asyncio.timeout(settings.FLOWRA_PUBLISH_TIMEOUT):
            await layer.group_send("readiness", {"type": "readiness"})
    except Exception as error:  # noqa: BLE001  (the answer is the failure)
        logger.warning("The channel layer does not answer: %r", error)
        return f"does not answer ({type(error).__name__})"
    try:
        async with asyncio.timeout(settings.FLOWRA_PUBLISH_TIMEOUT):
            if hub is not None:
                await hub.check_receiver()
    except Exception as error:  # noqa: BLE001  (as above)
        logger.warning("The channel layer does not let this process listen: %r", error)
        return "does not let this process listen"
    return "ok"
