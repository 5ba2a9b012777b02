"""The tracker's tasks with a registry that fails, loses leases and forgets: nothing is lost, everything recovers."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import time
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from presence import metrics
from presence.changes import PresenceBatch
from presence.events import DisconnectRequested, PresenceEvent, PresenceReset, presence_event
from presence.exceptions import RegistryUnavailable
from presence.models import LastSeen
from presence.process import tracker as tracker_module
from presence.process.tracker import Tracker
from presence.registry.base import describe_process
from presence.registry.memory import MemoryRegistry, Store
from tests.conftest import Cast


class Clock:
    """Unix time that passes only when it is told to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class FailingRegistry(MemoryRegistry):
    """A registry that can be taken away."""

    is_unavailable = False

    def _begin(self, *, wake: bool = False) -> Store:
        if self.is_unavailable:
            raise RegistryUnavailable("taken away")
        return super()._begin(wake=wake)


class World:
    """A registry, one tracker on it, and what was announced."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.store = Store()
        self.registry = self.another()
        self.tracker = Tracker(self.registry, self.run_db)
        self.events: list[PresenceEvent] = []
        self.fail_database = 0
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def another(self) -> FailingRegistry:
        """Return another process's registry on the same store."""
        return FailingRegistry(self.store, lease=15, grace=5, clock=self.clock)

    async def run_db(self, function: Callable[..., Any], *args: Any) -> Any:
        """Stand for `run_in_db_thread`, in the test's transaction; fails as often as it was told to."""
        if self.fail_database:
            self.fail_database -= 1
            raise ConnectionError("the database is away")
        return await sync_to_async(function)(*args)

    def start(self) -> None:
        """Start the tracker's tasks, as the hub's supervisor does."""
        for name, run in self.tracker.tasks.items():
            self._tasks[name] = asyncio.get_running_loop().create_task(run())  # type: ignore[arg-type]

    async def stop(self) -> None:
        """End the tasks wherever they are, as the death of each would."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def receive(self, sender: type, event: PresenceEvent, **kwargs: Any) -> None:
        """Note an event."""
        self.events.append(event)

    def told(self) -> list[tuple[str, bool]]:
        """Return what was announced: whose name, online or not."""
        changed = [event for event in self.events if isinstance(event, PresenceBatch)]
        return [(change.display_name, change.is_online) for event in changed for change in event.changes]


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(tracker_module, "REAP_EVERY", 0.02)
    monkeypatch.setattr(tracker_module, "RETRY_AFTER", 0.02)
    monkeypatch.setattr(tracker_module, "COLLECT", 0.01)
    settings.FLOWRA_PRESENCE_HEARTBEAT = 0.05


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[World]:
    """Give a world whose tracker runs; nobody else listens to presence meanwhile."""
    others, presence_event.receivers = presence_event.receivers, []
    presence_event.sender_receivers_cache.clear()
    world = World()
    presence_event.connect(world.receive, weak=False)
    world.start()
    try:
        yield world
    finally:
        await world.stop()
        presence_event.receivers = others
        presence_event.sender_receivers_cache.clear()


async def until(condition: Callable[[], bool]) -> None:
    """Return once `condition()` holds; raises TimeoutError after 10 s."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  (what is waited for knows of no event)
            await asyncio.sleep(0.005)


async def test_a_user_comes_goes_and_was_last_seen(cast: Cast) -> None:
    async with running() as world:
        await world.tracker.wait_synced(world.tracker.arrive(cast.member.pk))
        assert world.registry.snapshot([cast.member.pk])[cast.member.pk].is_online
        await until(lambda: world.told() == [("Mika", True)])
        left = world.clock.now
        world.tracker.depart(cast.member.pk)
        await until(lambda: not world.registry.processes()[0].users)
        for _ in range(3):  # registry time passes by 2 s at most between two calls
            world.clock.now += 2
            world.registry.ping()
            world.registry.processes()
        await until(lambda: world.told() == [("Mika", True), ("Mika", False)])
        seen = await LastSeen.objects.aget(user=cast.member)
        assert seen.at == datetime.datetime.fromtimestamp(left, datetime.UTC)
        event = world.events[0]
        assert isinstance(event, PresenceBatch)
        assert [chat.chat_id for chat in event.chats] == [cast.chat.pk]
        await until(lambda: not world.store.pending)


