"""Start, drain and stop of the realtime side of a server process."""

from __future__ import annotations

import asyncio
import logging
import math

from django.conf import settings

from presence.registry import get_registry
from realtime.hub import running_hub, start_hub, stop_hub
from realtime.layers import get_layer, is_shared
from realtime.protocol import CloseCode

logger = logging.getLogger(__name__)
_BATCHES = 20  # of sockets closed one after the other, so that not all clients come back in the same moment
_SPREAD = 0.5  # share of the time given that closing is spread over; the rest is for goodbyes
_MAX_BATCH_PAUSE = 0.25  # seconds

_draining = False


async def startup() -> None:
    """Start the hub; servers without the lifespan protocol start it with their first connection.

    Returns once this process is registered, or the registry did not answer.
    """
    tracker = start_hub().tracker
    if tracker is not None:
        await tracker.told()


def begin_drain() -> None:
    """Say from now on that this process takes no more work (/readyz, new sockets)."""
    global _draining
    _draining = True


def is_draining() -> bool:
    """Whether the process is about to stop."""
    return _draining


async def drain(within: float) -> None:
    """Close all sockets with 1012, in batches, and wait for their end, at most `within` seconds."""
    begin_drain()
    hub = running_hub()
    if hub is None:
        return
    for room in hub.directory.rooms.values():
        room.flush()
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    connections = list(hub.directory.connections)
    size = max(50, math.ceil(len(connections) / _BATCHES))
    pause = min(_MAX_BATCH_PAUSE, within * _SPREAD / _BATCHES)
    for start in range(0, len(connections), size):
        if start:
            await asyncio.sleep(pause)
        for connection in connections[start : start + size]:
            connection.end(CloseCode.RESTART)
    while hub.directory.connections and loop.time() < deadline:  # noqa: ASYNC110  (a poll of 20 ms, once in a process's life)
        await asyncio.sleep(0.02)
    if hub.directory.connections:
        logger.warning("%d sockets did not say goodbye in time.", len(hub.directory.connections))


async def shutdown() -> None:
    """Stop the hub; users who are still here are handed over."""
    await stop_hub()


async def check_registry() -> str:
    """Return "ok" if presence's registry answers, or is not needed; raises RegistryAway."""
    if settings.FLOWRA_PRESENCE_ENABLED:
        await asyncio.to_thread(get_registry().ping)
    return "ok"


async def check_layer() -> str:
    """Return "ok", or what keeps events from reaching other processes; at most FLOWRA_PUBLISH_TIMEOUT seconds."""
    layer = get_layer()
    if not is_shared(layer):
        return "ok"
    try:
        async with asyncio.timeout(settings.FLOWRA_PUBLISH_TIMEOUT):
            await layer.group_send("readiness", {"type": "readiness"})
    except Exception as error:  # noqa: BLE001  (the answer is the failure)
        logger.warning("The channel layer does not answer: %r", error)
        return f"does not answer ({type(error).__name__})"
    return "ok"
