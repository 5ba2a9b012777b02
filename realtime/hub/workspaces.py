"""What all members of a workspace are sent: members added and removed, roles, names.

One event goes to the workspace's group, whatever the number of members. Each process asks the database which of its own
users are still in the workspace, 500 in a query, before it sends them the frame. Added and removed members are sent at
once and in order. Names and roles are states: a process sends the latest of each, once a second at most, so that a user
who changes their name in a loop costs 20,000 colleagues no more than a frame a second.
"""

from __future__ import annotations

import asyncio
from collections import deque
from uuid import UUID

from chats.selectors.workspaces import workspace_members_among
from realtime.broker.events import LayerEvent
from realtime.database import run_in_db_thread
from realtime.hub.connections import ConnectionRegistry
from realtime.outbox.connection import Connection, resync
from realtime.outbox.frame import Frame

ROUND = 1.0  # seconds between two rounds of states
MOST = 1_000  # events that wait, of both kinds together; above it the clients they concern load again
_USERS_PER_QUERY = 500


class WorkspaceFeed:
    """Collects events of workspaces and sends them to local users."""

    def __init__(self, registry: ConnectionRegistry) -> None:
        self._registry = registry
        self._moves: deque[LayerEvent] = deque()
        self._states: dict[tuple[UUID | None, str], LayerEvent] = {}
        self._moves_wake = asyncio.Event()
        self._states_wake = asyncio.Event()

    def put(self, event: LayerEvent) -> None:
        """Add an event for WORKSPACE."""
        if event.workspace_id not in self._registry.by_workspace:
            return
        if len(self._moves) + len(self._states) >= MOST:
            self._give_up()
        if event.latest_of:
            key = event.workspace_id, event.latest_of
            self._states.pop(key, None)  # so that they are sent in the order of their latest change
            self._states[key] = event
            self._states_wake.set()
        else:
            self._moves.append(event)
            self._moves_wake.set()

    async def run_moves(self) -> None:
        """Send added and removed members, in order, for ever."""
        while True:
            await self._moves_wake.wait()
            self._moves_wake.clear()
            while self._moves:
                event = self._moves.popleft()
                try:
                    await self._send(event)
                except Exception:
                    self._moves.appendleft(event)  # the database failed: the restarted task goes on with it
                    self._moves_wake.set()
                    raise

    async def run_states(self) -> None:
        """Send names and roles, one round after the other, for ever."""
        while True:
            await self._states_wake.wait()
            await asyncio.sleep(0)  # one change is an event for each of the user's workspaces
            self._states_wake.clear()
            waiting, self._states = self._states, {}
            while waiting:
                key, event = next(iter(waiting.items()))
                try:
                    await self._send(event)
                except Exception:
                    self._states = {**waiting, **self._states}  # as above; what came meanwhile is newer
                    self._states_wake.set()
                    raise
                del waiting[key]
            await asyncio.sleep(ROUND)

    async def _send(self, event: LayerEvent) -> None:
        """Send an event's frame to those members of its workspace who are connected here."""
        if event.workspace_id is None:
            return
        inside = self._registry.by_workspace.get(event.workspace_id, ())
        ids = list({connection.user_id for connection in inside} - {event.skip_user_id})
        frame = Frame(event.payload)
        for start in range(0, len(ids), _USERS_PER_QUERY):
            some = ids[start : start + _USERS_PER_QUERY]
            asked = {*some, *event.user_ids}
            members = await run_in_db_thread(workspace_members_among, event.workspace_id, asked)
            if not members.issuperset(event.user_ids):
                return  # the users it is about have left the workspace
            for connection in self._registry.of_users(members.intersection(some)):
                _put(connection, event, frame)

    def _give_up(self) -> None:
        """Drop all events that wait; the clients they may concern load again."""
        waiting = (*self._moves, *self._states.values())
        workspace_ids = {event.workspace_id for event in waiting if event.workspace_id is not None}
        self._moves.clear()
        self._states.clear()
        resync(self._registry.of_workspaces(workspace_ids), "overload")


def _put(connection: Connection, event: LayerEvent, frame: Frame) -> None:
    if event.announcement and connection.last_announcement == event.announcement:
        return  # sent already, for another workspace that both users are in
    connection.last_announcement = event.announcement
    connection.outbox.put(frame)
