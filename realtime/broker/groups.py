"""This process's one channel and the groups it is in."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from realtime import metrics

logger = logging.getLogger(__name__)
RETRY_DELAY = 1.0  # seconds between tries while the broker fails


class GroupKeeper:
    """Keeps the process's channel in the groups that are needed.

    A group is joined for its first local subscriber and left with its last. One task makes one change after the other,
    so that a join and a leave of a group cannot overtake each other, and retries while the broker fails.
    """

    def __init__(self, layer: Any, channel: str) -> None:
        self._layer = layer
        self._channel = channel
        self._wanted: set[str] = set()
        self._joined: set[str] = set()
        self._leaving: set[str] = set()  # the layer was asked to leave them, and may not have done so
        self._changed: dict[str, None] = {}  # groups to update, in order
        self._wake = asyncio.Event()
        self._waiters: dict[str, asyncio.Future[None]] = {}

    def acquire(self, group: str) -> None:
        """Be in `group` from now on."""
        self._wanted.add(group)
        self._schedule(group)

    def release(self, group: str) -> None:
        """Be in `group` no longer."""
        self._wanted.discard(group)
        self._schedule(group)

    async def joined(self, group: str) -> None:
        """Return when `group` is joined; the caller sets a time-out."""
        if group in self._joined:
            return
        waiter = self._waiters.setdefault(group, asyncio.get_running_loop().create_future())
        await asyncio.shield(waiter)  # several callers may wait for it

    async def run(self) -> None:
        """Make changes at the layer, for ever."""
        while True:
            await self._wake.wait()
            while self._changed:
                group = next(iter(self._changed))
                del self._changed[group]
                await self._update(group)
            self._wake.clear()

    def _schedule(self, group: str) -> None:
        self._changed.setdefault(group)
        self._wake.set()

    async def _update(self, group: str) -> None:
        wanted = group in self._wanted
        try:
            if wanted and group not in self._joined:
                await self._layer.group_add(group, self._channel)
                self._leaving.discard(group)
                self._joined.add(group)
            elif not wanted and (group in self._joined or group in self._leaving):
                # Before the layer is asked, so that a caller of `joined` waits until it is joined again.
                self._joined.discard(group)
                self._leaving.add(group)
                await self._layer.group_discard(group, self._channel)
                self._leaving.discard(group)
        except Exception as error:  # noqa: BLE001  (whatever a layer raises, it is tried again)
            metrics.layer_failures.labels("join" if wanted else "leave").inc()
            logger.warning("Cannot %s the group %s yet: %r", "join" if wanted else "leave", group, error)
            self._schedule(group)
            await asyncio.sleep(RETRY_DELAY)
            return
        if group in self._wanted and group not in self._joined:
            return  # it was needed again while it was left, and is updated next
        waiter = self._waiters.pop(group, None)
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


async def open_channel(layer: Any) -> str:
    """Return a new channel to receive from, as soon as the broker gives one."""
    is_logged = False
    while True:
        try:
            channel: str = await layer.new_channel()
        except Exception as error:  # noqa: BLE001  (whatever a layer raises, it is tried again)
            metrics.layer_failures.labels("listen").inc()
            if not is_logged:
                logger.warning("The broker does not let this process listen; it goes on trying: %r", error)
            is_logged = True
            await asyncio.sleep(RETRY_DELAY)
        else:
            return channel
