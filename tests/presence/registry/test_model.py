"""Presence against a simple model: processes that crash and stall, calls that get lost, come twice or too late, clocks
that jump, and a registry that is emptied or put back. Whoever watches sees every edge once, in order, and the truth.

Time has two sides. `live` is a cluster as it should be: every second each process does what the tracker does. All other
rules are single steps, in any order, and with faults.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from typing import ClassVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from presence.exceptions import LeaseLost, RegistryUnavailable
from presence.registry.base import MAX_UNCONFIRMED
from tests.presence.conftest import LEASE, MemoryWorld, RedisWorld, World
from tests.presence.registry.simulated import USERS, BadLine, Process
from tests.support.processes import Valkey

MAX_PROCESSES = 3
QUIET = 45  # seconds in which everything has to come to rest: leases, graces, settling, and edges handed on
# Some 15 s for each backend.
EXAMPLES = {"memory": 800, "redis": 60}
STEPS = 40


class PresenceModel(RuleBasedStateMachine):
    """The cluster, and what must be true of it."""

    make_world: ClassVar[Callable[[], World]]

    def __init__(self) -> None:
        super().__init__()
        self.world = type(self).make_world()
        self.processes: list[Process] = []
        self.names = itertools.count(1)
        self.sent: list[Callable[[], object]] = []
        self.saved: object = None
        self.epoch = ""
        self.unconfirmed: dict[int, tuple[UUID, bool]] = {}
        self.made: set[int] = set()
        self.confirmed: set[int] = set()
        self.lived = 0  # seconds of `live`
        self.held_until = dict.fromkeys(USERS, 0)  # in these, by a process that was not stalled
        self.disturbed = 0  # in these: since when no call came late, no clock went back, nobody stalled
        self.line = BadLine(self)  # of somebody who only reads
        self.start()

    def teardown(self) -> None:
        self.come_to_rest()
        self.world.close()

    # --- What is noted of every call ------------------------------------------------------------

    def observe(self) -> None:
        """Note the edges that a call made: every watcher expects them from here on."""
        epoch, edges = self.world.read_epoch(), self.world.read_edges()
        if epoch != self.epoch:
            # What was not announced is lost with the registry, and what was under way to it does not arrive.
            self.forget()
            self.epoch = epoch
        for version in self.unconfirmed.keys() - edges.keys() - self.confirmed:
            user_id = self.unconfirmed[version][0]
            left = [kept for kept, (other, _) in edges.items() if other == user_id]
            assert len(left) == MAX_UNCONFIRMED, f"Edge {version} was forgotten."
            for process in self.processes:
                process.watcher.expected.pop(version, None)
        for version in sorted(edges.keys() - self.made):
            self.made.add(version)
            for process in self.processes:
                if process.watcher.is_loaded:
                    process.watcher.expected[version] = edges[version][0]
        self.unconfirmed = edges

    def forget(self) -> None:
        self.sent.clear()
        self.made.clear()
        self.confirmed.clear()
        self.unconfirmed = {}
        self.disturbed = self.lived
        for process in self.processes:
            process.watcher.expected.clear()

    # --- Processes ------------------------------------------------------------------------------

    def pick(self, index: int) -> Process:
        return self.processes[index % len(self.processes)]

    has_processes = precondition(lambda self: bool(self.processes))
    index = st.integers(0, MAX_PROCESSES - 1)
    fault = st.sampled_from(["", "", "", "request", "answer", "twice"])
    changes = st.lists(st.tuples(index, st.sampled_from(USERS), st.sampled_from([1, 1, -1])), min_size=1, max_size=4)

    @initialize(changes=changes)
    def begin(self, changes: list[tuple[int, UUID, int]]) -> None:
        self.start()
        self.connect_and_live(changes, 1)

    @precondition(lambda self: len(self.processes) < MAX_PROCESSES)
    @rule()
    def start(self) -> None:
        self.processes.append(Process(self, f"p{next(self.names)}"))

    @has_processes
    @rule(changes=changes, fault=st.sampled_from(["", "", "request", "answer", "twice", "untold"]))
    def connect(self, changes: list[tuple[int, UUID, int]], fault: str) -> None:
        """Connections come and go, and the registry is told, or not yet."""
        self.note_held()
        changed = []
        for index, user_id, step in changes:
            process = self.pick(index)
            if step > 0:
                process.session.arrive(user_id)
            elif process.connections[user_id]:
                process.session.depart(user_id)
            else:
                continue
            process.connections[user_id] += step
            changed.append(process)
        if fault != "untold":
            for process in dict.fromkeys(changed):
                process.attempt(process.session.flush, fault)

    @has_processes
    @rule(changes=changes, seconds=st.sampled_from([1, 3, 6]))
    def connect_and_live(self, changes: list[tuple[int, UUID, int]], seconds: int) -> None:
        self.connect(changes, "untold")
        self.live(seconds)

    @has_processes
    @rule(index=index, name=st.sampled_from(["flush", "renew", "reap"]), fault=fault)
    def call(self, index: int, name: str, fault: str) -> None:
        process = self.pick(index)
        process.attempt(getattr(process.session, name), fault)

    @has_processes
    @rule(index=index, names=st.sampled_from([("take",), ("take", "publish"), ("publish",)]))
    def announce(self, index: int, names: tuple[str, ...]) -> None:
        """A process takes edges, or publishes them; it may die in between."""
        for name in names:
            getattr(self.pick(index), name)()

    @has_processes
    @rule(index=index, name=st.sampled_from(["confirm", "look"]), fault=fault)
    def follow_up(self, index: int, name: str, fault: str) -> None:
        process = self.pick(index)
        process.attempt(getattr(process, name), fault)

    @has_processes
    @rule(index=index, how=st.sampled_from(["crash", "crash with edges taken", "leave"]), fault=fault)
    def end(self, index: int, how: str, fault: str) -> None:
        self.note_held()
        process = self.pick(index)
        if how == "leave":
            process.attempt(process.session.leave, fault)
        elif how == "crash with edges taken":
            self.world.now += 0.5
            process.attempt(process.session.flush, fault)
            process.attempt(process.session.reap)
        self.processes.remove(process)

    @has_processes
    @rule(index=index)
    def stall(self, index: int) -> None:
        """A process does nothing, or goes on."""
        self.note_held()
        process = self.pick(index)
        process.is_stalled = not process.is_stalled
        self.disturbed = self.lived

    # --- The line, the clock and the registry ---------------------------------------------------

    @precondition(lambda self: bool(self.sent))
    @rule(back=st.integers(0, 9))
    def arrive_late(self, back: int) -> None:
        """A call is done (again) that was sent a while ago; its sender may have died since."""
        self.disturbed = self.lived
        with contextlib.suppress(RegistryUnavailable, LeaseLost):
            self.sent[-1 - back % len(self.sent)]()

    @rule(seconds=st.sampled_from([0.4, 1.0, 2.0, 5.0, 20.0, 5_000.0, -1.0, -20.0, -5_000.0]))
    def move_clock(self, seconds: float) -> None:
        """Time passes in which nobody calls, or the clock is set."""
        self.world.now += seconds
        if seconds < 0:
            self.disturbed = self.lived

    @rule(what=st.sampled_from(["save", "restore", "empty", "read"]))
    def handle_registry(self, what: str) -> None:
        if what == "save":
            self.saved = self.world.save()
        elif what == "restore" and self.saved is not None:
            self.restore()
        elif what == "empty":
            self.world.empty()
            self.observe()
        else:
            self.line.processes()

    @has_processes
    @rule(changes=changes)
    def lose_moment(self, changes: list[tuple[int, UUID, int]]) -> None:
        """A replica takes over that has not heard of the last calls."""
        self.saved = self.world.save()
        self.connect(changes, "")
        self.restore()

    def restore(self) -> None:
        # Each process calls every second: they know what there was, and one of them is the first to call.
        readers = [*(process.line for process in self.processes), self.line]
        for reader in readers:
            reader.processes()
        self.world.restore(self.saved)
        # The model looks only now: what the registry says in between is nobody's.
        self.forget()
        self.epoch = self.world.read_epoch()
        self.made.update(self.world.read_edges())
        for reader in readers:
            reader.processes()

    # --- As it should be ------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([1, 2, 6, 18]))
    def live(self, seconds: int) -> None:
        """Every process that is not stalled does its work, every second."""
        for _ in range(seconds):
            self.world.now += 1
            self.note_held()
            running = [process for process in self.processes if not process.is_stalled]
            for process in running:
                process.run()
            if running:
                self.lived += 1
                self.note_held()
            self.check_states(running)

    def note_held(self) -> None:
        for process in self.processes:
            if not process.is_stalled:
                for user_id in +process.connections:
                    self.held_until[user_id] = self.lived

    def check_states(self, running: list[Process]) -> None:
        """Nobody is offline who is held by a live lease, nobody online much longer than they were held."""
        try:
            states = self.line.snapshot(USERS)
        except RegistryUnavailable:
            return
        live = {process.info.incarnation for process in self.line.processes()}
        for process in running:
            if process.incarnation in live and not process.session.has_changes:
                for user_id in +process.connections:
                    assert states[user_id].is_online, f"{user_id} is offline, but connected to {process.name}."
        for user_id, state in states.items():
            seconds = self.lived - max(self.held_until[user_id], self.disturbed)
            assert seconds <= LEASE + 2 or not state.is_online, f"{user_id} is online, but gone for {seconds} s."

    def come_to_rest(self) -> None:
        """When nothing happens any more, everybody sees the truth, and has seen all that led there."""
        if not self.processes:
            self.start()
        for process in self.processes:
            process.is_stalled = False
        self.live(QUIET)
        truth = {user_id: any(process.connections[user_id] for process in self.processes) for user_id in USERS}
        states = self.line.snapshot(USERS)
        assert {user_id: state.is_online for user_id, state in states.items()} == truth
        assert self.world.read_edges() == {}
        for process in self.processes:
            assert process.watcher.is_loaded
            assert process.watcher.expected == {}, f"The watcher at {process.name} has missed edges."
            assert process.watcher.states == {
                user_id: (state.version, state.is_online) for user_id, state in states.items()
            }


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["memory", "redis"])
def test_presence_is_the_truth(backend: str, request: pytest.FixtureRequest) -> None:
    """In whatever order things go wrong."""
    valkey: Valkey | None = request.getfixturevalue("valkey") if backend == "redis" else None

    class Model(PresenceModel):
        @staticmethod
        def make_world() -> World:
            return MemoryWorld() if valkey is None else RedisWorld(valkey)

    run_state_machine_as_test(
        Model,
        settings=settings(
            max_examples=EXAMPLES[backend],
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            database=None,
            report_multiple_bugs=False,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )
