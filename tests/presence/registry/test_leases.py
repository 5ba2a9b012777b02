"""What every backend promises of leases, epochs and time."""

from __future__ import annotations

import pytest

from presence.exceptions import LeaseLost, RegistryUnavailable
from presence.registry.base import SETTLE, Registration, UserState
from tests.presence.conftest import GRACE, LEASE, START, World
from tests.presence.registry.registered import ANNA, BEN, Process, keep_alive, short

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
    assert process.registry.register(process.info) == Registration(process.joined.epoch, 0.0)
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
    assert process.look(ANNA) == UserState(False, round(START * 1000), None)


def test_without_an_epoch_nobody_can_say(world: World) -> None:
    registry = world.registry()
    with pytest.raises(RegistryUnavailable):
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
    with pytest.raises(RegistryUnavailable):
        again.look(ANNA)
    world.pass_time(SETTLE / 2)
    late = Process(world, registry=two.registry)
    assert late.joined == Registration(again.joined.epoch, SETTLE / 2)
    world.pass_time(SETTLE / 2)
    state = again.look(ANNA)
    assert state.is_online
    assert again.look(BEN) == UserState(False, state.version - 1, None)
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
    with pytest.raises(RegistryUnavailable):
        reader.snapshot([ANNA])


def test_refused_call_has_heard_of_the_version_too(world: World) -> None:
    process, other = Process(world), world.registry()
    saved = world.save()
    process.update(anna=1)
    with pytest.raises(LeaseLost):
        other.renew("unknown", 0)
    world.restore(saved)
    with pytest.raises(RegistryUnavailable):
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
    assert Process(world, registry=process.registry).joined == Registration(process.joined.epoch, 0.0)


def test_reader_who_knows_more_empties_a_new_epoch_once(world: World) -> None:
    """Though the clock went back, and the new epoch was begun by somebody who knows nothing of the earlier one."""
    process, reader = Process(world), world.registry()
    process.update(anna=1)
    version = reader.snapshot([ANNA])[ANNA].version
    world.empty()
    world.now -= 3600
    fresh = Process(world)
    assert fresh.joined.settles_in == 0.0
    with pytest.raises(RegistryUnavailable):
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
    assert fresh.joined == Registration(dead.joined.epoch, 0.0)
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
