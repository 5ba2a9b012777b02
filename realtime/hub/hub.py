"""This process's end of the channel layer: events from anywhere to the local connections they concern.

The process owns one layer channel. An event is handed to local subscribers at once and crosses the layer once for
each other process. Everything here runs in the hub's event loop; `publish` may be called from any thread.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings

from chats.selectors.chats import members_among
from presence.process.tracker import Tracker
from presence.registry.base import get_registry
from realtime import metrics
from realtime.background import deletions, indexing
from realtime.background.announcements import Announcements
from realtime.background.repair import Repairer
from realtime.background.revocation import Watcher
from realtime.broker.channel_layers import get_layer, is_shared
from realtime.broker.events import EVERYBODY, Audience, LayerEvent, chat_group, from_layer, user_group
from realtime.broker.groups import GroupKeeper, open_channel
from realtime.broker.installations import run_telling
from realtime.broker.probes import Probes
from realtime.broker.publisher import Publisher, send_directly, send_now
from realtime.database import run_in_db_thread
from realtime.hub.connections import Directory
from realtime.hub.gauges import Sampler
from realtime.hub.presence import PresenceFeed
from realtime.hub.resyncs import Resyncs
from realtime.hub.rooms import Room, Subscription
from realtime.hub.supervisor import Supervisor, is_running_here
from realtime.hub.unread import ActivityFeed
from realtime.hub.workspaces import WorkspaceFeed
from realtime.limits import refusals
from realtime.limits.posts import post_limit
from realtime.limits.shared import Quota
from realtime.limits.store import make_store
from realtime.outbox.connection import Connection, resync
from realtime.outbox.frame import Frame
from realtime.protocol.frames import ResyncReason

logger = logging.getLogger(__name__)
CHECK_RETRY_DELAY = 1.0  # seconds, while the database cannot say who is a member


class Hub:
    """Connections, rooms and background tasks of one process."""

    def __init__(self) -> None:
        self.origin = uuid.uuid4().hex
        self.directory = Directory(self._acquire, self._release)
        self.activity = ActivityFeed(self.directory)
        self.announcements = Announcements(self)
        self.workspaces = WorkspaceFeed(self.directory)
        self.presence = PresenceFeed(self)
        self.quota = Quota(make_store(), post_limit)
        self.tracker: Tracker | None = None  # None where presence is switched off
        self._supervisor = Supervisor()
        self._checks: dict[UUID, asyncio.Task[None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._groups: GroupKeeper | None = None
        self._publisher: Publisher | None = None
        self._receiving = asyncio.Event()
        self._channel = ""  # this process's, while it receives
        self._probes = Probes()
        self._resyncs = Resyncs(self.directory)
        self._receiver_starts = 0

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The event loop that everything here runs in, until it stops."""
        return self._loop

    async def hear_itself(self) -> None:
        """Return once something that was sent to this process's channel came back; the caller bounds the time."""
        await self._receiving.wait()
        await self._probes.round_trip(get_layer(), self._channel)

    # --- Life -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the background tasks in the running event loop."""
        layer = get_layer()
        self._loop = asyncio.get_running_loop()
        self._supervisor.start("changes", self.activity.run_changes)
        self._supervisor.start("unread", self.activity.run_unread)
        self._supervisor.start("workspace members", self.workspaces.run_moves)
        self._supervisor.start("names", self.workspaces.run_states)
        self._supervisor.start("repair", Repairer(self).run)
        self._supervisor.start("resyncs", self._resyncs.run)
        self._supervisor.start("announcements", self.announcements.run)
        self._supervisor.start("watch", Watcher(self.directory).run)
        self._supervisor.start("sampler", Sampler(self.directory).run)
        self._supervisor.start("met limits", refusals.run)
        self._supervisor.start("deletions", deletions.run)
        self._supervisor.start("indexing", indexing.run)
        if self.quota.is_shared:
            self._supervisor.start("limits", self.quota.run)
        if settings.FLOWRA_PRESENCE_ENABLED:
            self.tracker = Tracker(get_registry(), run_in_db_thread)
            for name, run in self.tracker.tasks.items():
                self._supervisor.start(name, run)
        if not is_shared(layer):
            return
        if hasattr(layer, "on_reconnected"):
            layer.on_reconnected(self._broker_came_back)
        self._publisher = Publisher(layer, self.origin)
        if settings.REDIS_URL:
            self._supervisor.start("neighbours", lambda: run_telling(self.origin))
        self._supervisor.start("publisher", self._publisher.run)
        self._supervisor.start("receiver", self._receive)

    async def stop(self) -> None:
        """Stop the background tasks; connections are closed by then."""
        self._loop = None
        await self._supervisor.stop()
        await self.presence.stop()
        await self.quota.stop()
        if self.tracker is not None:
            await self.tracker.leave()
        for task in (checks := list(self._checks.values())):
            task.cancel()
        await asyncio.gather(*checks, return_exceptions=True)

    async def _receive(self) -> None:
        """Take events from the layer, for ever: a fresh channel, the groups, then one event after the other."""
        layer = get_layer()
        began = time.monotonic()
        self._receiver_starts += 1
        channel = await open_channel(layer)
        self._groups = GroupKeeper(layer, channel)
        for group in (EVERYBODY, *self.directory.wanted_groups()):
            self._groups.acquire(group)
        self._channel = channel
        self._receiving.set()
        if self._receiver_starts > 1 or time.monotonic() - began > settings.FLOWRA_PUBLISH_TIMEOUT:
            self._broker_came_back()
        try:
            # The two live and die together: without its groups the channel would stay silent for ever.
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._groups.run())
                while True:
                    self._take(await layer.receive(channel))
        finally:
            self._receiving.clear()
            self._groups = None

    def _take(self, message: dict[str, Any]) -> None:
        if self._probes.take(message):
            return
        try:
            event = from_layer(message, self.origin)
        except (msgspec.MsgspecError, KeyError, TypeError) as error:
            logger.warning("An event from another process cannot be read: %r", error)
            return
        if event is not None:
            self.deliver(event)

    def _broker_came_back(self) -> None:
        logger.info("The broker's connection came back; clients resync.")
        metrics.layer_reconnects.inc()
        self.presence.forget()  # changes, and members who came or went, may have been told meanwhile
        self._resyncs.ask("broker")

    def _acquire(self, group: str) -> None:
        self.announcements.begin(group)
        if self._groups is not None:
            self._groups.acquire(group)

    def _release(self, group: str) -> None:
        self.announcements.end(group)
        if self._groups is not None:
            self._groups.release(group)

    async def _joined(self, group: str) -> None:
        """Wait until events of `group` reach this process; without the broker it is local for now."""
        if self._publisher is None:
            return
        try:
            async with asyncio.timeout(settings.FLOWRA_PUBLISH_TIMEOUT):
                await self._receiving.wait()
                if self._groups is not None:
                    await self._groups.joined(group)
        except TimeoutError:
            logger.info("The group %s is not joined yet.", group)

    # --- Connections ----------------------------------------------------------------------------

    async def register(self, connection: Connection, workspace_ids: set[UUID]) -> None:
        """Take a connection in; returns when events for its user reach it, and its user is online."""
        self.directory.add(connection, workspace_ids)
        sequence = self.tracker.arrive(connection.user_id) if self.tracker is not None else 0
        await self._joined(user_group(connection.user_id))
        if self.tracker is not None:
            await self.tracker.wait_synced(sequence)

    def unregister(self, connection: Connection) -> None:
        """Forget a connection that has ended, if it was taken in."""
        if self.directory.remove(connection) and self.tracker is not None:
            self.tracker.depart(connection.user_id)

    async def subscribe(self, connection: Connection, chat_id: UUID) -> Subscription:
        """Join the chat's room, with live events held back until `Subscription.release`."""
        subscription = self.directory.join_room(connection, chat_id)
        await self._joined(chat_group(chat_id))
        return subscription

    def confirm_subscription(
        self, subscription: Subscription, chat_id: UUID, *, revision: int, access_version: int
    ) -> bool:
        """Start the room's revisions where the subscriber has read the chat; returns False if it must read again.

        It must where the room knows a later `access_version`: the membership that was read may have ended.
        """
        room = self.directory.rooms.get(chat_id)
        if room is None or subscription.is_revoked or room.required_version > access_version:
            return False
        room.require(access_version)
        if room.access_version is None:
            room.access_version = access_version
        elif room.needs_check:
            self.check_members(room)
        room.revisions.start_at(revision)
        return True

    def close_room(self, chat_id: UUID, reason: ResyncReason) -> None:
        """Put everybody out of a room and have them load again what they may still see."""
        room = self.directory.rooms.get(chat_id)
        if room is None:
            return
        evicted = list(room.subscriptions)
        for connection in evicted:
            self.directory.evict(connection, chat_id)
        resync(evicted, reason)

    # --- Events ---------------------------------------------------------------------------------

    def publish(self, event: LayerEvent) -> None:
        """Deliver `event` here and give it to the other processes; from any thread, never waits."""
        loop = self._loop
        if loop is None:
            return
        if is_running_here(loop):
            self._publish_here(event)
            return
        try:
            loop.call_soon_threadsafe(self._publish_here, event)
        except RuntimeError:
            logger.info("The event loop has ended; an event is left to the repair of other processes.")

    def _publish_here(self, event: LayerEvent) -> None:
        self.deliver(event)
        if self._publisher is not None:
            self._publisher.put(event)

    async def publish_confirmed(self, event: LayerEvent) -> None:
        """Deliver `event` here, and return once the broker has it for the others; raises NotPublished."""
        self.deliver(event)
        if self._publisher is not None:
            await self._publisher.send(event)

    def deliver(self, event: LayerEvent) -> None:
        """Hand an event to the local connections it concerns."""
        if event.announcement:
            self.announcements.hear(event)
        if event.audience is Audience.CHAT:
            self._deliver_to_room(event)
        elif event.audience is Audience.ACTIVITY or event.audience is Audience.MEMBERS:
            if event.workspace_id in self.directory.by_workspace:
                self.activity.put(event)
        elif event.audience is Audience.WORKSPACE:
            self.workspaces.put(event)
        elif event.audience is Audience.RESYNC:
            self._resyncs.ask("behind")
        elif event.audience is Audience.PRESENCE:
            if event.presence is not None:
                self.presence.take(event.presence)
        else:
            self.activity.put_read(event)
            for user_id in event.user_ids:
                self._deliver_to_user(event, user_id)

    def _deliver_to_room(self, event: LayerEvent) -> None:
        room = self.directory.rooms.get(event.chat_id) if event.chat_id else None
        if room is None:
            return
        room.require(event.access_version)
        if event.changes_members:
            room.presence.forget()
        if not room.needs_check and not room.waiting:
            room.fan_out(event)
            return
        room.waiting.append(event)
        if room.is_overloaded:
            self.close_room(room.chat_id, "overload")
        else:
            self.check_members(room)

    def _deliver_to_user(self, event: LayerEvent, user_id: UUID) -> None:
        frame = Frame(event.payload) if event.payload else None
        for connection in list(self.directory.by_user.get(user_id, ())):
            if event.display_name:
                connection.display_name = event.display_name
            if event.audience is Audience.JOINED and event.workspace_id is not None:
                self.directory.enter_workspace(connection, event.workspace_id)
            elif event.audience is Audience.LEFT and event.workspace_id is not None:
                self.directory.leave_workspace(connection, event.workspace_id)
            if frame is not None:
                connection.outbox.put(frame)

    # --- Membership -----------------------------------------------------------------------------

    def check_members(self, room: Room) -> None:
        """Find out, in the background, who of a room's subscribers is still a member."""
        if room.chat_id in self._checks:
            return
        task = asyncio.get_running_loop().create_task(self._check_members(room))
        self._checks[room.chat_id] = task
        task.add_done_callback(lambda _: self._checks.pop(room.chat_id, None))

    async def _check_members(self, room: Room) -> None:
        while room.needs_check and self.directory.rooms.get(room.chat_id) is room:
            version = room.required_version
            user_ids = {connection.user_id for connection in room.subscriptions}
            try:
                members = await run_in_db_thread(members_among, room.chat_id, user_ids)
            except Exception:
                # Nobody gets anything meanwhile: waiting is safe, guessing is not. `room.waiting` is bounded.
                logger.exception("Members of the chat %s cannot be checked; trying again.", room.chat_id)
                await asyncio.sleep(CHECK_RETRY_DELAY)
                continue
            # Who subscribed while the query ran was not asked about; they read their own membership after it.
            newcomers = {connection.user_id for connection in room.subscriptions} - user_ids
            for connection in room.checked(version, members | newcomers):
                self.directory.leave_room(connection, room.chat_id)


_hub: Hub | None = None


def start_hub() -> Hub:
    """Return this process's hub, started in the running event loop on first use."""
    global _hub
    if _hub is None:
        _hub = Hub()
        _hub.start()
    return _hub


def running_hub() -> Hub | None:
    """Return this process's hub if it was started."""
    return _hub


async def stop_hub() -> None:
    """Stop and forget this process's hub."""
    global _hub
    hub, _hub = _hub, None
    if hub is not None:
        await hub.stop()


def publish(event: LayerEvent) -> None:
    """Send `event` to whomever it concerns, from any thread of any process; never raises for a broker that is away."""
    hub = _hub
    if hub is not None:
        hub.publish(event)
        return
    layer = get_layer()
    if is_shared(layer):
        send_directly(layer, event)


async def publish_confirmed(event: LayerEvent) -> None:
    """Send `event` as `publish` does; raises what keeps it from the other processes."""
    hub = _hub
    if hub is not None:
        await hub.publish_confirmed(event)
        return
    layer = get_layer()
    if is_shared(layer):
        await send_now(layer, event)
