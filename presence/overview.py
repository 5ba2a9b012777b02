"""What operators see: the processes of the cluster, and who is connected to which. For the admin and for manage.py."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence
from uuid import UUID

from django.contrib.auth import get_user_model

from chats.search.folding import name_key
from presence.registry.base import ProcessInfo, ProcessState
from presence.registry.current import get_registry

NAMES_PER_QUERY = 5_000  # a cluster may hold more users than a database takes parameters


@dataclasses.dataclass(frozen=True, slots=True)
class Held:
    """A process's connections of one user."""

    process: ProcessInfo
    connections: int


@dataclasses.dataclass(frozen=True, slots=True)
class ConnectedUser:
    """A user with connections; `held` has an entry for each process that holds some, the oldest process first."""

    user_id: UUID
    username: str
    display_name: str
    held: Sequence[Held]

    @property
    def connections(self) -> int:
        """How many in all."""
        return sum(held.connections for held in self.held)


@dataclasses.dataclass(frozen=True, slots=True)
class Overview:
    """Processes, the oldest first, and connected users, by name. Users in their grace are not included."""

    processes: Sequence[ProcessState]
    users: Sequence[ConnectedUser]


def read_overview(search: str = "") -> Overview:
    """Return the processes, and the users whose name or username contains `search`; raises RegistryUnavailable."""
    processes = get_registry().processes()
    held: dict[UUID, list[Held]] = {}
    for process in processes:
        for user_id, connections in process.users.items():
            held.setdefault(user_id, []).append(Held(process.info, connections))
    wanted = search.strip().casefold()
    # Filtered here, because databases differ in how they fold case.
    users = [
        ConnectedUser(user_id, username, name, held[user_id])
        for user_id, username, name in _names(list(held))
        if wanted in name.casefold() or wanted in username.casefold()
    ]
    users.sort(key=lambda user: (name_key(user.display_name), user.user_id))
    return Overview(processes, users)


def started_at(process: ProcessInfo) -> datetime.datetime:
    """Return since when a process has been running."""
    return datetime.datetime.fromtimestamp(process.since, datetime.UTC)


def _names(user_ids: Sequence[UUID]) -> list[tuple[UUID, str, str]]:
    rows: list[tuple[UUID, str, str]] = []
    for start in range(0, len(user_ids), NAMES_PER_QUERY):
        part = user_ids[start : start + NAMES_PER_QUERY]
        found = get_user_model().objects.order_by().filter(pk__in=part).values_list("pk", "username", "display_name")
        rows.extend((user_id, username, name or username) for user_id, username, name in found)
    return rows
