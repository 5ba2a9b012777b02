"""Events from the channel layer to this process: one channel, in the groups that are needed here."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable
from typing import Any

import msgspec
from django.conf import settings

from realtime.broker.channel_layers import is_shared
from realtime.broker.events import EVERYBODY, LayerEvent, from_layer
from realtime.broker.groups import GroupKeeper, open_channel

logger = logging.getLogger(__name__)
PROBE = "hub.probe"  # type of the layer message that a process sends to itself


class Receiver:
    """Receives for the process `origin`. Where the layer reaches no other process there is nothing to receive."""

    def __init__(self, layer: Any, origin: str) -> None:
        self._layer = layer
        self._origin = origin
        self._is_shared = is_shared(layer)
        self._needed = {EVERYBODY}
        self._groups: GroupKeeper | None = None  # while it receives
        self._channel = ""
        self._is_receiving = asyncio.Event()
        self._probes: dict[str, asyncio.Event] = {}  # by id, of those that have not arrived yet
        self._starts = 0

    def acquire(self, group: str) -> None:
        """Be in `group` from now on."""
        self._needed.add(group)
        if self._groups is not None:
            self._groups.acquire(group)

    def release(self, group: str) -> None:
        """Be in `group` no longer."""
        self._needed.discard(group)
        if self._groups is not None:
            self._groups.release(group)

    async def wait_joined(self, group: str) -> None:
        """Return when events of `group` reach this process, or after FLOWRA_PUBLISH_TIMEOUT seconds."""
        if not self._is_shared:
            return
        try:
            async with asyncio.timeout(settings.FLOWRA_PUBLISH_TIMEOUT):
                await self._is_receiving.wait()
                if self._groups is not None:
                    await self._groups.joined(group)
        except TimeoutError:
            logger.info("The group %s is not joined yet.", group)

    async def round_trip(self) -> None:
        """Send a probe to this process's channel and return when it has arrived; the caller bounds the time.

        A broker's account that may publish and not subscribe is refused in the reader, where nothing else notices it.
        Raises what the layer raises.
        """
        await self._is_receiving.wait()
        probe_id = uuid.uuid4().hex
        arrived = self._probes[probe_id] = asyncio.Event()
        try:
            await self._layer.send(self._channel, {"type": PROBE, "id": probe_id})
            await arrived.wait()
        finally:
            del self._probes[probe_id]

    async def run(self, *, deliver: Callable[[LayerEvent], None], events_lost: Callable[[], None]) -> None:
        """Open a channel, join the groups, then receive one event after the other, for ever.

        `deliver` gets the events of other processes; `events_lost` is called where some may not have arrived.
        """
        began = time.monotonic()
        self._starts += 1
        channel = await open_channel(self._layer)
        self._groups = GroupKeeper(self._layer, channel)
        for group in sorted(self._needed):
            self._groups.acquire(group)
        self._channel = channel
        self._is_receiving.set()
        if self._starts > 1 or time.monotonic() - began > settings.FLOWRA_PUBLISH_TIMEOUT:
            events_lost()
        try:
            # Both end together: without its groups the channel would receive nothing.
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._groups.run())
                while True:
                    self._receive(await self._layer.receive(channel), deliver)
        finally:
            self._is_receiving.clear()
            self._groups = None

    def _receive(self, message: dict[str, Any], deliver: Callable[[LayerEvent], None]) -> None:
        if message.get("type") == PROBE:
            if message["id"] in self._probes:
                self._probes[message["id"]].set()
            return
        try:
            event = from_layer(message, self._origin)
        except (msgspec.MsgspecError, KeyError, TypeError) as error:
            logger.warning("An event from another process cannot be read: %r", error)
            return
        if event is not None:
            deliver(event)
