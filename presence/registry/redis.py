"""The registry of any number of processes and machines, on Redis or Valkey.

Each call is one Lua script: `common.lua`, which applies the time that has passed on the server's clock, and a short one
of its own. They do the same as memory.py; tests/presence/registry/test_registry.py runs on both.
"""

from __future__ import annotations

import functools
import threading
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from typing_extensions import override

from presence.exceptions import LeaseLost, RegistryUnavailable
from presence.registry.base import (
    CONFIRM_WITHIN,
    MAX_STEP,
    MAX_UNCONFIRMED,
    REAP_LIMIT,
    REGISTRY_TIMEOUT,
    SETTLE,
    Edge,
    ProcessInfo,
    ProcessState,
    Reaped,
    Registration,
    Registry,
    UserState,
)
from presence.registry.installation import InstallationUnknown, read_identity
from presence.registry.memory import milliseconds

PART = "{presence}"  # after the installation's prefix; in braces, so that all keys are in one slot of a Redis cluster
MAX_CONNECTIONS = 50  # of one process: its tasks, and pages and REST calls in their threads
READINESS_SECONDS = 60  # that the key which /readyz writes is kept
# As every command's script does: ask the time, write, read.
_READINESS = "redis.call('SET', KEYS[1], redis.call('TIME')[1], 'EX', ARGV[1]) return redis.call('GET', KEYS[1])"
_FOLDER = Path(__file__).parent
_CONSTANTS = [
    *(milliseconds(seconds) for seconds in (MAX_STEP, CONFIRM_WITHIN, SETTLE)),
    MAX_UNCONFIRMED,
    REAP_LIMIT,
]


@functools.cache
def script_text(name: str) -> str:
    """Return the whole script of a command."""
    return "\n".join((_FOLDER / f"{part}.lua").read_text() for part in ("common", name))


class RedisRegistry(Registry):
    """A registry on a Redis server; `lease`, `grace` and `timeout` in seconds.

    `clock` gives Unix time in seconds; without one it is the server's. Keys begin with `prefix`, or else with the
    installation's.
    """

    is_local = False

    def __init__(
        self,
        url: str,
        *,
        lease: float,
        grace: float,
        clock: Callable[[], float] | None = None,
        prefix: str = "",
        timeout: float = REGISTRY_TIMEOUT,
    ) -> None:
        self._prefix = prefix
        self._clock = clock
        self._times = [milliseconds(lease), milliseconds(grace)]
        self._lock = threading.Lock()
        self._floor = 0  # the highest version that this process has seen: a server with a lower one was put back
        self._scripts: dict[str, Any] = {}
        self.client: redis.Redis = redis.Redis.from_url(
            url,
            decode_responses=True,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            max_connections=MAX_CONNECTIONS,
            # Once, for a pooled connection that has died. Every call may be repeated; one that timed out is not.
            retry=Retry(NoBackoff(), 1, supported_errors=(redis.exceptions.ConnectionError,)),
        )
        self._readiness: Any = self.client.register_script(_READINESS)

    # --- The interface --------------------------------------------------------------------------

    @override
    def register(self, process: ProcessInfo) -> Registration:
        epoch, settles_in = self._call(
            "register",
            process.incarnation,
            process.host,
            process.pid,
            process.version,
            repr(process.since),
            uuid.uuid4().hex,
        )
        return Registration(epoch, int(settles_in) / 1000)

    @override
    def update(self, incarnation: str, number: int, changes: Mapping[UUID, int]) -> list[Edge]:
        flat = [part for user_id, connections in changes.items() for part in (str(user_id), connections)]
        (edges,) = self._call("update", incarnation, number, *flat)
        return [_edge(text) for text in edges]

    @override
    def renew(self, incarnation: str, number: int) -> None:
        self._call("renew", incarnation, number)

    @override
    def retire(self, incarnation: str) -> None:
        self._call("retire", incarnation)

    @override
    def reap(self, incarnation: str | None) -> Reaped:
        edges, kicked, has_more = self._call("reap", incarnation or "")
        return Reaped([_edge(text) for text in edges], [UUID(user_id) for user_id in kicked], has_more == "1")

    @override
    def confirm(self, versions: Collection[int]) -> None:
        self._call("confirm", *versions)

    @override
    def snapshot(self, user_ids: Collection[UUID]) -> dict[UUID, UserState]:
        ids = list(user_ids)
        (states,) = self._call("snapshot", *(str(user_id) for user_id in ids))
        return {user_id: _state(text) for user_id, text in zip(ids, states, strict=True)}

    @override
    def processes(self) -> list[ProcessState]:
        (rows,) = self._call("processes")
        return sorted(
            (_process(row) for row in rows), key=lambda process: (process.info.since, process.info.incarnation)
        )

    @override
    def kick(self, user_id: UUID) -> int:
        (processes,) = self._call("kick", str(user_id))
        return int(processes)

    @override
    def ping(self) -> None:
        try:
            self._readiness(keys=[f"{self._base()}:readiness"], args=[READINESS_SECONDS])
        except (redis.exceptions.RedisError, OSError) as error:
            raise RegistryUnavailable(f"Redis does not answer: {error}") from error

    # --- Calls ----------------------------------------------------------------------------------

    def _call(self, name: str, *arguments: str | int) -> Sequence[Any]:
        """Run a command's script and return its reply; raises LeaseLost and RegistryUnavailable."""
        wall = "" if self._clock is None else milliseconds(self._clock())
        header = [wall, self._floor, *self._times, *_CONSTANTS]
        base = self._base()
        try:
            reply: list[Any] = self._script(name)(keys=[base], args=[*header, *arguments])
        except (redis.exceptions.RedisError, OSError) as error:
            raise RegistryUnavailable(f"Redis does not answer: {error}") from error
        status, serial, *rest = reply
        with self._lock:
            self._floor = max(self._floor, int(serial))
        if status == "lost":
            raise LeaseLost(f"{arguments[0]}: {rest[0]}.")
        if status == "unavailable":
            raise RegistryUnavailable(f"The registry cannot say: {rest[0]}.")
        return rest

    def _base(self) -> str:
        if not self._prefix:
            try:
                self._prefix = f"{read_identity().prefix}:{PART}"
            except InstallationUnknown as error:
                raise RegistryUnavailable(str(error)) from error
        return self._prefix

    def _script(self, name: str) -> Any:
        """Return the script of a command; it is called by its hash, and sent whole if the server does not have it."""
        if name not in self._scripts:
            self._scripts[name] = self.client.register_script(script_text(name))
        return self._scripts[name]


def _edge(text: str) -> Edge:
    version, user_id, is_online, at = text.split("|")
    return Edge(UUID(user_id), is_online == "1", int(version), int(at) / 1000)


def _state(text: str) -> UserState:
    version, is_online, at = text.split("|")
    return UserState(is_online == "1", int(version), int(at) / 1000 if at else None)


def _process(row: Sequence[Any]) -> ProcessState:
    incarnation, host, pid, version, since, lease_left, users = row
    return ProcessState(
        ProcessInfo(incarnation, host, int(pid), version, float(since)),
        int(lease_left) / 1000,
        {UUID(user_id): int(count) for user_id, count in zip(users[::2], users[1::2], strict=True)},
    )
