"""A process that has registered, for tests of what a registry promises."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from presence.registry.base import Edge, Registry, UserState
from tests.presence.conftest import START, World, make_info

ANNA, BEN, CARL = (UUID(int=number) for number in (1, 2, 3))


class Process:
    """A process that has registered: its own registry client, and its updates in order."""

    def __init__(self, world: World, *, since: float = START, registry: Registry | None = None) -> None:
        self.registry = registry or world.registry()
        self.info = make_info(since=since)
        self.joined = self.registry.register(self.info)
        self.number = 0

    @property
    def incarnation(self) -> str:
        return self.info.incarnation

    def update(self, **connections: int) -> list[Edge]:
        """Send the next update; users by name."""
        return self.hold({globals()[name.upper()]: count for name, count in connections.items()})

    def hold(self, changes: dict[UUID, int]) -> list[Edge]:
        """Send the next update."""
        self.number += 1
        return self.registry.update(self.incarnation, self.number, changes)

    def renew(self) -> None:
        self.registry.renew(self.incarnation, self.number)

    def reap(self) -> list[tuple[UUID, bool]]:
        """Reap, confirm, and return the edges in short."""
        edges = self.registry.reap(self.incarnation).edges
        self.registry.confirm([edge.version for edge in edges])
        return short(edges)

    def look(self, user_id: UUID) -> UserState:
        return self.registry.snapshot([user_id])[user_id]


def short(edges: Iterable[Edge]) -> list[tuple[UUID, bool]]:
    """Return who came (True) and went (False)."""
    return [(edge.user_id, edge.is_online) for edge in edges]


def keep_alive(world: World, seconds: int, *processes: Process) -> None:
    """Let time pass while these processes renew."""
    for _ in range(seconds):
        world.pass_time(1)
        for process in processes:
            process.renew()
