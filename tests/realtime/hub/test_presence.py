"""What a process's rooms know of presence is read when it is needed, once for all who wait, and again when in doubt."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Mapping

import pytest

from presence.changes import ChatScope, PresenceBatch, PresenceEntry
from presence.registry.base import UserState
from realtime.hub.hub import Hub
from realtime.hub.presence import feed
from tests.realtime.listeners import Listener

CHAT = uuid.UUID(int=9)
JANE = uuid.UUID(int=1)


class Reader:
    """Stands for the database and the registry: each reading waits until it is let go."""

    def __init__(self) -> None:
        self.readings: list[asyncio.Future[Mapping[uuid.UUID, UserState]]] = []

    async def run(self, function: Callable[..., object], chat_id: uuid.UUID) -> Mapping[uuid.UUID, UserState]:
        """Stand for `run_in_db_thread(read_states, chat_id)`."""
        self.readings.append(asyncio.get_running_loop().create_future())
        return await self.readings[-1]

    async def let_go(self, place: int) -> None:
        """Have a reading find Jane online."""
        while len(self.readings) <= place:  # noqa: ASYNC110  (bounded by the test's time-out)
            await asyncio.sleep(0)
        self.readings[place].set_result({JANE: UserState(True, 1, None)})


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Reader:
    """Give what the feed reads from."""
    reader = Reader()
    monkeypatch.setattr(feed, "run_in_db_thread", reader.run)
    return reader


@pytest.fixture
def hub(reader: Reader) -> Hub:
    """Give a hub with presence that has not been started."""
    return Hub()


async def count(hub: Hub) -> int | None:
    """Return the room's count, read if need be."""
    room = hub.registry.rooms[CHAT]
    await hub.presence.ensure_loaded(room)
    return room.presence.online_count()


async def test_many_who_subscribe_at_once_are_one_reading(hub: Hub, reader: Reader) -> None:
    listener = Listener()
    hub.registry.subscribe(listener.connection, CHAT)
    asked = [asyncio.ensure_future(count(hub)) for _ in range(100)]
    async with asyncio.timeout(10):
        await reader.let_go(0)
        assert await asyncio.gather(*asked) == [1] * 100
    assert await count(hub) == 1
    assert len(reader.readings) == 1


async def test_a_new_room_does_not_wait_for_the_reading_of_an_old_one(hub: Hub, reader: Reader) -> None:
    listener = Listener()
    hub.registry.subscribe(listener.connection, CHAT)
    first = asyncio.ensure_future(hub.presence.ensure_loaded(hub.registry.rooms[CHAT]))
    async with asyncio.timeout(10):
        while not reader.readings:  # noqa: ASYNC110  (bounded above)
            await asyncio.sleep(0)
        hub.registry.unsubscribe(listener.connection, CHAT)
        hub.registry.subscribe(listener.connection, CHAT)
        second = asyncio.ensure_future(count(hub))
        await reader.let_go(0)
        await reader.let_go(1)
        assert await second == 1
        await first


async def test_what_was_read_while_members_changed_is_read_again(hub: Hub, reader: Reader) -> None:
    listener = Listener()
    hub.registry.subscribe(listener.connection, CHAT)
    asked = asyncio.ensure_future(count(hub))
    async with asyncio.timeout(10):
        while not reader.readings:  # noqa: ASYNC110  (bounded above)
            await asyncio.sleep(0)
        hub.registry.rooms[CHAT].presence.invalidate()
        await reader.let_go(0)
        await reader.let_go(1)
        assert await asked == 1


async def test_a_new_room_of_the_chat_sends_its_own_changes(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "COLLECT", 0.05)
    left, came = Listener(), Listener()
    for listener, version in ((left, 1), (came, 2)):
        hub.registry.subscribe(listener.connection, CHAT).release(0)
        hub.registry.rooms[CHAT].presence.load({})
        entry = PresenceEntry(user_id=JANE, display_name="Jane", is_online=True, last_seen=None, version=version)
        hub.presence.put(PresenceBatch(uuid.UUID(int=8), (entry,), (ChatScope(CHAT, 0, (0,)),)))
        if listener is left:
            hub.registry.unsubscribe(left.connection, CHAT)
    async with asyncio.timeout(10):
        while not came.texts:  # noqa: ASYNC110  (a list knows of no event)
            await asyncio.sleep(0.01)
    assert [json.loads(text)["version"] for text in came.texts] == [2]
    assert left.texts == []


async def test_after_the_broker_came_back_nothing_known_before_is_believed(hub: Hub, reader: Reader) -> None:
    listener = Listener()
    hub.registry.subscribe(listener.connection, CHAT)
    hub.registry.rooms[CHAT].presence.load({})
    assert await count(hub) == 0
    hub.events_lost()
    asked = asyncio.ensure_future(count(hub))
    async with asyncio.timeout(10):
        await reader.let_go(0)
        assert await asked == 1
