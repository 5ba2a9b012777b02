"""Processes of the model: a bad line to the registry, a real session on it, and somebody who watches at a socket."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from presence.exceptions import LeaseLost, RegistryUnavailable
from presence.process.session import PresenceSession
from presence.registry.base import Edge, ProcessInfo
from tests.presence.conftest import Wire, make_info

if TYPE_CHECKING:
    from tests.presence.registry.test_model import PresenceModel

T = TypeVar("T")
USERS = [UUID(int=number) for number in range(1, 3)]
REPEATABLE = ("register", "update", "renew", "retire")  # what may come twice or late


class Watcher:
    """Somebody at a process's socket: loads a snapshot, then takes changes and drops older and equal ones."""

    def __init__(self) -> None:
        self.is_loaded = False
        self.states: dict[UUID, tuple[int, bool]] = {}  # version, whether online
        self.expected: dict[int, UUID] = {}  # edges made while it watched, not seen yet

    def load(self, snapshot: dict[UUID, tuple[int, bool]]) -> None:
        for user_id, state in snapshot.items():
            if state >= self.states.get(user_id, (0, False)):
                self.states[user_id] = state
        self.is_loaded = True
        self.expected = {
            version: user_id for version, user_id in self.expected.items() if version > snapshot[user_id][0]
        }

    def receive(self, edge: Edge) -> None:
        # An edge that comes after a later one of its user is dropped, and stays expected: it was not seen.
        if edge.version > self.states.get(edge.user_id, (0, False))[0]:
            self.states[edge.user_id] = (edge.version, edge.is_online)
            self.expected.pop(edge.version, None)


class BadLine(Wire):
    """Loses, doubles and delays the calls of a process, one at a time; tells the model of every call that was done."""

    def __init__(self, model: PresenceModel) -> None:
        super().__init__(model.world.registry())
        self.model = model
        self.fault = ""

    def send(self, call: Callable[[], T], name: str, *arguments: object) -> T:
        fault, self.fault = self.fault, ""
        noted = [version for argument in arguments if isinstance(argument, list) for version in argument]

        def execute() -> T:
            if name == "confirm":
                self.model.confirmed.update(noted)
            try:
                return call()
            finally:
                self.model.observe()

        if name in REPEATABLE:
            self.model.sent.append(execute)
        if fault == "request":
            raise RegistryUnavailable("The request is lost.")
        if fault == "twice":
            execute()
        answer = execute()
        if fault == "answer":
            raise RegistryUnavailable("The answer is lost.")
        return answer


class Process:
    """A process of Flowra: connections, a session, what it announces, and a watcher at one of its sockets."""

    def __init__(self, model: PresenceModel, name: str) -> None:
        self.line = BadLine(model)
        self.model = model
        self.name = name
        self._numbers = itertools.count(1)
        self.incarnation = ""
        self.session = PresenceSession(self.line, self._describe)
        self.connections: Counter[UUID] = Counter()
        self.taken: list[Edge] = []
        self.published: list[Edge] = []
        self.watcher = Watcher()
        self.is_stalled = False

    def _describe(self) -> ProcessInfo:
        self.incarnation = f"{self.name}.{next(self._numbers)}"
        return make_info(self.incarnation)

    def attempt(self, call: Callable[[], object], fault: str = "") -> bool:
        """Do something that asks the registry; returns whether there was an answer. Who does that has not stalled."""
        if self.is_stalled:
            self.is_stalled = False
            self.model.disturbed = self.model.lived
        self.line.fault = fault
        try:
            call()
        except (RegistryUnavailable, LeaseLost):
            return False
        finally:
            self.line.fault = ""
        return True

    def publish(self) -> None:
        """Tell the watchers of all processes, as the layer does."""
        for edge in sorted(self.taken, key=lambda edge: edge.version):
            for process in self.model.processes:
                process.watcher.receive(edge)
        self.published, self.taken = self.published + self.taken, []

    def confirm(self) -> None:
        versions = [edge.version for edge in self.published]
        self.published = []
        self.line.confirm(versions)

    def take(self) -> None:
        self.taken += self.session.edges
        self.session.edges.clear()

    def look(self) -> None:
        """Load the watcher's snapshot where it has none of this epoch, as a client does on `resync`."""
        if self.session.pop_reset() is not None:
            self.watcher.is_loaded = False
        if not self.watcher.is_loaded and self.session.epoch:
            states = self.line.snapshot(USERS)
            self.watcher.load({user_id: (state.version, state.is_online) for user_id, state in states.items()})

    def run(self) -> None:
        """Do what a process does in a second."""
        for step in (self.session.renew, self.session.reap, self.session.flush, self.look):
            self.attempt(step)
        self.take()
        self.publish()
        self.attempt(self.confirm)
