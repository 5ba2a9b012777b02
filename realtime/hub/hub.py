"""What a process with sockets consists of: its parts, how they are connected, and how long they live.

An event is delivered to local connections at once and crosses the channel layer once for all other processes.
Everything here runs in the hub's event loop; only `publish` may be called from any thread.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping

from django.conf import settings

from presence.process.tracker import Tracker
from presence.registry.current import get_registry
from realtime import database, metrics
from realtime.broker.channel_layers import get_layer, is_shared
from realtime.broker.events import LayerEvent
from realtime.broker.installations import run_telling
from realtime.broker.publisher import Publisher
from realtime.broker.receiver import Receiver
from realtime.hub.connections import ConnectionRegistry
from realtime.hub.delivery import Delivery
from realtime.hub.membership import Membership
from realtime.hub.presence.feed import PresenceFeed
from realtime.hub.presence.watching import WatchFeed
from realtime.hub.resyncs import Resyncs
from realtime.hub.subscribing import Subscribing
from realtime.hub.unread import UnreadFeed
from realtime.hub.workspaces import WorkspaceFeed
from realtime.limits.posts import post_limit
from realtime.limits.shared import Quota
from realtime.limits.store import make_store
from realtime.limits.typing import TypingGate
from realtime.supervisor import Supervisor, is_running_here

logger = logging.getLogger(__name__)
CATCH_UP_SHARE = 0.5  # of the database threads: the others are left to handshakes, posts and single reads


class Hub:
    """The parts of one process, started and stopped together."""

    def __init__(self) -> None:
        self.origin = uuid.uuid4().hex
        self.loop: asyncio.AbstractEventLoop | None = None  # while it runs
        self.is_leaving = False  # this process is about to stop
        self.is_draining = False  # and closes its sockets
        self.tracker = Tracker(get_registry(), database.run_in_db_thread) if settings.FLOWRA_PRESENCE_ENABLED else None
        self.quota = Quota(make_store(), post_limit)
        self.typing_gate = TypingGate()
        self.catch_up_threads = asyncio.Semaphore(max(1, int(settings.FLOWRA_SOCKET_DB_THREADS * CATCH_UP_SHARE)))
        self._layer = get_layer()
        self._publisher = Publisher(self._layer, self.origin) if is_shared(self._layer) else None
        self._receiver = Receiver(self._layer, self.origin)
        self.registry = ConnectionRegistry(self._receiver.acquire, self._receiver.release)
        self.membership = Membership(self.registry)
        self.presence = PresenceFeed(self.registry, self.membership, self.tracker)
        self.watching = WatchFeed(self.registry)
        self.unread = UnreadFeed(self.registry)
        self.workspaces = WorkspaceFeed(self.registry)
        self.resyncs = Resyncs(self.registry)
        self.delivery = Delivery(
            self.registry,
            self.membership,
            unread=self.unread,
            workspaces=self.workspaces,
            presence=self.presence,
            watching=self.watching,
            resyncs=self.resyncs,
        )
        self.subscribing = Subscribing(self.registry, self.membership, self.watching, self.tracker, self._receiver)
        self._supervisor = Supervisor()

    # --- Lifetime -------------------------------------------------------------------------------

    def start(self, background: Mapping[str, Callable[[], Awaitable[None]]]) -> None:
        """Start all tasks in the running event loop, `background` by name among them."""
        self.loop = asyncio.get_running_loop()
        database.start()
        tasks = {
            "changes": self.unread.run_changes,
            "unread": self.unread.run_unread,
            "workspace members": self.workspaces.run_moves,
            "names": self.workspaces.run_states,
            "watched": self.watching.run,
            "resyncs": self.resyncs.run,
            **background,
        }
        if self.quota.is_shared:
            tasks["limits"] = self.quota.run
        if self.tracker is not None:
            tasks |= self.tracker.tasks
        if self._publisher is not None:
            receive = functools.partial(self._receiver.run, deliver=self.delivery.deliver, events_lost=self.events_lost)
            tasks |= {"publisher": self._publisher.run, "receiver": receive}
            if hasattr(self._layer, "on_reconnected"):
                self._layer.on_reconnected(self.events_lost)
            if settings.REDIS_URL:
                tasks["neighbours"] = functools.partial(run_telling, self.origin)
        for name, run in tasks.items():
            self._supervisor.start(name, run)

    async def stop(self) -> None:
        """Stop the tasks; connections are closed by then."""
        self.loop = None
        self.typing_gate.stop()
        await self._supervisor.stop()
        self.watching.stop()
        await self.presence.stop()
        await self.quota.stop()
        if self.tracker is not None:
            await self.tracker.leave()
        await self.membership.stop()
        database.stop()

    def events_lost(self) -> None:
        """Have all clients load again: the broker's connection came back, and events may not have arrived meanwhile."""
        logger.info("The broker's connection came back; clients resync.")
        metrics.layer_reconnects.inc()
        self.presence.invalidate()
        self.resyncs.ask("broker")

    async def check_receiver(self) -> None:
        """Return when something that was sent to this process's channel has arrived; the caller bounds the time."""
        await self._receiver.round_trip()

    # --- Events ---------------------------------------------------------------------------------

    def publish(self, *events: LayerEvent) -> None:
        """Deliver `events` here and send them to the other processes; from any thread, never waits."""
        loop = self.loop
        if loop is None:
            return
        if is_running_here(loop):
            for event in events:
                self.delivery.deliver(event)
                if self._publisher is not None:
                    self._publisher.put(event)
            return
        try:
            loop.call_soon_threadsafe(self.publish, *events)
        except RuntimeError:
            logger.info("The event loop has ended; events are left to the repair of other processes.")

    async def publish_confirmed(self, event: LayerEvent) -> None:
        """Deliver `event` here, and return when the broker has it for the others; raises NotPublished."""
        self.delivery.deliver(event)
        if self._publisher is not None:
            await self._publisher.send(event)
