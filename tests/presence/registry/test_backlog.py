"""More at once than one call takes: what waits for the next one is not believed meanwhile."""

from __future__ import annotations

from uuid import UUID

import pytest

from presence.exceptions import LeaseLost
from presence.registry.base import CONFIRM_WITHIN
from tests.presence.conftest import LEASE, START, RedisWorld
from tests.presence.registry.registered import ANNA, Process, short

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
