"""Who is connected to this process, and what they listen to."""

from __future__ import annotations

import functools
from collections.abc import Callable
from uuid import UUID

from realtime import metrics
from realtime.broker.events import chat_group, user_group, workspace_group
from realtime.hub.rooms import Room, Subscription
from realtime.outbox.connection import Connection


class Directory:
    """Connections by user and by workspace, and the rooms of the chats they are subscribed to.

    `acquire` is told a layer group with its first listener here, `release` with its last.
    """

    def __init__(self, acquire: Callable[[str], None], release: Callable[[str], None]) -> None:
        self.connections: set[Connection] = set()
        self.by_user: dict[UUID, set[Connection]] = {}
        self.by_workspace: dict[UUID, set[Connection]] = {}
        self.rooms: dict[UUID, Room] = {}
        self._acquire = acquire
        self._release = release

    def wanted_groups(self) -> list[str]:
        """Return the groups of everything that is listened to here."""
        groups = [chat_group(chat_id) for chat_id in self.rooms]
        groups += [user_group(user_id) for user_id in self.by_user]
        groups += [workspace_group(workspace_id) for workspace_id in self.by_workspace]
        return groups

    def add(self, connection: Connection, workspace_ids: set[UUID]) -> None:
        """Take a connection in, with its user's and their workspaces' groups."""
        self.connections.add(connection)
        connection.outbox.direct_changed = functools.partial(self._invalidate_rooms, connection)
        metrics.connections.set(len(self.connections))
        mine = self.by_user.setdefault(connection.user_id, set())
        mine.add(connection)
        if len(mine) == 1:
            self._acquire(user_group(connection.user_id))
        for workspace_id in workspace_ids:
            self.enter_workspace(connection, workspace_id)

    def remove(self, connection: Connection) -> bool:
        """Forget a connection and everything it listened to; returns False where it is not known."""
        if connection not in self.connections:
            return False
        for chat_id in list(connection.chats):
            self.leave_room(connection, chat_id)
        for workspace_id in list(connection.workspaces):
            self.leave_workspace(connection, workspace_id)
        self.connections.discard(connection)
        metrics.connections.set(len(self.connections))
        mine = self.by_user[connection.user_id]
        mine.discard(connection)
        if not mine:
            del self.by_user[connection.user_id]
            self._release(user_group(connection.user_id))
        return True

    def enter_workspace(self, connection: Connection, workspace_id: UUID) -> None:
        """Have the connection hear what concerns its user in the workspace."""
        if workspace_id in connection.workspaces:
            return
        connection.workspaces.add(workspace_id)
        inside = self.by_workspace.setdefault(workspace_id, set())
        inside.add(connection)
        if len(inside) == 1:
            self._acquire(workspace_group(workspace_id))

    def leave_workspace(self, connection: Connection, workspace_id: UUID) -> None:
        """The opposite of `enter_workspace`."""
        if workspace_id not in connection.workspaces:
            return
        connection.workspaces.discard(workspace_id)
        inside = self.by_workspace[workspace_id]
        inside.discard(connection)
        if not inside:
            del self.by_workspace[workspace_id]
            self._release(workspace_group(workspace_id))

    def join_room(self, connection: Connection, chat_id: UUID) -> Subscription:
        """Subscribe the connection to a chat, anew if it was, with live events held back."""
        room = self.rooms.get(chat_id)
        if room is None:
            room = self.rooms[chat_id] = Room(chat_id)
            self._acquire(chat_group(chat_id))
        if chat_id not in connection.chats:
            connection.chats.add(chat_id)
            metrics.subscriptions.inc()
        return room.subscribe(connection)

    def _invalidate_rooms(self, connection: Connection) -> None:
        for chat_id in connection.chats:
            room = self.rooms.get(chat_id)
            if room is not None:
                room.write_targets.invalidate()

    def evict(self, connection: Connection, chat_id: UUID) -> None:
        """Put a connection out of a room; one that is just subscribing reads its membership again."""
        room = self.rooms.get(chat_id)
        if room is not None and connection in room.subscriptions:
            room.subscriptions[connection].is_revoked = True
        self.leave_room(connection, chat_id)

    def leave_room(self, connection: Connection, chat_id: UUID) -> None:
        """Unsubscribe the connection from a chat, if it is subscribed."""
        if chat_id in connection.chats:
            connection.chats.discard(chat_id)
            metrics.subscriptions.dec()
        room = self.rooms.get(chat_id)
        if room is None:
            return
        room.unsubscribe(connection)
        if not room.subscriptions:
            del self.rooms[chat_id]
            self._release(chat_group(chat_id))
