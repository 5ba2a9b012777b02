"""Who is online in the whole cluster: the interface of a registry and its types.

Presence follows from leases, because a process that is killed reports no disconnects. A process registers, reports how
many connections of which users it holds, and renews its lease; an expired lease holds nobody. A user whom no process
holds any more goes offline after a grace. Time is the registry's own and monotonic.

A change of a user between online and offline is an *edge*. Its version is higher than that of every earlier edge. An
edge is handed out to one caller, who announces and then confirms it. If it is not confirmed within CONFIRM_WITHIN, it
is handed out again, with all earlier unconfirmed ones of that user. Receivers drop versions that they have.

Every call first applies the time that has passed, so answers agree with the edges. Calls block for at most
REGISTRY_TIMEOUT and may be made from any thread.
"""

from __future__ import annotations

import dataclasses
import os
import socket
import time
import uuid
from collections.abc import Collection, Mapping
from typing import Protocol
from uuid import UUID

from django.conf import settings

# Seconds. Heartbeat, lease and grace are settings (FLOWRA_PRESENCE_*).
MAX_STEP = 2.0  # by which registry time advances at most between two calls, so that a clock step expires no lease
CONFIRM_WITHIN = 2.0  # after which an unconfirmed edge is handed out again
SETTLE = 2.0  # after the registry was emptied, for every process to register again; they call it every second
REGISTRY_TIMEOUT = 1.0  # for an answer over the network
MAX_UNCONFIRMED = 8  # edges kept for one user; the oldest are dropped
REAP_LIMIT = 1_000  # edges handed out at once


@dataclasses.dataclass(frozen=True, slots=True)
class ProcessInfo:
    """A process as it registers: `incarnation` is new for every registration, `since` is Unix time in seconds."""

    incarnation: str
    host: str
    pid: int
    version: str
    since: float


@dataclasses.dataclass(frozen=True, slots=True)
class Registration:
    """The registry's epoch, and the seconds until it knows who is online; 0.0 if it does."""

    epoch: str
    settles_in: float


@dataclasses.dataclass(frozen=True, slots=True)
class Edge:
    """A user came online or went offline; `at` is when, in Unix seconds."""

    user_id: UUID
    is_online: bool
    version: int
    at: float


@dataclasses.dataclass(frozen=True, slots=True)
class UserState:
    """A user's state; `at` as in Edge, None for a user who was never online."""

    is_online: bool
    version: int
    at: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Reaped:
    """Edges to announce, users to disconnect, and whether there is more to reap at once."""

    edges: list[Edge]
    kicked: list[UUID]
    has_more: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class ProcessState:
    """A registered process: seconds left of its lease, and its number of connections by user."""

    info: ProcessInfo
    lease_left: float
    users: Mapping[UUID, int]

    @property
    def connections(self) -> int:
        """How many connections it holds."""
        return sum(self.users.values())


class Registry(Protocol):
    """The interface of both registries. Each call raises RegistryUnavailable if the registry does not answer."""

    is_local: bool  # in this process's memory: no other process can ask it, and calls do not block

    def register(self, process: ProcessInfo) -> Registration:
        """Register a process without users; called again for the same incarnation it only renews the lease.

        If there is no epoch, one begins. If there was an earlier one, the new one settles for SETTLE seconds: until
        then processes report their users without edges, and snapshots are refused.
        """

    def update(self, incarnation: str, number: int, changes: Mapping[UUID, int]) -> list[Edge]:
        """Set a process's number of connections of these users; returns edges handed out to the caller.

        Updates of an incarnation are numbered 1, 2, 3 … One that was applied before changes nothing. Raises LeaseLost
        if the process has no live lease or a number is missing.
        """

    def renew(self, incarnation: str, number: int) -> None:
        """Renew the lease; `number` is that of the last update. Raises LeaseLost as `update` does."""

    def retire(self, incarnation: str) -> None:
        """Remove a process, if it is known; users whom no other process holds go offline after the grace."""

    def reap(self, incarnation: str | None) -> Reaped:
        """Return at most REAP_LIMIT edges that were not confirmed in time, and users whom the caller must disconnect.

        With an incarnation, raises LeaseLost if it has no live lease.
        """

    def confirm(self, versions: Collection[int]) -> None:
        """Drop edges that were announced."""

    def snapshot(self, user_ids: Collection[UUID]) -> dict[UUID, UserState]:
        """Return the state of each of these users, with one command."""

    def processes(self) -> list[ProcessState]:
        """Return all processes with a live lease, the oldest first."""

    def kick(self, user_id: UUID) -> int:
        """Have every process that holds the user disconnect them; returns the number of processes."""

    def ping(self) -> None:
        """Return if the registry answers and can write."""


_since = time.time()


def describe_process() -> ProcessInfo:
    """Return this process with a new incarnation."""
    return ProcessInfo(
        incarnation=uuid.uuid4().hex,
        host=socket.gethostname(),
        pid=os.getpid(),
        version=settings.FLOWRA_VERSION,
        since=_since,
    )
