"""What every backend promises, and what only a server over the network can get wrong."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable
from uuid import UUID

import pytest
import redis

from presence.backends.redis import RedisRegistry
from presence.exceptions import LeaseLost, RegistryAway
from presence.registry import (
    CONFIRM_WITHIN,
    MAX_UNCONFIRMED,
    REAP_LIMIT,
    SETTLE,
    Edge,
    Joined,
    ProcessInfo,
    Registry,
    State,
)
from tests.presence.conftest import GRACE, LEASE, START, MemoryWorld, RedisWorld, World, make_info
from tests.processes import Valkey, free_port

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

    def look(self, user_id: UUID) -> State:
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


# --- Edges ------------------------------------------------------------------------------------------


def test_first_connection_is_an_edge_and_the_second_is_not(world: World) -> None:
    process = Process(world)
    (edge,) = process.update(anna=1)
    assert (edge.user_id, edge.is_online, edge.at) == (ANNA, True, START)
    assert process.update(anna=2) == []
    assert process.look(ANNA) == State(True, edge.version, START)


def test_last_connection_is_an_edge_after_the_grace(world: World) -> None:
    process = Process(world)
    (came,) = process.update(anna=1)
    process.registry.confirm([came.version])
    assert process.update(anna=1) == []
    world.pass_time(1)
    assert process.update(anna=0) == []
    left_at = world.now
    world.pass_time(GRACE - 0.001)
    assert process.registry.reap(process.incarnation).edges == []
    assert process.look(ANNA).is_online
    world.pass_time(0.001)
    (went,) = process.registry.reap(process.incarnation).edges
    assert (went.user_id, went.is_online, went.at) == (ANNA, False, left_at)
    assert went.version > came.version
    assert process.look(ANNA) == State(False, went.version, left_at)


def test_user_of_two_processes_stays_until_the_second_lets_go(world: World) -> None:
    one, two = Process(world), Process(world)
    assert short(one.update(anna=1)) == [(ANNA, True)]
    assert two.update(anna=1) == []
    assert one.reap() == []  # handed out a moment ago
    one.update(anna=0)
    keep_alive(world, 7, one, two)
    assert one.look(ANNA).is_online
    two.update(anna=0)
    world.pass_time(GRACE)
    assert one.reap() == [(ANNA, True), (ANNA, False)]


def test_coming_back_in_time_announces_nothing(world: World) -> None:
    one, two = Process(world), Process(world)
    one.registry.confirm([edge.version for edge in one.update(anna=1)])
    one.update(anna=0)
    world.pass_time(GRACE - 1)
    assert two.update(anna=1) == []
    keep_alive(world, 10, one, two)
    assert one.reap() == []
    assert two.look(ANNA).is_online


def test_coming_back_too_late_is_two_edges(world: World) -> None:
    process = Process(world)
    process.registry.confirm([edge.version for edge in process.update(anna=1)])
    process.update(anna=0)
    world.pass_time(GRACE + 1)
    assert short(process.update(anna=1)) == [(ANNA, False), (ANNA, True)]


def test_departure_of_a_stranger_is_nothing(world: World) -> None:
    process = Process(world)
    assert process.update(anna=0) == []
    world.pass_time(GRACE)
    assert process.reap() == []
    assert process.look(ANNA).at is None


def test_retired_process_leaves_its_users_their_grace(world: World) -> None:
    one, two = Process(world), Process(world)
    one.registry.confirm([edge.version for edge in one.update(anna=1, ben=1)])
    one.registry.retire(one.incarnation)
    one.registry.retire(one.incarnation)
    one.registry.retire("unknown")
    assert [process.info for process in two.registry.processes()] == [two.info]
    assert two.update(anna=1) == []
    world.pass_time(GRACE)
    assert two.reap() == [(BEN, False)]
    with pytest.raises(LeaseLost):
        one.renew()


def test_expired_lease_has_no_second_grace(world: World) -> None:
    one, two = Process(world), Process(world)
    one.registry.confirm([edge.version for edge in one.update(anna=1)])
    keep_alive(world, 3, one, two)
    seen_at = world.now
    keep_alive(world, int(LEASE) - 1, two)
    assert two.look(ANNA).is_online
    keep_alive(world, 1, two)
    assert not two.look(ANNA).is_online
    (edge,) = two.registry.reap(two.incarnation).edges
    assert (edge.user_id, edge.is_online, edge.at) == (ANNA, False, seen_at)


def test_the_process_that_lived_longest_saw_the_user_last(world: World) -> None:
    """Whatever the order in which they registered, and although both expire in one call."""
    one, two, three = Process(world), Process(world), Process(world)
    three.registry.confirm([edge.version for edge in one.update(anna=1)])
    two.update(anna=1)
    keep_alive(world, 1, two, three)
    world.now += 0.5
    one.renew()  # the first to register has the longest lease
    seen_at = world.now
    three.renew()
    for _ in range(7):
        world.now += 2
        three.renew()
    world.now += 2
    (edge,) = three.registry.reap(three.incarnation).edges
    assert (edge.is_online, edge.at) == (False, seen_at)


def test_leaving_user_of_a_process_that_dies_keeps_the_grace(world: World) -> None:
    one, two = Process(world), Process(world)
    one.registry.confirm([edge.version for edge in one.update(anna=1)])
    keep_alive(world, 12, two)
    one.update(anna=0)
    keep_alive(world, 4, two)  # the lease has expired meanwhile
    assert two.look(ANNA).is_online
    keep_alive(world, 1, two)
    assert two.reap() == [(ANNA, False)]


# --- Numbers and leases -----------------------------------------------------------------------------


def test_update_sent_twice_counts_once(world: World) -> None:
    process = Process(world)
    assert short(process.update(anna=1)) == [(ANNA, True)]
    assert process.registry.update(process.incarnation, 1, {ANNA: 1}) == []
    process.update(anna=0)
    assert process.registry.update(process.incarnation, 1, {ANNA: 1}) == []
    world.pass_time(GRACE)
    assert not process.look(ANNA).is_online


def test_missing_update_is_a_lost_lease(world: World) -> None:
    process = Process(world)
    process.update(anna=1)
    with pytest.raises(LeaseLost, match="missing"):
        process.registry.update(process.incarnation, 3, {BEN: 1})
    with pytest.raises(LeaseLost):
        process.registry.renew(process.incarnation, 2)
    with pytest.raises(LeaseLost):
        process.registry.renew(process.incarnation, 0)
    process.registry.renew(process.incarnation, 1)
    assert process.look(BEN).at is None


def test_lease_that_has_expired_is_lost_for_every_call(world: World) -> None:
    one, two = Process(world), Process(world)
    keep_alive(world, int(LEASE), two)
    for call in (
        lambda: one.registry.update(one.incarnation, 1, {ANNA: 1}),
        one.renew,
        lambda: one.registry.reap(one.incarnation),
    ):
        with pytest.raises(LeaseLost):
            call()
    assert two.reap() == []


def test_registering_again_changes_nothing_but_the_lease(world: World) -> None:
    process = Process(world)
    process.update(anna=1)
    keep_alive(world, 1, process)
    world.pass_time(LEASE - 1)
    assert process.registry.register(process.info) == Joined(process.joined.epoch, 0.0)
    world.pass_time(LEASE - 1)
    assert process.look(ANNA).is_online
    assert short(process.update(ben=1)) == [(BEN, True)]


def test_registering_after_the_lease_is_registering_without_users(world: World) -> None:
    one, two = Process(world), Process(world)
    one.update(anna=1)
    keep_alive(world, int(LEASE), two)
    one.registry.register(one.info)
    assert not two.look(ANNA).is_online
    one.number = 0
    assert (ANNA, True) in short(one.update(anna=1))


# --- Epochs -----------------------------------------------------------------------------------------


def test_first_epoch_knows_at_once(world: World) -> None:
    process = Process(world)
    assert process.joined.settles_in == 0.0
    assert process.look(ANNA) == State(False, round(START * 1000), None)


def test_without_an_epoch_nobody_can_say(world: World) -> None:
    registry = world.registry()
    with pytest.raises(RegistryAway):
        registry.snapshot([ANNA])
    for call in (
        lambda: registry.update("x", 1, {ANNA: 1}),
        lambda: registry.renew("x", 0),
        lambda: registry.reap("x"),
    ):
        with pytest.raises(LeaseLost):
            call()
    registry.retire("x")
    registry.confirm([1, 2])
    assert registry.reap(None).edges == []
    assert registry.processes() == []
    assert registry.kick(ANNA) == 0
    registry.ping()


def test_emptied_registry_settles_without_edges(world: World) -> None:
    one, two = Process(world), Process(world)
    (before,) = one.update(anna=1)
    world.empty()
    with pytest.raises(LeaseLost):
        one.renew()
    again = Process(world, registry=one.registry)
    assert again.joined.epoch != one.joined.epoch
    assert again.joined.settles_in == SETTLE
    assert again.update(anna=1) == []
    with pytest.raises(RegistryAway):
        again.look(ANNA)
    world.pass_time(SETTLE / 2)
    late = Process(world, registry=two.registry)
    assert late.joined == Joined(again.joined.epoch, SETTLE / 2)
    world.pass_time(SETTLE / 2)
    state = again.look(ANNA)
    assert state.is_online
    assert again.look(BEN) == State(False, state.version - 1, None)
    assert state.version > again.look(BEN).version > before.version
    assert again.reap() == []
    assert short(late.update(ben=1)) == [(BEN, True)]


def test_versions_rise_over_epochs_whatever_the_clock_says(world: World) -> None:
    process = Process(world)
    (before,) = process.update(anna=1)
    world.empty()
    world.now -= 3600
    again = Process(world, registry=process.registry)
    world.pass_time(SETTLE)
    assert again.look(ANNA).version == before.version + 1


def test_restored_snapshot_is_no_epoch(world: World) -> None:
    process = Process(world)
    process.update(anna=1)
    saved = world.save()
    process.update(ben=1)
    process.update(ben=0)
    world.pass_time(GRACE)
    process.renew()
    world.restore(saved)
    with pytest.raises(LeaseLost):
        process.renew()
    assert world.read_epoch() == ""
    assert Process(world, registry=process.registry).joined.settles_in == SETTLE


def test_restored_snapshot_is_noticed_by_whoever_reads(world: World) -> None:
    """A page that is rendered has heard of a version too."""
    process, reader = Process(world), world.registry()
    saved = world.save()
    process.update(anna=1)
    assert reader.snapshot([ANNA])[ANNA].is_online
    world.restore(saved)
    with pytest.raises(RegistryAway):
        reader.snapshot([ANNA])


def test_refused_call_has_heard_of_the_version_too(world: World) -> None:
    process, other = Process(world), world.registry()
    saved = world.save()
    process.update(anna=1)
    with pytest.raises(LeaseLost):
        other.renew("unknown", 0)
    world.restore(saved)
    with pytest.raises(RegistryAway):
        other.snapshot([ANNA])


def test_restored_snapshot_without_an_edge_since_goes_on(world: World) -> None:
    process = Process(world)
    process.update(anna=1)
    saved = world.save()
    process.update(anna=2)
    world.restore(saved)
    with pytest.raises(LeaseLost):
        process.renew()
    assert process.look(ANNA).is_online
    assert Process(world, registry=process.registry).joined == Joined(process.joined.epoch, 0.0)


def test_reader_who_knows_more_empties_a_new_epoch_once(world: World) -> None:
    """Though the clock went back, and the new epoch was begun by somebody who knows nothing of the earlier one."""
    process, reader = Process(world), world.registry()
    process.update(anna=1)
    version = reader.snapshot([ANNA])[ANNA].version
    world.empty()
    world.now -= 3600
    fresh = Process(world)
    assert fresh.joined.settles_in == 0.0
    with pytest.raises(RegistryAway):
        reader.snapshot([ANNA])
    again = Process(world, registry=fresh.registry)
    assert again.joined.settles_in == SETTLE
    world.pass_time(SETTLE)
    assert reader.snapshot([ANNA])[ANNA].version > version
    again.renew()


# --- Time -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [-86_400.0, -3.0, 30.0, 86_400.0])
def test_clock_step_expires_nobody(world: World, step: float) -> None:
    one, two = Process(world), Process(world)
    one.update(anna=1)
    world.now += step
    assert two.look(ANNA).is_online
    one.renew()
    two.renew()
    keep_alive(world, 14, two)
    assert two.look(ANNA).is_online
    keep_alive(world, 1, two)
    assert not two.look(ANNA).is_online
    assert two.look(ANNA).at == pytest.approx(START + step, abs=2)


def test_stalled_registry_expires_nobody(world: World) -> None:
    process = Process(world)
    process.update(anna=1)
    world.now += 600
    process.renew()
    assert process.look(ANNA).is_online


def test_everybody_died_and_one_comes_back(world: World) -> None:
    dead = Process(world)
    dead.registry.confirm([edge.version for edge in dead.update(anna=1)])
    world.now += 600
    fresh = Process(world)
    assert fresh.joined == Joined(dead.joined.epoch, 0.0)
    assert fresh.look(ANNA).at == START
    assert fresh.reap() == [(ANNA, False)]


def test_fresh_process_beside_living_ones_wakes_nothing(world: World) -> None:
    one = Process(world)
    one.update(anna=1)
    keep_alive(world, 1, one)
    world.now += 10
    assert Process(world).look(ANNA).is_online


def test_who_registers_anew_after_a_stall_wakes_nothing(world: World) -> None:
    """Unlike a fresh process it knows that there were others, who may have stalled with the registry."""
    one, two = Process(world), Process(world)
    one.update(anna=1)
    world.now += 600
    again = Process(world, registry=two.registry)
    assert again.look(ANNA).is_online
    one.renew()


# --- Announcing -------------------------------------------------------------------------------------


def test_confirmed_edge_is_not_handed_out_again(world: World) -> None:
    process = Process(world)
    process.registry.confirm([edge.version for edge in process.update(anna=1)])
    process.registry.confirm([1, 2, 3])
    keep_alive(world, 10, process)
    assert process.reap() == []
    assert world.read_edges() == {}


def test_unconfirmed_edge_goes_to_another(world: World) -> None:
    one, two = Process(world), Process(world)
    edges = one.update(anna=1)
    world.pass_time(CONFIRM_WITHIN - 0.001)
    assert two.registry.reap(two.incarnation).edges == []
    world.pass_time(0.001)
    assert two.registry.reap(two.incarnation).edges == edges
    assert one.registry.reap(one.incarnation).edges == []
    assert world.registry().reap(None).edges == []
    world.pass_time(CONFIRM_WITHIN)
    assert world.registry().reap(None).edges == edges


def test_lost_answer_hands_out_after_a_while(world: World) -> None:
    process = Process(world)
    edges = process.registry.update(process.incarnation, 1, {ANNA: 1})
    assert process.registry.update(process.incarnation, 1, {ANNA: 1}) == []
    world.pass_time(CONFIRM_WITHIN)
    assert process.registry.reap(process.incarnation).edges == edges


def test_earlier_unconfirmed_edges_come_along_in_order(world: World) -> None:
    one, two = Process(world), Process(world)
    given = [*one.update(anna=1, ben=1)]
    one.update(anna=0)
    world.pass_time(GRACE)
    (again, _) = taken = two.registry.reap(two.incarnation).edges[:2]
    assert {edge.version for edge in given} == {edge.version for edge in taken}
    assert again.version == min(edge.version for edge in given)
    edges = two.hold({ANNA: 1})
    assert short(edges) == [(ANNA, True), (ANNA, False), (ANNA, True)]
    assert [edge.version for edge in edges] == sorted(edge.version for edge in edges)


def test_earlier_edge_that_somebody_else_has_comes_along(world: World) -> None:
    """They may have died with it, and a later edge must not overtake it."""
    one, two = Process(world), Process(world)
    (came,) = one.update(anna=1)
    one.update(anna=0)
    world.pass_time(GRACE - 1)
    assert one.registry.reap(one.incarnation).edges == [came]
    world.pass_time(1)
    assert short(two.registry.reap(two.incarnation).edges) == [(ANNA, True), (ANNA, False)]


def test_confirming_a_later_edge_leaves_the_earlier(world: World) -> None:
    process = Process(world)
    (came,) = process.update(anna=1)
    process.update(anna=0)
    world.pass_time(GRACE)
    (_, went) = process.registry.reap(process.incarnation).edges
    process.registry.confirm([went.version])
    world.pass_time(CONFIRM_WITHIN)
    assert process.registry.reap(process.incarnation).edges == [came]


def test_no_more_than_some_unconfirmed_edges_are_kept(world: World) -> None:
    process = Process(world)
    versions = []
    for _ in range(MAX_UNCONFIRMED):
        versions += [process.update(anna=1)[-1].version]
        process.update(anna=0)
        keep_alive(world, int(GRACE), process)
        versions += [process.look(ANNA).version]
    assert sorted(world.read_edges()) == versions[-MAX_UNCONFIRMED:]
    world.pass_time(CONFIRM_WITHIN)
    edges = process.registry.reap(process.incarnation).edges
    assert [edge.version for edge in edges] == versions[-MAX_UNCONFIRMED:]
    process.registry.confirm([edge.version for edge in edges])
    assert world.read_edges() == {}


def test_reaps_so_many_at_once(world: World) -> None:
    one, two = Process(world), Process(world)
    one.hold({UUID(int=number): 1 for number in range(REAP_LIMIT + 1)})
    world.pass_time(CONFIRM_WITHIN)
    first, second = (two.registry.reap(two.incarnation) for _ in range(2))
    assert (len(first.edges), first.has_more) == (REAP_LIMIT, True)
    assert (len(second.edges), second.has_more) == (1, False)
    assert {edge.user_id for edge in first.edges + second.edges} == {UUID(int=n) for n in range(REAP_LIMIT + 1)}
    assert [edge.version for edge in first.edges] == sorted(edge.version for edge in first.edges)


# --- Who is where -----------------------------------------------------------------------------------


def test_kick_reaches_every_process_that_holds_the_user(world: World) -> None:
    one, two, three = Process(world), Process(world), Process(world)
    one.update(anna=1, ben=1)
    two.update(anna=1)
    three.update(ben=1)
    assert three.registry.kick(ANNA) == 2
    assert three.registry.kick(CARL) == 0
    assert one.registry.reap(one.incarnation).kicked == [ANNA]
    assert one.registry.reap(one.incarnation).kicked == []
    assert one.registry.reap(None).kicked == []
    assert two.registry.reap(two.incarnation).kicked == [ANNA]
    assert three.registry.reap(three.incarnation).kicked == []


def test_processes_are_listed_with_what_they_hold(world: World) -> None:
    younger = Process(world, since=START + 1.5)
    older = Process(world, since=START)
    younger.update(anna=2, ben=1)
    keep_alive(world, 1, older)
    first, second = world.registry().processes()
    assert (first.info, first.lease_left, first.users) == (older.info, LEASE, {})
    assert (second.info, second.lease_left, second.users) == (younger.info, LEASE - 1, {ANNA: 2, BEN: 1})
    assert second.connections == 3
    keep_alive(world, int(LEASE) - 1, older)
    assert [process.info for process in world.registry().processes()] == [older.info]


def test_snapshot_of_nobody_and_of_many(world: World) -> None:
    process = Process(world)
    assert process.registry.snapshot([]) == {}
    process.hold({UUID(int=number): 1 for number in range(0, 3_000, 2)})
    states = process.registry.snapshot([UUID(int=number) for number in range(3_000)])
    assert [state.is_online for state in states.values()] == [number % 2 == 0 for number in range(3_000)]
    assert list(states) == [UUID(int=number) for number in range(3_000)]


def test_backends_agree_word_for_word(redis_world: RedisWorld) -> None:
    """The same calls at the same times give the same answers, versions and times included."""
    assert _play(MemoryWorld()) == _play(redis_world)


def _play(world: World) -> list[object]:
    answers: list[object] = []
    one, two = (ProcessInfo(name, "host", 1, "0.1", START) for name in ("one", "two"))
    registry, other = world.registry(), world.registry()
    registry.register(one)
    other.register(two)
    answers.append(registry.update("one", 1, {ANNA: 1, BEN: 2}))
    answers.append(other.update("two", 1, {ANNA: 1, CARL: 1}))
    for second in range(40):
        world.now += 0.5 + second % 3 * 0.7
        if second < 4:
            registry.renew("one", 1)
        if second == 8:
            answers.append(other.update("two", 2, {CARL: 0}))
        if second > 2:
            answers.append(other.reap("two").edges)
        other.renew("two", 1 if second < 8 else 2)
        answers.append(other.snapshot([ANNA, BEN, CARL]))
        answers.append(other.processes())
    return answers


# --- Over the network -------------------------------------------------------------------------------


def test_a_call_is_one_command(redis_world: RedisWorld, valkey: Valkey) -> None:
    process = Process(redis_world)
    process.registry.processes()
    users = [UUID(int=number) for number in range(3_000)]
    process.registry.snapshot(users)
    with redis.Redis.from_url(valkey.url) as client, client.monitor() as monitor:
        client.ping()  # connected from here on
        process.registry.snapshot(users)
        process.update(anna=1)
        process.renew()
        client.ping()
        seen: list[str] = []
        while seen.count("PING") < 2:
            command = monitor.next_command()
            if command["client_type"] != "lua":
                seen.append(command["command"].split()[0])
        seen = seen[seen.index("PING") + 1 : -1]
    assert seen.count("EVALSHA") == 3 + seen.count("SCRIPT")  # a script the server does not know yet is sent first
    assert set(seen) <= {"EVALSHA", "SCRIPT"}


def test_flushed_scripts_are_sent_again(redis_world: RedisWorld, valkey: Valkey) -> None:
    process = Process(redis_world)
    with redis.Redis.from_url(valkey.url) as client:
        client.script_flush()
    assert short(process.update(anna=1)) == [(ANNA, True)]
    assert process.look(ANNA).is_online


def test_the_servers_clock_is_used_where_none_is_given(redis_world: RedisWorld, valkey: Valkey) -> None:
    registry = RedisRegistry(valkey.url, lease=LEASE, grace=GRACE, prefix=redis_world.prefix)
    registry.register(make_info("a"))
    (edge,) = registry.update("a", 1, {ANNA: 1})
    assert edge.at == pytest.approx(time.time(), abs=5)
    assert edge.version == pytest.approx(time.time() * 1000, abs=5_000)
    registry.client.close()


def test_prefixes_are_worlds_apart(redis_world: RedisWorld, valkey: Valkey) -> None:
    Process(redis_world).update(anna=1)
    prefix = f"test:{{{uuid.uuid4().hex}}}"
    other = RedisRegistry(valkey.url, lease=LEASE, grace=GRACE, prefix=prefix)
    assert other.processes() == []
    other.client.close()


def _assert_away(registry: Registry) -> None:
    for call in (
        registry.ping,
        lambda: registry.snapshot([ANNA]),
        lambda: registry.register(make_info()),
        lambda: registry.reap(None),
    ):
        started = time.monotonic()
        with pytest.raises(RegistryAway):
            call()
        assert time.monotonic() - started < 1.5


def test_nobody_listens() -> None:
    registry = RedisRegistry(f"redis://127.0.0.1:{free_port()}/0", lease=LEASE, grace=GRACE)
    _assert_away(registry)


def test_server_that_dies_is_away_and_comes_back_empty() -> None:
    with Valkey() as valkey:
        registry = RedisRegistry(valkey.url, lease=LEASE, grace=GRACE)
        first = registry.register(make_info("a"))
        registry.update("a", 1, {ANNA: 1})
        valkey.kill()
        _assert_away(registry)
        valkey.start()
        with pytest.raises(LeaseLost):
            registry.renew("a", 1)
        again = registry.register(make_info("b"))
        assert again.epoch != first.epoch
        assert again.settles_in == SETTLE
        registry.client.close()


def test_server_that_hangs_is_away() -> None:
    with Valkey() as valkey:
        registry = RedisRegistry(valkey.url, lease=LEASE, grace=GRACE)
        registry.register(make_info("a"))
        with redis.Redis.from_url(valkey.url) as client:
            client.execute_command("CLIENT", "PAUSE", "4000", "ALL")
        _assert_away(registry)
        registry.client.close()


def test_server_that_refuses_is_away() -> None:
    """As a replica does, and one whose memory is full."""
    with Valkey() as valkey:
        registry = RedisRegistry(valkey.url, lease=LEASE, grace=GRACE)
        registry.register(make_info("a"))
        with redis.Redis.from_url(valkey.url) as client:
            client.config_set("maxmemory", 1)  # first: what replication takes is not counted
            _refused(registry)
            client.config_set("maxmemory", 0)
            client.replicaof("127.0.0.1", free_port())
            _refused(registry)
            client.replicaof("NO", "ONE")
        registry.ping()
        registry.client.close()


def _refused(registry: Registry) -> None:
    with pytest.raises(RegistryAway):
        registry.renew("a", 0)


# --- More at once than one call takes ---------------------------------------------------------------

CROWD = 7_000  # more than the scripts' BATCH


def _crowd(first: int = 100) -> dict[UUID, int]:
    return {UUID(int=number): 1 for number in range(first, first + CROWD)}


def _backlog(world: RedisWorld) -> tuple[Process, Process]:
    """Return a process whose lease has just run out, holding a crowd, and one that lives; nobody has called since."""
    dead, alive = Process(world), Process(world)
    users = list(_crowd())
    for start in range(0, CROWD, 1_000):
        edges = dead.hold(dict.fromkeys(users[start : start + 1_000], 1))
        alive.registry.confirm([edge.version for edge in edges])
    for _ in range(14):
        world.now += 1
        alive.renew()
    world.now += 1
    return dead, alive


def _take_all(process: Process) -> list[tuple[UUID, bool]]:
    taken = []
    while True:
        reaped = process.registry.reap(process.incarnation)
        taken += short(reaped.edges)
        process.registry.confirm([edge.version for edge in reaped.edges])
        if not reaped.has_more:
            return taken


def test_crowd_of_an_expired_lease_is_offline_at_once(redis_world: RedisWorld) -> None:
    dead, alive = _backlog(redis_world)
    states = alive.registry.snapshot(_crowd())
    assert not any(state.is_online for state in states.values())
    assert {state.at for state in states.values()} == {START}
    with pytest.raises(LeaseLost):
        dead.renew()
    assert sorted(_take_all(alive)) == sorted((user, False) for user in _crowd())
    assert [process.info for process in alive.registry.processes()] == [alive.info]


def test_crowd_of_an_expired_lease_is_reaped_in_parts(redis_world: RedisWorld) -> None:
    _, alive = _backlog(redis_world)
    assert alive.registry.reap(alive.incarnation).has_more
    redis_world.pass_time(CONFIRM_WITHIN)
    assert sorted(_take_all(alive)) == sorted((user, False) for user in _crowd())
    assert redis_world.read_edges() == {}


def test_expired_process_in_the_backlog_holds_nobody(redis_world: RedisWorld) -> None:
    dead, alive = _backlog(redis_world)
    edges = alive.hold(_crowd())  # each went, and came
    assert len(edges) == 2 * CROWD
    alive.registry.confirm([edge.version for edge in edges])
    assert all(state.is_online for state in alive.registry.snapshot(_crowd()).values())
    alive.registry.retire(dead.incarnation)
    alive.hold(dict.fromkeys(_crowd(), 0))
    redis_world.now += 2
    other = Process(redis_world)
    for _ in range(2):
        redis_world.now += 2
        other.renew()
    assert not any(state.is_online for state in other.registry.snapshot(_crowd()).values())
    assert sorted(_take_all(other)) == sorted((user, False) for user in _crowd())


def test_retired_expired_process_in_the_backlog_has_no_second_grace(redis_world: RedisWorld) -> None:
    dead, alive = _backlog(redis_world)
    alive.registry.retire(dead.incarnation)
    assert not any(state.is_online for state in alive.registry.snapshot(_crowd()).values())


def test_registering_again_from_the_backlog_is_registering_without_users(redis_world: RedisWorld) -> None:
    dead, alive = _backlog(redis_world)
    alive.registry.register(dead.info)
    assert not any(state.is_online for state in alive.registry.snapshot(_crowd()).values())
    dead.number = 0
    edges = dead.hold(_crowd())
    assert len(edges) == 2 * CROWD


def test_user_of_two_expired_processes_in_the_backlog_was_seen_by_the_longer(redis_world: RedisWorld) -> None:
    """The one that held them first has lived longer."""
    world = redis_world
    alive, one, two = Process(world), Process(world), Process(world)
    edges = one.hold(_crowd())
    alive.registry.confirm([edge.version for edge in edges])
    two.hold(_crowd())
    world.now += 1
    one.renew()
    alive.renew()
    seen_at = world.now
    for _ in range(13):
        world.now += 1
        alive.renew()
    world.now += 2
    states = alive.registry.snapshot(_crowd())
    assert {(state.is_online, state.at) for state in states.values()} == {(False, seen_at)}


def test_lease_in_the_backlog_is_lost(redis_world: RedisWorld) -> None:
    dead, _ = _backlog(redis_world)
    with pytest.raises(LeaseLost):
        dead.renew()


def test_backlog_without_edges_is_more_to_reap(redis_world: RedisWorld) -> None:
    """Somebody else holds them all; what is behind them in the backlog has to wait for nothing."""
    world = redis_world
    alive, dead = Process(world), Process(world)
    edges = alive.hold(_crowd())
    alive.registry.confirm([edge.version for edge in edges])
    dead.hold(_crowd())
    for _ in range(15):
        world.now += 1
        if world.now < START + LEASE:
            alive.renew()
    first, second = (alive.registry.reap(alive.incarnation) for _ in range(2))
    assert (first.edges, first.has_more) == ([], True)
    assert (second.edges, second.has_more) == ([], False)


def test_kick_spares_the_expired_process_of_the_backlog(redis_world: RedisWorld) -> None:
    """It is behind another one that takes more than one call."""
    world = redis_world
    alive, first, second = Process(world), Process(world), Process(world)
    first.hold(_crowd())
    second.update(anna=1)
    world.now += 0.5
    second.renew()
    for _ in range(7):
        world.now += 2
        alive.renew()
    world.now += 2
    assert alive.registry.kick(ANNA) == 0
    assert not alive.look(ANNA).is_online
