"""A world for each backend, whose time and past are in the test's hands, and a bad line to a registry."""

from __future__ import annotations

import copy
import math
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, TypeVar
from uuid import UUID

import pytest
import redis

from presence.exceptions import RegistryUnavailable
from presence.registry.base import Edge, ProcessInfo, ProcessState, Reaped, Registration, Registry, UserState
from presence.registry.memory import MemoryRegistry, Store
from presence.registry.redis import RedisRegistry
from tests.presence.watched import Process, WatchedRegistry, start_process, watched_registry
from tests.support.processes import Valkey

LEASE = 15.0
GRACE = 5.0
PATIENCE = 20.0  # seconds for an answer of the broker: it counts how much is asked for, not how long it takes
START = 1_800_000_000.0
T = TypeVar("T")


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
        registry = RedisRegistry(
            self._url, lease=LEASE, grace=GRACE, clock=self.clock, prefix=self.prefix, timeout=PATIENCE
        )
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


class Wire:
    """A registry on a bad line: loses the request or the answer of calls by name; notes what was sent."""

    is_local = False

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.sent: list[tuple[object, ...]] = []
        self.lose_request: set[str] = set()
        self.lose_answer: set[str] = set()

    def send(self, call: Callable[[], T], name: str, *arguments: object) -> T:
        """Carry a call over, or not."""
        self.sent.append((name, *arguments))
        if name in self.lose_request:
            raise RegistryUnavailable("The request is lost.")
        answer = call()
        if name in self.lose_answer:
            raise RegistryUnavailable("The answer is lost.")
        return answer

    def register(self, process: ProcessInfo) -> Registration:
        return self.send(lambda: self.registry.register(process), "register", process.incarnation)

    def update(self, incarnation: str, number: int, changes: Mapping[UUID, int]) -> list[Edge]:
        changes = dict(changes)
        return self.send(
            lambda: self.registry.update(incarnation, number, changes), "update", incarnation, number, changes
        )

    def renew(self, incarnation: str, number: int) -> None:
        self.send(lambda: self.registry.renew(incarnation, number), "renew", incarnation, number)

    def retire(self, incarnation: str) -> None:
        self.send(lambda: self.registry.retire(incarnation), "retire", incarnation)

    def reap(self, incarnation: str | None) -> Reaped:
        return self.send(lambda: self.registry.reap(incarnation), "reap", incarnation)

    def confirm(self, versions: Collection[int]) -> None:
        self.send(lambda: self.registry.confirm(versions), "confirm", versions)

    def snapshot(self, user_ids: Collection[UUID]) -> dict[UUID, UserState]:
        return self.send(lambda: self.registry.snapshot(user_ids), "snapshot")

    def processes(self) -> list[ProcessState]:
        return self.send(self.registry.processes, "processes")

    def kick(self, user_id: UUID) -> int:
        return self.send(lambda: self.registry.kick(user_id), "kick", user_id)

    def ping(self) -> None:
        self.send(self.registry.ping, "ping")

    def take_sent(self) -> list[tuple[object, ...]]:
        """Return what was sent since the last time."""
        sent, self.sent = self.sent, []
        return sent


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.slow)])
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


@pytest.fixture
def registry() -> Iterator[WatchedRegistry]:
    """Give a registry as this process's own, that knows of nobody yet."""
    with watched_registry() as registry:
        yield registry


@pytest.fixture
def process(registry: WatchedRegistry) -> Process:
    """Give a process without users on it."""
    return start_process(registry)
