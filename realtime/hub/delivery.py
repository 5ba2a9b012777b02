"""Layer events to the local connections they concern."""

from __future__ import annotations

import time

from realtime.broker.events import Audience, LayerEvent
from realtime.hub.connections import ConnectionRegistry
from realtime.hub.membership import Membership
from realtime.hub.presence.feed import PresenceFeed
from realtime.hub.presence.watching import WatchFeed
from realtime.hub.resyncs import Resyncs
from realtime.hub.unread import UnreadFeed
from realtime.hub.workspaces import WorkspaceFeed
from realtime.outbox.frame import Frame


class Delivery:
    """Passes each event to the rooms, users or feeds it is for; runs in the event loop's thread."""

    def __init__(
        self,
        registry: ConnectionRegistry,
        membership: Membership,
        *,
        unread: UnreadFeed,
        workspaces: WorkspaceFeed,
        presence: PresenceFeed,
        watching: WatchFeed,
        resyncs: Resyncs,
    ) -> None:
        self._registry = registry
        self._membership = membership
        self._unread = unread
        self._workspaces = workspaces
        self._presence = presence
        self._watching = watching
        self._resyncs = resyncs
        # Announcements that have arrived, by id and group, and when by the monotonic clock; the oldest are first.
        self.arrived: dict[tuple[int, str], float] = {}

    def deliver(self, event: LayerEvent) -> None:
        """Deliver an event to the connections of this process."""
        if event.announcement:
            self.arrived[event.announcement, event.group] = time.monotonic()
        match event.audience:
            case Audience.CHAT:
                room = self._registry.rooms.get(event.chat_id) if event.chat_id else None
                if room is not None:
                    self._membership.deliver(room, event)
                    if event.changes_members:
                        self._presence.members_changed(room)
            case Audience.UNREAD | Audience.MEMBERS:
                self._unread.put(event)
                if event.user_ids and event.audience is Audience.MEMBERS:  # it is new, and these are in it
                    self._watching.ask_recheck(event.user_ids)
            case Audience.WORKSPACE:
                self._workspaces.put(event)
            case Audience.PRESENCE:
                if event.presence is not None:
                    self._presence.put(event.presence)
                    self._watching.put(event.presence)
            case Audience.RESYNC:
                self._resyncs.ask("behind")
            case Audience.USER | Audience.JOINED | Audience.LEFT:
                if event.chat_id and not event.payload:  # they are in the chat from now on
                    self._watching.ask_recheck(event.user_ids)
                self._unread.put_read(event)
                self._deliver_to_users(event)

    def _deliver_to_users(self, event: LayerEvent) -> None:
        frame = Frame(event.payload) if event.payload else None
        for connection in self._registry.of_users(set(event.user_ids)):
            if event.display_name:
                connection.display_name = event.display_name
            if event.audience is Audience.JOINED and event.workspace_id is not None:
                self._registry.enter_workspace(connection, event.workspace_id)
            elif event.audience is Audience.LEFT and event.workspace_id is not None:
                self._registry.leave_workspace(connection, event.workspace_id)
            if frame is not None:
                connection.outbox.put(frame)
