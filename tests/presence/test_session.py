"""A process's part in the registry: what it tells again, what it begins anew, and what it never tells."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from uuid import UUID

import pytest

from presence.exceptions import LeaseLost, RegistryUnavailable
from presence.process.session import BATCH, MAX_TRIES, PresenceSession
from presence.registry.base import CONFIRM_WITHIN, SETTLE, Edge, Reaped
from tests.presence.conftest import GRACE, LEASE, MemoryWorld, Wire, make_info

ANNA, BEN = UUID(int=1), UUID(int=2)


class Process:
    """A session on a bad line in a world of its own; its incarnations are p1, p2 …"""

    def __init__(self, world: MemoryWorld, name: str = "p") -> None:
        numbers = itertools.count(1)
        self.world = world
        self.wire = Wire(world.registry())
        self.session = PresenceSession(self.wire, lambda: make_info(f"{name}{next(numbers)}"))

    def is_online(self, user_id: UUID) -> bool:
        return self.wire.registry.snapshot([user_id])[user_id].is_online

    def held(self) -> dict[str, dict[UUID, int]]:
        """Return what the registry knows of every process."""
        return {process.info.incarnation: dict(process.users) for process in self.wire.registry.processes()}


@pytest.fixture
def process() -> Process:
    """Give a process in an empty world, not registered yet."""
    return Process(MemoryWorld())


def test_first_flush_registers_and_tells(process: Process) -> None:
    process.session.arrive(ANNA)
    process.session.arrive(ANNA)
    assert process.session.has_changes
    process.session.flush()
    assert process.wire.take_sent() == [("register", "p1"), ("update", "p1", 1, {ANNA: 2})]
    assert not process.session.has_changes
    assert (process.session.registrations, process.session.users) == (1, 1)
    assert [edge.user_id for edge in process.session.edges] == [ANNA]
    assert process.session.pop_reset() is None
    process.session.flush()
    assert process.wire.take_sent() == []


def test_present_number_is_synced_not_each_change(process: Process) -> None:
    process.session.flush()
    process.wire.take_sent()
    process.session.arrive(ANNA)
    process.session.depart(ANNA)
    process.session.arrive(BEN)
    process.session.flush()
    assert process.wire.take_sent() == [("update", "p1", 1, {ANNA: 0, BEN: 1})]
    assert not process.is_online(ANNA)


def test_departure_of_one_of_several_connections(process: Process) -> None:
    for _ in range(2):
        process.session.arrive(ANNA)
    process.session.flush()
    process.session.depart(ANNA)
    process.session.flush()
    assert process.held() == {"p1": {ANNA: 1}}
    process.session.depart(ANNA)
    process.session.depart(ANNA)  # one too many is none
    process.session.flush()
    assert process.held() == {"p1": {}}
    process.session.arrive(ANNA)
    process.session.flush()
    assert process.held() == {"p1": {ANNA: 1}}


@pytest.mark.parametrize("lost", ["lose_request", "lose_answer"])
def test_unanswered_update_is_sent_again_with_its_number(process: Process, lost: str) -> None:
    process.session.flush()
    process.session.arrive(ANNA)
    getattr(process.wire, lost).add("update")
    with pytest.raises(RegistryUnavailable):
        process.session.flush()
    process.session.depart(ANNA)
    process.session.arrive(BEN)
    assert process.session.has_changes
    process.wire.take_sent()
    getattr(process.wire, lost).clear()
    process.session.flush()
    assert process.wire.take_sent() == [("update", "p1", 1, {ANNA: 1}), ("update", "p1", 2, {ANNA: 0, BEN: 1})]
    assert process.held() == {"p1": {BEN: 1}}


def test_edges_of_a_lost_answer_come_later(process: Process) -> None:
    process.session.arrive(ANNA)
    process.wire.lose_answer.add("update")
    with pytest.raises(RegistryUnavailable):
        process.session.flush()
    process.wire.lose_answer.clear()
    process.session.flush()
    assert not process.session.edges
    process.world.pass_time(CONFIRM_WITHIN)
    process.session.reap()
    assert [edge.user_id for edge in process.session.edges] == [ANNA]


def test_lost_answer_of_a_registration_is_one_registration(process: Process) -> None:
    process.wire.lose_answer.add("register")
    for _ in range(2):
        with pytest.raises(RegistryUnavailable):
            process.session.flush()
    process.wire.lose_answer.clear()
    process.session.flush()
    assert process.wire.take_sent() == [("register", "p1")] * 3
    assert process.session.registrations == 1
    assert process.session.pop_reset() is None


def test_renewal_waits_for_an_unanswered_update(process: Process) -> None:
    process.session.renew()
    process.session.flush()
    process.session.renew()
    process.session.arrive(ANNA)
    process.wire.lose_answer.add("update")
    with pytest.raises(RegistryUnavailable):
        process.session.flush()
    process.wire.take_sent()
    process.session.renew()
    assert process.wire.take_sent() == []
    process.wire.lose_answer.clear()
    process.session.flush()
    process.session.renew()
    assert process.wire.take_sent() == [("update", "p1", 1, {ANNA: 1}), ("renew", "p1", 1)]


def test_lost_lease_is_a_fresh_incarnation_with_the_whole_set_then_the_old_retires(process: Process) -> None:
    process.session.arrive(ANNA)
    process.session.arrive(BEN)
    process.session.flush()
    other = Process(process.world, "q")
    for _ in range(int(LEASE)):
        process.world.pass_time(1)
        other.session.flush()
        other.session.renew()
    process.session.depart(BEN)
    process.wire.take_sent()
    process.session.renew()
    assert process.session.has_changes
    process.session.flush()
    assert process.wire.take_sent() == [
        ("renew", "p1", 1),
        ("register", "p2"),
        ("update", "p2", 1, {ANNA: 1}),
        ("retire", "p1"),
    ]
    assert process.is_online(ANNA)
    assert not process.is_online(BEN)
    assert process.session.pop_reset() is None
    assert process.session.registrations == 2


def test_missing_update_is_mended_without_an_edge(process: Process) -> None:
    """As after a restored snapshot: the registry is one update behind, the users never went."""
    process.session.arrive(ANNA)
    process.session.flush()
    process.wire.registry.confirm([edge.version for edge in process.session.edges])
    saved = process.world.save()
    process.session.arrive(ANNA)
    process.session.flush()
    process.world.restore(saved)
    process.session.renew()
    process.session.flush()
    assert process.held() == {"p2": {ANNA: 2}}
    process.world.pass_time(GRACE)
    assert process.world.read_edges() == {}


def test_update_that_meets_a_lost_lease_is_synced_in_the_same_flush(process: Process) -> None:
    process.session.flush()
    process.wire.registry.retire("p1")
    sequence = process.session.arrive(ANNA)
    process.session.flush()
    assert process.session.is_synced(sequence)
    assert process.held() == {"p2": {ANNA: 1}}


def test_unanswered_update_is_forgotten_with_the_lease(process: Process) -> None:
    """It says what was true then, and the whole set does not mention who has gone since."""
    process.session.flush()
    process.session.arrive(ANNA)
    process.wire.lose_request.add("update")
    with pytest.raises(RegistryUnavailable):
        process.session.flush()
    process.wire.lose_request.clear()
    process.session.depart(ANNA)
    process.wire.registry.retire("p1")
    process.session.flush()
    assert process.held() == {"p2": {}}


def test_retiring_is_tried_until_answered(process: Process) -> None:
    process.session.arrive(ANNA)
    process.session.flush()
    process.wire.registry.register(make_info("other"))
    process.wire.registry.update("p1", 2, {})  # so that the next number is not the one expected
    process.session.renew()
    process.wire.lose_request.add("retire")
    with pytest.raises(RegistryUnavailable):
        process.session.flush()
    assert process.session.has_changes
    assert set(process.held()) == {"p1", "p2", "other"}
    process.wire.lose_request.clear()
    process.session.flush()
    assert set(process.held()) == {"p2", "other"}
    assert process.is_online(ANNA)


def test_reap_notes_a_lost_lease(process: Process) -> None:
    assert process.session.reap() is None
    process.session.flush()
    process.wire.registry.retire("p1")
    assert process.session.reap() == Reaped([], [])
    assert process.session.has_changes
    process.session.flush()
    assert set(process.held()) == {"p2"}


def test_reap_tells_whom_to_disconnect(process: Process) -> None:
    process.session.arrive(ANNA)
    process.session.flush()
    process.wire.registry.kick(ANNA)
    assert process.session.reap() == Reaped([], [ANNA])


def test_new_epoch_is_a_reset_once(process: Process) -> None:
    process.session.arrive(ANNA)
    process.session.flush()
    first = process.session.epoch
    process.world.empty()
    process.session.reap()
    process.wire.lose_answer.add("register")
    with pytest.raises(RegistryUnavailable):
        process.session.flush()
    process.wire.lose_answer.clear()
    process.world.pass_time(SETTLE / 2)
    process.session.flush()
    assert process.session.epoch != first
    assert process.session.pop_reset() == SETTLE / 2
    assert process.session.pop_reset() is None


def test_leaving_hands_everybody_over_and_is_for_good(process: Process) -> None:
    process.session.arrive(ANNA)
    process.session.flush()
    process.wire.lose_request.add("retire")
    with pytest.raises(RegistryUnavailable):
        process.session.leave()
    process.wire.lose_request.clear()
    process.session.leave()
    process.session.leave()
    assert process.held() == {}
    assert process.is_online(ANNA)  # in their grace
    process.session.arrive(BEN)
    process.wire.take_sent()
    process.session.flush()
    process.session.renew()
    process.session.reap()
    assert process.wire.take_sent() == []
    process.world.pass_time(GRACE)
    assert not process.is_online(ANNA)


def test_sequence_is_synced_when_the_registry_has_answered(process: Process) -> None:
    sequence = process.session.arrive(ANNA)
    assert process.session.is_synced(0)
    assert not process.session.is_synced(sequence)
    process.wire.lose_answer.add("update")
    with pytest.raises(RegistryUnavailable):
        process.session.flush()
    assert not process.session.is_synced(sequence)
    process.wire.lose_answer.clear()
    process.session.flush()
    assert process.session.is_synced(sequence)
    later = process.session.depart(ANNA)
    assert not process.session.is_synced(later)
    process.session.flush()
    assert process.session.is_synced(later)


def test_many_users_are_told_in_batches(process: Process) -> None:
    sequences = [process.session.arrive(UUID(int=number)) for number in range(2 * BATCH + 1)]
    process.wire.registry.register(make_info("other"))
    process.session.flush()
    sizes = [len(sent[3]) for sent in process.wire.take_sent() if sent[0] == "update" and isinstance(sent[3], dict)]
    assert sizes == [BATCH, BATCH, 1]
    assert process.session.is_synced(sequences[-1])
    assert len(process.held()["p1"]) == 2 * BATCH + 1
    assert len(process.session.edges) == 2 * BATCH + 1


def test_batches_go_on_where_they_were_interrupted(process: Process) -> None:
    session, update = process.session, process.wire.registry.update
    sequences = [session.arrive(UUID(int=number)) for number in range(BATCH + 1)]
    session.flush()
    for number in range(BATCH + 1):
        sequences.append(session.depart(UUID(int=number)))
    process.wire.lose_answer.add("update")
    with pytest.raises(RegistryUnavailable):
        session.flush()
    process.wire.lose_answer.clear()
    assert not session.is_synced(sequences[-1])
    session.flush()
    assert session.is_synced(sequences[-1])
    assert process.held() == {"p1": {}}
    assert update("p1", 4, {}) == []  # no number was skipped or used twice


class Forgetful(Wire):
    """A registry that forgets every process at once."""

    def update(self, incarnation: str, number: int, changes: Mapping[UUID, int]) -> list[Edge]:
        super().update(incarnation, number, changes)
        raise LeaseLost("Forgotten.")


def test_registry_that_keeps_forgetting_is_unavailable() -> None:
    wire = Forgetful(MemoryWorld().registry())
    session = PresenceSession(wire, make_info)
    session.arrive(ANNA)
    with pytest.raises(RegistryUnavailable):
        session.flush()
    assert [sent[0] for sent in wire.take_sent()] == ["register", "update"] * MAX_TRIES
