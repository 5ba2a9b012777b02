"""A registry that counts what it is asked and can be taken away, as this process's own."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING
from unittest import mock

from django.conf import settings

from presence.exceptions import RegistryUnavailable
from presence.registry import current
from presence.registry.base import ProcessInfo
from presence.registry.current import get_registry
from presence.registry.memory import MemoryRegistry, Store

if TYPE_CHECKING:
    from flowra.accounts.models import User


class WatchedRegistry(MemoryRegistry):
    """`calls` counts; with `is_unavailable` nothing is answered; time stands still."""

    calls = 0
    is_unavailable = False
    now = 1_800_000_000.0

    def __init__(self, store: Store, *, lease: float, grace: float) -> None:
        super().__init__(store, lease=lease, grace=grace, clock=lambda: self.now)

    def _begin(self, *, wake: bool = False) -> Store:
        self.calls += 1
        if self.is_unavailable:
            raise RegistryUnavailable("Taken away.")
        return super()._begin(wake=wake)


@dataclasses.dataclass(slots=True)
class Process:
    """A server process that tells the registry whom it holds."""

    registry: WatchedRegistry
    info: ProcessInfo
    number: int = 0

    def hold(self, *users: User, connections: int = 1) -> None:
        """Say that these users have so many connections to it."""
        self.number += 1
        self.registry.update(self.info.incarnation, self.number, {user.pk: connections for user in users})


def start_process(registry: WatchedRegistry, host: str = "web1", pid: int = 101) -> Process:
    """Register a process."""
    info = ProcessInfo(incarnation=f"{host}-{pid}", host=host, pid=pid, version="1.2.3", since=registry.now)
    registry.register(info)
    return Process(registry, info)


@contextlib.contextmanager
def watched_registry() -> Iterator[WatchedRegistry]:
    """Make a watched registry this process's own."""
    registry = WatchedRegistry(Store(), lease=settings.FLOWRA_PRESENCE_LEASE, grace=settings.FLOWRA_PRESENCE_GRACE)
    with mock.patch.object(current, "make_registry", return_value=registry):
        get_registry.cache_clear()
        try:
            yield registry
        finally:
            get_registry.cache_clear()
