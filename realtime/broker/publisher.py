"""Sends events to the other processes: one after the other, bounded in time and number.

A broker that fails delays nobody here, because events are delivered to local sockets first. Other processes find what
they were not sent (realtime/background/repair.py, announcements.py), and all clients load again once the broker works.
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
from realtime.broker.events import EVERYBODY, Audience, LayerEvent, to_layer

logger = logging.getLogger(__name__)
PAUSE_AFTER_FAILURE = 1.0  # seconds without another try; events of that time are dropped


class NotPublished(Exception):
    """An event was not sent to the other processes."""


class Publisher:
    """Sends events to the layer in order; its owner runs `run` in the event loop."""

    def __init__(self, layer: Any, origin: str) -> None:
        self._layer = layer
        self._origin = origin
        self._queue: deque[tuple[LayerEvent, asyncio.Future[None] | None]] = deque()
        self._wake = asyncio.Event()
        self._retry_at = 0.0
        self._owes_resync = False  # something was dropped since the last one
        self.is_failing = False

    def put(self, event: LayerEvent) -> None:
        """Queue `event`; above FLOWRA_PUBLISH_QUEUE it is dropped and counted."""
        self._put(event, None)

    async def send(self, event: LayerEvent) -> None:
        """Queue `event` and return when the broker has it; raises NotPublished."""
        published: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._put(event, published)
        await published

    def _put(self, event: LayerEvent, published: asyncio.Future[None] | None) -> None:
        if len(self._queue) >= settings.FLOWRA_PUBLISH_QUEUE:
            self._drop(published)
            self._wake.set()
            return
        self._queue.append((event, published))
        self._wake.set()

    async def run(self) -> None:
        """Send what is queued, for ever."""
        while True:
            await self._wake.wait()
            while self._queue:
                await self._send(*self._queue.popleft())
            self._wake.clear()
            if self._owes_resync:
                await self._send_resync()

    def _drop(self, published: asyncio.Future[None] | None) -> None:
        """Count an event that is not sent, and raise NotPublished in the caller that waits for it."""
        self._owes_resync = True
        metrics.events_unannounced.inc()
        if published is not None and not published.done():
            published.set_exception(NotPublished("The broker does not take events."))

    async def _send_resync(self) -> None:
        """Have all clients load again, as soon as the broker takes that event; tried once a second."""
        await asyncio.sleep(max(0.0, self._retry_at - time.monotonic()))
        self._owes_resync = False
        if not await self._try_send(LayerEvent(group=EVERYBODY, audience=Audience.RESYNC)):
            self._owes_resync = True
        self._wake.set()  # something may have been queued meanwhile

    async def _send(self, event: LayerEvent, published: asyncio.Future[None] | None) -> None:
        if time.monotonic() < self._retry_at or not await self._try_send(event):
            self._drop(published)
        elif published is not None and not published.done():
            published.set_result(None)

    async def _try_send(self, event: LayerEvent) -> bool:
        """Return whether the broker has taken the event."""
        try:
            async with asyncio.timeout(settings.FLOWRA_PUBLISH_TIMEOUT):
                await self._layer.group_send(event.group, to_layer(event, self._origin))
        except Exception as error:  # noqa: BLE001  (the message is stored whatever a layer raises)
            metrics.layer_failures.labels("publish").inc()
            self._retry_at = time.monotonic() + PAUSE_AFTER_FAILURE
            if not self.is_failing:
                logger.warning("The broker does not take events; other processes catch up by repair: %r", error)
            self.is_failing = True
            return False
        if self.is_failing:
            logger.info("The broker takes events again.")
        self.is_failing = False
        return True


class DirectPublisher:
    """Sends events from a process without a hub, such as `manage.py`."""

    def __init__(self) -> None:
        self._retry_at = 0.0  # on the monotonic clock

    async def send(self, layer: Any, event: LayerEvent) -> None:
        """Send an event within FLOWRA_PUBLISH_TIMEOUT seconds; raises TimeoutError and what the layer raises."""
        async with asyncio.timeout(settings.FLOWRA_PUBLISH_TIMEOUT):
            await layer.group_send(event.group, to_layer(event, ""))

    def send_or_drop(self, layer: Any, event: LayerEvent) -> None:
        """Send an event, from a thread; one that the broker does not take is dropped, and servers find it by repair."""
        if time.monotonic() < self._retry_at:
            metrics.events_unannounced.inc()
            return
        try:
            async_to_sync(self.send)(layer, event)
        except Exception as error:  # noqa: BLE001  (as above)
            metrics.events_unannounced.inc()
            metrics.layer_failures.labels("publish").inc()
            self._retry_at = time.monotonic() + PAUSE_AFTER_FAILURE * 5
            logger.warning("The broker does not take events; servers catch up by repair: %r", error)
