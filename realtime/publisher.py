"""Events on their way to the other processes: one after the other, bounded in time and number.

A broker that is away costs the sender nothing: events are delivered to this process's own sockets first, and what the
others were not told they find by themselves (realtime/repair.py).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings

from realtime import metrics
from realtime.envelope import Event, to_layer

logger = logging.getLogger(__name__)
PAUSE_AFTER_FAILURE = 1.0  # seconds without another try; events of that time are left to the repair


class Publisher:
    """Sends events to the layer in order; its owner runs `run` in the event loop."""

    def __init__(self, layer: Any, origin: str) -> None:
        self._layer = layer
        self._origin = origin
        self._queue: deque[Event] = deque()
        self._wake = asyncio.Event()
        self._retry_at = 0.0
        self.is_broker_away = False

    def put(self, event: Event) -> None:
        """Queue `event`; over the bound it is dropped and counted."""
        if len(self._queue) >= settings.FLOWRA_PUBLISH_QUEUE:
            metrics.events_unannounced.inc()
            return
        self._queue.append(event)
        self._wake.set()

    async def run(self) -> None:
        """Send what is queued, for ever."""
        while True:
            await self._wake.wait()
            while self._queue:
                await self._send(self._queue.popleft())
            self._wake.clear()

    async def _send(self, event: Event) -> None:
        if time.monotonic() < self._retry_at:
            metrics.events_unannounced.inc()
            return
        try:
            async with asyncio.timeout(settings.FLOWRA_PUBLISH_TIMEOUT):
                await self._layer.group_send(event.group, to_layer(event, self._origin))
        except Exception as error:  # noqa: BLE001  (the message is stored whatever a layer raises)
            metrics.events_unannounced.inc()
            self._retry_at = time.monotonic() + PAUSE_AFTER_FAILURE
            if not self.is_broker_away:
                logger.warning("The broker does not take events; other processes catch up by repair: %r", error)
            self.is_broker_away = True
        else:
            if self.is_broker_away:
                logger.info("The broker takes events again.")
            self.is_broker_away = False


_direct_retry_at = 0.0


def send_directly(layer: Any, event: Event) -> None:
    """Send one event from a process without sockets (`manage.py`); at most FLOWRA_PUBLISH_TIMEOUT seconds."""
    global _direct_retry_at
    if time.monotonic() < _direct_retry_at:
        metrics.events_unannounced.inc()
        return

    async def send() -> None:
        async with asyncio.timeout(settings.FLOWRA_PUBLISH_TIMEOUT):
            await layer.group_send(event.group, to_layer(event, ""))

    try:
        async_to_sync(send)()
    except Exception as error:  # noqa: BLE001  (as above)
        metrics.events_unannounced.inc()
        _direct_retry_at = time.monotonic() + PAUSE_AFTER_FAILURE * 5
        logger.warning("The broker does not take events; servers catch up by repair: %r", error)
