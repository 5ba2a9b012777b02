"""What all members of a workspace are told: who comes and goes, roles, names.

One event goes to the workspace's group, whatever the number of members. Each process asks the database which of its own
users are still in the workspace, 500 in a query, before it tells them. Who comes or goes is told at once and in order.
Names and roles are states: a process tells the latest one of each, once a second at most, so that nobody who renames
themselves in a loop costs their 20,000 colleagues more than a frame a second.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from typing import TYPE_CHECKING
from uuid import UUID

from chats.selectors.workspaces import workspace_members_among
from realtime.broker.events import LayerEvent
from realtime.database import run_in_db_thread
from realtime.outbox.connection import Connection, resync
from realtime.outbox.frame import Frame

if TYPE_CHECKING:
    from realtime.hub.connections import Directory

ROUND = 1.0  # seconds between two rounds of states
MOST = 1_000  # events of either kind that wait; over it everybody whom they concern loads again
_USERS_PER_QUERY = 500


class WorkspaceFeed:
    """Collects what workspaces are told and tells local users."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._moves: deque[LayerEvent] = deque()
        self._states: dict[tuple[UUID | None, str], LayerEvent] = {}
        self._moves_wake = asyncio.Event()
        self._states_wake = asyncio.Event()

    def put(self, event: LayerEvent) -> None:
        """Take an event for WORKSPACE."""
        if event.workspace_id not in self._directory.by_workspace:
            return
        if len(self._moves) + len(self._states) >= MOST:
            self._give_up()
        if event.latest_of:
            key = event.workspace_id, event.latest_of
            self._states.pop(key, None)  # so that they are told in the order of their latest change
            self._states[key] = event
            self._states_wake.set()
        else:
            self._moves.append(event)
            self._moves_wake.set()

    async def run_moves(self) -> None:
        """Tell who comes and goes, in order, for ever."""
        while True:
            await self._moves_wake.wait()
            self._moves_wake.clear()
            while self._moves:
                event = self._moves.popleft()
                try:
                    await self._tell(event)
                except Exception:
                    self._moves.appendleft(event)  # the database failed: the restarted task goes on with it
                    self._moves_wake.set()
                    raise

    async def run_states(self) -> None:
        """Tell names and roles, one round after the other, for ever."""
        while True:
            await self._states_wake.wait()
            await asyncio.sleep(0)  # one change is several events, for each workspace of somebody
            self._states_wake.clear()
            waiting, self._states = self._states, {}
            while waiting:
                key, event = next(iter(waiting.items()))
                try:
                    await self._tell(event)
                except Exception:
                    self._states = {**waiting, **self._states}  # as above; what came meanwhile is newer
                    self._states_wake.set()
                    raise
                del waiting[key]
            await asyncio.sleep(ROUND)

    async def _tell(self, event: LayerEvent) -> None:
        """Send an event's frame to those members of its workspace who are connected here."""
        if event.workspace_id is None:
            return
        inside = self._directory.by_workspace.get(event.workspace_id, ())
        ids = list({connection.user_id for connection in inside} - {event.skip_user_id})
        frame = Frame(event.payload)
        for start in range(0, len(ids), _USERS_PER_QUERY):
            some = ids[start : start + _USERS_PER_QUERY]
            asked = {*some, *event.user_ids}
            members = await run_in_db_thread(workspace_members_among, event.workspace_id, asked)
            if not members.issuperset(event.user_ids):
                return  # whom it is about is no colleague any more
            for user_id in members.intersection(some):
                for connection in list(self._directory.by_user.get(user_id, ())):
                    _put(connection, event, frame)

    def _give_up(self) -> None:
        """Have everybody whom the events that wait may concern load again, and forget them."""
        workspace_ids = {event.workspace_id for event in (*self._moves, *self._states.values())}
        self._moves.clear()
        self._states.clear()
        inside = (self._directory.by_workspace.get(key, ()) for key in workspace_ids if key is not None)
        resync(set(itertools.chain.from_iterable(inside)), "overload")


def _put(connection: Connection, event: LayerEvent, frame: Frame) -> None:
    if event.announcement and connection.told == event.announcement:
        return  # for another workspace that the two share
    connection.told = event.announcement
    connection.outbox.put(frame)