async def test_while_the_registry_is_unavailable_nobody_waits_and_nothing_is_forgotten(cast: Cast) -> None:
    async with running() as world:
        await world.tracker.wait_synced()
        world.registry.is_unavailable = True
        sequence = world.tracker.arrive(cast.member.pk)
        async with asyncio.timeout(5):
            await world.tracker.wait_synced(sequence)
        world.registry.is_unavailable = False
        await until(lambda: world.told() == [("Mika", True)])


async def test_a_lost_lease_is_taken_up_again(cast: Cast) -> None:
    async with running() as world:
        await world.tracker.wait_synced(world.tracker.arrive(cast.member.pk))
        await until(lambda: world.told() == [("Mika", True)])
        world.registry.is_unavailable = True
        other = world.another()
        other.register(describe_process())
        for _ in range(8):
            world.clock.now += 2
            other.processes()
        assert not other.snapshot([cast.member.pk])[cast.member.pk].is_online
        world.registry.is_unavailable = False
        await until(lambda: other.snapshot([cast.member.pk])[cast.member.pk].is_online)
        await until(lambda: world.told() == [("Mika", True), ("Mika", False), ("Mika", True)])
        assert len(other.processes()) == 1


async def test_a_registry_that_was_emptied_is_synced_anew_and_clients_look_again(cast: Cast) -> None:
    async with running() as world:
        await world.tracker.wait_synced(world.tracker.arrive(cast.member.pk))
        await until(lambda: world.told() == [("Mika", True)])
        world.store.clear()
        await until(lambda: bool(world.store.processes))
        world.clock.now += 2
        await until(lambda: world.registry.snapshot([cast.member.pk])[cast.member.pk].is_online)
        await until(lambda: PresenceReset() in world.events)
        assert world.told() == [("Mika", True)], "nobody came or went"


async def test_what_cannot_be_announced_is_announced_later(cast: Cast) -> None:
    async with running() as world:
        await world.tracker.wait_synced()
        world.fail_database = 1
        await world.tracker.wait_synced(world.tracker.arrive(cast.member.pk))
        await until(lambda: world.fail_database == 0)
        assert world.told() == []
        world.clock.now += 2  # CONFIRM_WITHIN
        await until(lambda: world.told() == [("Mika", True)])
        await until(lambda: not world.store.pending)


async def test_tasks_that_die_lose_nothing(cast: Cast) -> None:
    async with running() as world:
        await world.tracker.wait_synced()
        await world.stop()
        world.tracker.arrive(cast.member.pk)
        world.start()
        await until(lambda: world.told() == [("Mika", True)])


async def test_staff_disconnect_somebody(cast: Cast) -> None:
    async with running() as world:
        await world.tracker.wait_synced(world.tracker.arrive(cast.member.pk))
        assert world.another().kick(cast.member.pk) == 1
        assert world.another().kick(uuid.uuid4()) == 0
        kicks = metrics.kicks._value.get()
        await until(lambda: DisconnectRequested(cast.member.pk) in world.events)
        assert metrics.kicks._value.get() == kicks + 1


async def test_operators_see_when_reaping_stops() -> None:
    last, failures = metrics.last_reap_timestamp_seconds._value, metrics.registry_failures._value
    async with running() as world:
        await world.tracker.wait_synced()
        began = time.time()
        await until(lambda: last.get() >= began)
        world.registry.is_unavailable = True
        stopped_at, failed = last.get(), failures.get()
        await until(lambda: failures.get() >= failed + 2)
        assert last.get() == stopped_at
        world.registry.is_unavailable = False
        await until(lambda: last.get() > stopped_at)


async def test_leaving_hands_everybody_over(cast: Cast) -> None:
    async with running() as world:
        await world.tracker.wait_synced(world.tracker.arrive(cast.member.pk))
        await world.stop()
        await world.tracker.leave()
        assert world.registry.processes() == []
        assert world.registry.snapshot([cast.member.pk])[cast.member.pk].is_online, "the grace has begun"
        world.tracker.arrive(cast.owner.pk)
        await world.tracker.leave()
        assert world.registry.processes() == []
