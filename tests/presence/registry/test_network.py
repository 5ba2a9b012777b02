"""What only a registry over the network can get wrong."""

from __future__ import annotations

import time
import uuid
from uuid import UUID

import pytest
import redis

from presence.exceptions import LeaseLost, RegistryUnavailable
from presence.registry.base import REGISTRY_TIMEOUT, SETTLE, Registry
from presence.registry.redis import RedisRegistry
from tests.presence.conftest import GRACE, LEASE, RedisWorld, make_info
from tests.presence.registry.registered import ANNA, Process, short
from tests.support.processes import Valkey, free_port


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


def test_without_memory_nothing_changes(redis_world: RedisWorld, valkey: Valkey) -> None:
    """Not even time goes on: a process that cannot renew its lease must not lose it."""
    process, other = Process(redis_world), Process(redis_world)
    process.update(anna=1, ben=1)
    process.registry.kick(ANNA)
    before = process.look(ANNA)
    with redis.Redis.from_url(valkey.url) as client:
        client.config_set("maxmemory", "1")
        try:
            for _ in range(3 * int(LEASE)):
                redis_world.now += 1
                for call in (process.reap, process.renew, lambda: process.look(ANNA), other.reap):
                    with pytest.raises(RegistryUnavailable):
                        call()
        finally:
            client.config_set("maxmemory", "0")
    other.reap()
    assert process.look(ANNA) == before
    assert before.is_online
    process.renew()


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
        with pytest.raises(RegistryUnavailable):
            call()
        assert time.monotonic() - started < 3 * REGISTRY_TIMEOUT


def test_nobody_listens() -> None:
    registry = RedisRegistry(f"redis://127.0.0.1:{free_port()}/0", lease=LEASE, grace=GRACE, prefix="test")
    _assert_away(registry)


@pytest.mark.usefixtures("processes")
def test_server_that_dies_is_unavailable_and_comes_back_empty() -> None:
    with Valkey() as valkey:
        registry = RedisRegistry(valkey.url, lease=LEASE, grace=GRACE, prefix="test")
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


@pytest.mark.usefixtures("processes")
def test_server_that_hangs_is_unavailable() -> None:
    with Valkey() as valkey:
        registry = RedisRegistry(valkey.url, lease=LEASE, grace=GRACE, prefix="test")
        registry.register(make_info("a"))
        with redis.Redis.from_url(valkey.url) as client:
            # Longer than the calls below wait together; the server is ended before the pause is.
            client.execute_command("CLIENT", "PAUSE", "60000", "ALL")
        _assert_away(registry)
        registry.client.close()
        valkey.kill()


@pytest.mark.usefixtures("processes")
def test_server_that_refuses_is_unavailable() -> None:
    """As a replica does, and one whose memory is full."""
    with Valkey() as valkey:
        registry = RedisRegistry(valkey.url, lease=LEASE, grace=GRACE, prefix="test")
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
    with pytest.raises(RegistryUnavailable):
        registry.renew("a", 0)
