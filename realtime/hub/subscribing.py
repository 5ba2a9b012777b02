"""How a connection starts to receive events, its user's, those of chats and of people, without missing any."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from uuid import UUID

from presence.changes import PresenceEntry
from presence.process.tracker import Tracker
from realtime.broker.events import chat_group, user_group, workspace_group
from realtime.broker.receiver import Receiver
from realtime.hub.connections import ConnectionRegistry
from realtime.hub.membership import Membership
from realtime.hub.presence.watching import WatchFeed
from realtime.hub.rooms import Subscription
from realtime.outbox.connection import Connection


class Subscribing:
    """Registers and subscribes connections. `tracker` is None without presence."""

    def __init__(
        self,
        registry: ConnectionRegistry,
        membership: Membership,
        watching: WatchFeed,
        tracker: Tracker | None,
        receiver: Receiver,
    ) -> None:
        self._registry = registry
        self._membership = membership
        self._watching = watching
        self._tracker = tracker
        self._receiver = receiver

    async def register(self, connection: Connection, workspace_ids: set[UUID]) -> None:
        """Add a connection; returns when events for its user reach it, and its user is online."""
        self._registry.add(connection, workspace_ids)
        sequence = self._tracker.arrive(connection.user_id) if self._tracker is not None else 0
        await self._receiver.wait_joined(user_group(connection.user_id))
        if self._tracker is not None:
            await self._tracker.wait_synced(sequence)

    def unregister(self, connection: Connection) -> None:
        """Remove a connection that has ended, if it was added."""
        self._watching.forget(connection)
        if self._registry.remove(connection) and self._tracker is not None:
            self._tracker.depart(connection.user_id)

    async def subscribe(self, connection: Connection, chat_id: UUID, *, background: bool = False) -> Subscription:
        """Subscribe to a chat, with live frames held back until `Subscription.release`; `background`: see Interest.

        From the return on no event of the chat is missed, so it is read, and `confirm_subscription` called, after that.
        """
        subscription = self._registry.subscribe(connection, chat_id, background=background)
        await self._receiver.wait_joined(chat_group(chat_id))
        return subscription

    def confirm_subscription(self, subscription: Subscription, *, revision: int, access_version: int) -> bool:
        """Confirm a subscription with what was read about the chat; returns False where it has to be read again.

        It has to where the room has seen a later `access_version`: the membership that was read may have ended.
        """
        room = subscription.room
        if subscription.has_ended or not self._membership.confirm(room, access_version):
            return False
        room.revisions.start_at(revision)
        return True

    async def watch(self, connection: Connection, user_ids: Collection[UUID]) -> list[PresenceEntry]:
        """Watch these users instead of those before, with changes held back until `WatchFeed.release`.

        Returns those of them whom the connection may watch, each as they are now. Raises RegistryUnavailable and
        CannotWatch; then nobody is watched.
        """
        self._watching.begin(connection, user_ids)
        try:
            # Whom the connection may watch shares one of these workspaces.
            groups = [workspace_group(workspace_id) for workspace_id in connection.workspaces]
            await asyncio.gather(*(self._receiver.wait_joined(group) for group in groups))
            return await self._watching.read(connection)
        except BaseException:
            self._watching.forget(connection)
            raise
