"""Which connections this process has, and what they are subscribed to."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable
from uuid import UUID

from django.utils import timezone

from realtime import metrics
from realtime.broker.events import chat_group, user_group, workspace_group
from realtime.hub.rooms import Room, Subscription
from realtime.outbox.connection import Connection


class ConnectionRegistry:
    """Connections by user and by workspace, and the rooms of the chats they are subscribed to.

    `acquire` is called with a layer group when the first connection here needs it, `release` when none does any more.
    """

    def __init__(self, acquire: Callable[[str], None], release: Callable[[str], None]) -> None:
        self.connections: set[Connection] = set()
        self.by_user: dict[UUID, set[Connection]] = {}
        self.by_workspace: dict[UUID, set[Connection]] = {}
        self.rooms: dict[UUID, Room] = {}
        self.groups: dict[str, datetime.datetime] = {}  # needed here, since when by this machine's clock
        self._acquire = acquire
        self._release = release

    def add(self, connection: Connection, workspace_ids: set[UUID]) -> None:
        """Add a connection whose user is in these workspaces."""
        self.connections.add(connection)
        connection.outbox.direct_changed = functools.partial(self._invalidate_write_targets, connection)
        metrics.connections.set(len(self.connections))
        mine = self.by_user.setdefault(connection.user_id, set())
        mine.add(connection)
        if len(mine) == 1:
            self._need_group(user_group(connection.user_id))
        for workspace_id in workspace_ids:
            self.enter_workspace(connection, workspace_id)

    def remove(self, connection: Connection) -> bool:
        """Remove a connection and its subscriptions; returns False where it is not known."""
        if connection not in self.connections:
            return False
        for chat_id in list(connection.chats):
            self.unsubscribe(connection, chat_id)
        for workspace_id in list(connection.workspaces):
            self.leave_workspace(connection, workspace_id)
        self.connections.discard(connection)
        metrics.connections.set(len(self.connections))
        mine = self.by_user[connection.user_id]
        mine.discard(connection)
        if not mine:
            del self.by_user[connection.user_id]
            self._drop_group(user_group(connection.user_id))
        return True

    def enter_workspace(self, connection: Connection, workspace_id: UUID) -> None:
        """Have the connection receive the workspace's events."""
        if workspace_id in connection.workspaces:
            return
        connection.workspaces.add(workspace_id)
        inside = self.by_workspace.setdefault(workspace_id, set())
        inside.add(connection)
        if len(inside) == 1:
            self._need_group(workspace_group(workspace_id))

    def leave_workspace(self, connection: Connection, workspace_id: UUID) -> None:
        """Undo `enter_workspace`."""
        if workspace_id not in connection.workspaces:
            return
        connection.workspaces.discard(workspace_id)
        inside = self.by_workspace[workspace_id]
        inside.discard(connection)
        if not inside:
            del self.by_workspace[workspace_id]
            self._drop_group(workspace_group(workspace_id))

    def subscribe(self, connection: Connection, chat_id: UUID, *, background: bool = False) -> Subscription:
        """Subscribe the connection to a chat, anew if it was, with live frames held back until `release`."""
        room = self.rooms.get(chat_id)
        if room is None:
            room = self.rooms[chat_id] = Room(chat_id)
            self._need_group(chat_group(chat_id))
        if chat_id not in connection.chats:
            connection.chats.add(chat_id)
            metrics.subscriptions.inc()
        self._set_background(connection, chat_id, background)
        return room.subscribe(connection)

    def unsubscribe(self, connection: Connection, chat_id: UUID) -> None:
        """End the connection's subscription to a chat, if it has one."""
        if chat_id in connection.chats:
            connection.chats.discard(chat_id)
            metrics.subscriptions.dec()
            self._set_background(connection, chat_id, False)
        room = self.rooms.get(chat_id)
        if room is None:
            return
        room.unsubscribe(connection)
        if not room.subscriptions:
            del self.rooms[chat_id]
            self._drop_group(chat_group(chat_id))

    def begin_watching(self, connection: Connection) -> None:
        """From now on the connection gets counts in place of each change of presence in its chats."""
        if not connection.has_watched:
            connection.has_watched = True
            self._invalidate_write_targets(connection)

    def of_users(self, user_ids: set[UUID]) -> list[Connection]:
        """Return all connections of these users."""
        return [connection for user_id in user_ids for connection in self.by_user.get(user_id, ())]

    def of_workspaces(self, workspace_ids: set[UUID]) -> set[Connection]:
        """Return all connections that receive events of one of these workspaces."""
        return {one for workspace_id in workspace_ids for one in self.by_workspace.get(workspace_id, ())}

    def _set_background(self, connection: Connection, chat_id: UUID, background: bool) -> None:
        if background and chat_id not in connection.background:
            connection.background.add(chat_id)
            metrics.background_subscriptions.inc()
        elif not background and chat_id in connection.background:
            connection.background.discard(chat_id)
            metrics.background_subscriptions.dec()

    def _invalidate_write_targets(self, connection: Connection) -> None:
        for chat_id in connection.chats:
            room = self.rooms.get(chat_id)
            if room is not None:
                room.write_targets.invalidate()

    def _need_group(self, group: str) -> None:
        self.groups[group] = timezone.now()
        self._acquire(group)

    def _drop_group(self, group: str) -> None:
        del self.groups[group]
        self._release(group)
