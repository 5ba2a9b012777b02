"""A world for each backend: registries that share one store, whose time and past are in the test's hands."""

from __future__ import annotations

import copy
import math
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import redis

from presence.backends.memory import MemoryRegistry, Store
from presence.backends.redis import RedisRegistry
from presence.registry import ProcessInfo, Registry
from tests.processes import Valkey

LEASE = 15.0
GRACE = 5.0
START = 1_800_000_000.0


def make_info(incarnation: str | None = None, since: float = START) -> ProcessInfo:
    """Return a process as it registers."""
    return ProcessInfo(incarnation or uuid.uuid4().hex, "host", 1, "0.1", since)


class World(ABC):
    """One store, any number of processes, and a wall clock that goes as it is told."""

    def __init__(self) -> None:
        self.now = START

    def clock(self) -> float:
        """Return Unix time."""
        return self.now

    def pass_time(self, seconds: float) -> None:
        """Let time pass, second by second, with somebody who calls: else the registry takes it for a stall."""
        observer = self.registry()
        for _ in range(math.ceil(seconds)):
            step = min(1.0, seconds)
            seconds -= step
            self.now += step
            observer.processes()

    @abstractmethod
    def registry(self) -> Registry:
        """Return the registry of another process."""

    @abstractmethod
    def empty(self) -> None:
        """Lose everything, as FLUSHALL does."""

    @abstractmethod
    def save(self) -> object:
        """Return everything, for `restore`."""

    @abstractmethod
    def restore(self, saved: object) -> None:
        """Put everything back as it was saved."""

    @abstractmethod
    def read_edges(self) -> dict[int, tuple[UUID, bool]]:
        """Return what is unconfirmed, by version, without letting time take effect."""

    @abstractmethod
    def read_epoch(self) -> str:
        """Return the epoch's id, "" if there is none."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what is open."""


class MemoryWorld(World):
    """In this process."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Store()

    def registry(self) -> MemoryRegistry:
        return MemoryRegistry(self.store, lease=LEASE, grace=GRACE, clock=self.clock)

    def empty(self) -> None:
        self.store.clear()

    def save(self) -> object:
        return {name: copy.deepcopy(value) for name, value in vars(self.store).items() if name != "lock"}

    def restore(self, saved: object) -> None:
        assert isinstance(saved, dict)
        vars(self.store).update(copy.deepcopy(saved))

    def read_edges(self) -> dict[int, tuple[UUID, bool]]:
        return {
            version: (pending.edge.user_id, pending.edge.is_online) for version, pending in self.store.pending.items()
        }

    def read_epoch(self) -> str:
        return self.store.epoch

    def close(self) -> None:
        pass


class RedisWorld(World):
    """On a server that others use as well, under a prefix of its own."""

    def __init__(self, valkey: Valkey) -> None:
        super().__init__()
        self.prefix = f"test:{{{uuid.uuid4().hex}}}"
        self._url = valkey.url
        self._raw: Any = redis.Redis.from_url(valkey.url)  # Any: its types do not tell bytes from text
        self._registries: list[RedisRegistry] = []

    def registry(self) -> RedisRegistry:
        registry = RedisRegistry(self._url, lease=LEASE, grace=GRACE, clock=self.clock, prefix=self.prefix)
        self._registries.append(registry)
        return registry

    def _keys(self) -> list[bytes]:
        return list(self._raw.scan_iter(f"{self.prefix}:*", count=1000))

    def empty(self) -> None:
        keys = self._keys()
        if keys:
            self._raw.delete(*keys)

    def save(self) -> object:
        return {key: self._raw.dump(key) for key in self._keys()}

    def restore(self, saved: object) -> None:
        assert isinstance(saved, dict)
        self.empty()
        for key, value in saved.items():
            self._raw.restore(key, 0, value)

    def read_edges(self) -> dict[int, tuple[UUID, bool]]:
        edges = {}
        for version, edge in self._raw.hgetall(f"{self.prefix}:edges").items():
            user, is_online, _ = edge.decode().split("|")
            edges[int(version)] = (UUID(user), is_online == "1")
        return edges

    def read_epoch(self) -> str:
        epoch = self._raw.hget(f"{self.prefix}:meta", "epoch")
        return epoch.decode() if epoch else ""

    def close(self) -> None:
        self.empty()
        for registry in self._registries:
            registry.client.close()
        self._raw.close()


@pytest.fixture(params=["memory", "redis"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Give an empty world of each backend in turn."""
    made = MemoryWorld() if request.param == "memory" else RedisWorld(request.getfixturevalue("valkey"))
    yield made
    made.close()


@pytest.fixture
def redis_world(valkey: Valkey) -> Iterator[RedisWorld]:
    """Give an empty world on Redis."""
    made = RedisWorld(valkey)
    yield made
    made.close()
