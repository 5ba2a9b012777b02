"""What every backend promises of edges: who makes them, who gets them, and what is read."""

from __future__ import annotations

from uuid import UUID

import pytest

from presence.exceptions import LeaseLost
from presence.registry.base import CONFIRM_WITHIN, MAX_UNCONFIRMED, REAP_LIMIT, ProcessInfo, UserState
from tests.presence.conftest import GRACE, LEASE, START, MemoryWorld, RedisWorld, World
from tests.presence.registry.registered import ANNA, BEN, CARL, Process, keep_alive, short

# --- Edges ------------------------------------------------------------------------------------------


def test_first_connection_is_an_edge_and_the_second_is_not(world: World) -> None:
    process = Process(world)
    (edge,) = process.update(anna=1)
    assert (edge.user_id, edge.is_online, edge.at) == (ANNA, True, START)
    assert process.update(anna=2) == []
    assert process.look(ANNA) == UserState(True, edge.version, START)


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
    assert process.look(ANNA) == UserState(False, went.version, left_at)


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
