"""What a process's rooms know of presence is read when it is needed, once for all who wait, and again when in doubt."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Mapping

import pytest

from presence.changes import ChatScope, PresenceBatch, PresenceEntry
from presence.registry.base import UserState
from realtime.broker.events import Audience, LayerEvent
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


def announce(hub: Hub, version: int, *, is_online: bool = True) -> None:
    """Announce a change of Jane's."""
    seen = None if is_online else "2026-11-22T20:58:11.402Z"
    entry = PresenceEntry(user_id=JANE, display_name="Jane", is_online=is_online, last_seen=seen, version=version)
    hub.presence.put(PresenceBatch(uuid.UUID(int=8), (entry,), (ChatScope(CHAT, 0, (0,)),)))


async def test_who_watches_people_gets_counts_few_but_the_last(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "COLLECT", 0.01)
    monkeypatch.setattr(feed, "COUNT_EVERY", 0.5)
    plain, watches, behind = Listener(), Listener(), Listener()
    for listener in (plain, watches, behind):
        hub.registry.subscribe(listener.connection, CHAT, background=listener is behind).release(0)
    hub.registry.begin_watching(watches.connection)
    hub.registry.rooms[CHAT].presence.load({JANE: UserState(False, 1, None)})

    def counts() -> list[int]:
        return [json.loads(text)["online_count"] for text in watches.texts]

    async with asyncio.timeout(10):
        for version in range(2, 12):
            announce(hub, version, is_online=version % 2 == 0)
            while len(plain.texts) < version - 1:  # noqa: ASYNC110  (a list knows of no event)
                await asyncio.sleep(0.005)
        while len(counts()) < 2:  # noqa: ASYNC110  (as above)
            await asyncio.sleep(0.005)
    assert counts() == [1, 0]
    assert {json.loads(text)["type"] for text in watches.texts} == {"presence.count"}
    assert {json.loads(text)["type"] for text in plain.texts} == {"presence.changed"}
    assert behind.texts == []
    await hub.presence.stop()


async def test_a_room_in_the_background_counts_nothing_and_stays_right(hub: Hub, reader: Reader) -> None:
    behind, comes = Listener(), Listener()
    hub.registry.subscribe(behind.connection, CHAT, background=True).release(0)
    room = hub.registry.rooms[CHAT]
    room.presence.load({JANE: UserState(False, 1, None)})
    announce(hub, 2)
    assert not room.presence.has_changes
    assert not hub.presence._flushes
    hub.registry.subscribe(comes.connection, CHAT).release(0)
    assert await count(hub) == 1
    assert reader.readings == []


async def test_members_who_come_or_go_change_the_count(
    hub: Hub, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "COLLECT", 0.01)
    watches = Listener()
    hub.registry.subscribe(watches.connection, CHAT).release(0)
    hub.registry.begin_watching(watches.connection)
    room = hub.registry.rooms[CHAT]
    room.access_version = 0
    room.presence.load({})
    added = LayerEvent(group="chat", audience=Audience.CHAT, payload=b"{}", chat_id=CHAT, changes_members=True)
    for _ in range(3):
        hub.delivery.deliver(added)
    async with asyncio.timeout(10):
        await reader.let_go(0)
        while '"presence.count"' not in "".join(watches.texts):  # noqa: ASYNC110  (as above)
            await asyncio.sleep(0.005)
    (told,) = [json.loads(text) for text in watches.texts if "presence.count" in text]
    assert told == {"type": "presence.count", "chat_id": str(CHAT), "online_count": 1}
    await hub.presence.stop()
