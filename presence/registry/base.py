"""Who is online, in the whole cluster: what a registry knows, and what may be asked of it.

The truth is a lease per process: `disconnect()` never comes when a process is killed. A process registers, tells which
users it holds, and renews its lease; what an expired lease held is free. Time is the registry's own, made monotonic.

A change of a user between online and offline is an *edge*. Each has a version, higher than that of every earlier edge.
An edge is handed to one caller, who announces and then confirms it; unconfirmed after CONFIRM_WITHIN it is handed to
another, together with all earlier unconfirmed ones of that user. At least once, plus the version, is exactly once.

Every call first lets time take effect: expired leases are freed, those whose grace is over are offline. So whatever is
read agrees with the edges. Calls block for at most REGISTRY_TIMEOUT; they may be made from any thread.
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

# Seconds. House rules of the leases; heartbeat, lease and grace are settings (FLOWRA_PRESENCE_*).
MAX_STEP = 2.0  # registry time advances at most so far between two calls: a clock step or a stall expires nobody
CONFIRM_WITHIN = 2.0  # what an announcer has until its edges are handed to another
SETTLE = 2.0  # after the registry was emptied: time for every process (they reap every second) to register anew
REGISTRY_TIMEOUT = 1.0  # for an answer over the network
MAX_UNCONFIRMED = 8  # edges kept for one user; beyond it nobody could be told for many graces, and the oldest go
REAP_LIMIT = 1_000  # edges handed out at once


@dataclasses.dataclass(frozen=True, slots=True)
class ProcessInfo:
    """A process as it registers: `incarnation` is fresh at every registration, `since` is Unix time."""

    incarnation: str
    host: str
    pid: int
    version: str
    since: float


@dataclasses.dataclass(frozen=True, slots=True)
class Joined:
    """A registration: the registry's epoch, and the seconds until it knows who is online (0.0: it does)."""

    epoch: str
    settles_in: float


@dataclasses.dataclass(frozen=True, slots=True)
class Edge:
    """A user came online or went offline; `at` is Unix time: when they came, or when they were last seen."""

    user_id: UUID
    is_online: bool
    version: int
    at: float


@dataclasses.dataclass(frozen=True, slots=True)
class State:
    """A user as the registry knows them; `at` as in Edge, None for somebody never seen."""

    is_online: bool
    version: int
    at: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Reaped:
    """Edges to announce, users to disconnect, and whether there is more to reap right away."""

    edges: list[Edge]
    kicked: list[UUID]
    has_more: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class ProcessState:
    """A registered process: seconds left of its lease, and how many connections of which users it holds."""

    info: ProcessInfo
    lease_left: float
    users: Mapping[UUID, int]

    @property
    def connections(self) -> int:
        """How many sockets it holds."""
        return sum(self.users.values())


class Registry(Protocol):
    """What every backend does. Each call raises RegistryAway where the registry does not answer."""

    is_local: bool  # whether it lives in this process, so that nobody outside can ask it, and calls do not block

    def register(self, process: ProcessInfo) -> Joined:
        """Take a process in, without users; asked again for the same incarnation it changes nothing but the lease.

        Where there is no epoch, this begins one. If anybody who called knows of an earlier one, the new one settles for
        SETTLE seconds: until then processes register their users without edges, and nobody can say who is online.
        """

    def update(self, incarnation: str, number: int, changes: Mapping[UUID, int]) -> list[Edge]:
        """Take the present number of connections of some users of a process; returns edges handed to the caller.

        Updates of an incarnation are numbered 1, 2, 3 … One that was taken before changes nothing. Raises LeaseLost
        where the process has no live lease or a number is missing.
        """

    def renew(self, incarnation: str, number: int) -> None:
        """Renew the lease; `number` is that of the last update. Raises LeaseLost as `update` does."""

    def retire(self, incarnation: str) -> None:
        """Let a process go; users whom nobody else holds are leaving, with their grace. Unknown ones are fine."""

    def reap(self, incarnation: str | None) -> Reaped:
        """Return edges nobody has confirmed in time, handed to the caller, and whom the caller should disconnect.

        With an incarnation, raises LeaseLost where it has no live lease. At most REAP_LIMIT edges at once.
        """

    def confirm(self, versions: Collection[int]) -> None:
        """Forget edges that have been announced."""

    def snapshot(self, user_ids: Collection[UUID]) -> dict[UUID, State]:
        """Return the state of each of these users; one command, whatever their number."""

    def processes(self) -> list[ProcessState]:
        """Return all processes with a live lease, the oldest first."""

    def kick(self, user_id: UUID) -> int:
        """Have every process that holds the user disconnect them; returns how many there are."""

    def ping(self) -> None:
        """Return if the registry answers, and does what its scripts do."""


_since = time.time()


def describe_process() -> ProcessInfo:
    """Return this process under a fresh incarnation."""
    return ProcessInfo(
        incarnation=uuid.uuid4().hex,
        host=socket.gethostname(),
        pid=os.getpid(),
        version=settings.FLOWRA_VERSION,
        since=_since,
    )
