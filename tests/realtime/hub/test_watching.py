"""Whoever watches people is told each of their changes once, as long as they share a chat."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Collection
from typing import Any

import pytest

from presence.changes import ChatScope, PresenceBatch, PresenceEntry
from presence.selectors import Watched, read_watched
from realtime.hub.connections import ConnectionRegistry
from realtime.hub.presence import watching
from realtime.hub.presence.watching import CannotWatch, WatchFeed
from realtime.outbox.presence import fold
from realtime.protocol.frames import encode
from realtime.protocol.presence import PresenceCount, PresenceUsers
from tests.realtime.listeners import Listener

JANE, JOHN, BOB = (uuid.UUID(int=number) for number in (1, 2, 3))
DOCS, PLANS = (uuid.UUID(int=number) for number in (8, 9))


def change(user_id: uuid.UUID, version: int, *, is_online: bool = True) -> PresenceEntry:
    """Return a change of a user."""
    seen = None if is_online else "2026-11-22T20:58:11.402Z"
    return PresenceEntry(user_id=user_id, display_name="Jane", is_online=is_online, last_seen=seen, version=version)


def batch(*changes: PresenceEntry, chats: Collection[uuid.UUID] = (DOCS,)) -> PresenceBatch:
    """Return the announcement of these changes, whose users are in these chats."""
    positions = tuple(range(len(changes)))
    return PresenceBatch(uuid.uuid4(), changes, tuple(ChatScope(chat_id, 0, positions) for chat_id in chats))


class Database:
    """Stands for the database and the registry; `meanwhile` is called while a reading is under way."""

    def __init__(self) -> None:
        self.people = {JANE: change(JANE, 10), JOHN: change(JOHN, 11)}
        self.chats = frozenset({DOCS})
        self.meanwhile: Callable[[], object] = lambda: None
        self.readings = 0

    async def run(self, function: Callable[..., object], first: Any, wanted: Any = ()) -> object:
        """Stand for `run_in_db_thread`."""
        if function is not read_watched:
            return dict.fromkeys(first, self.chats)
        self.readings += 1
        found = Watched([self.people[user_id] for user_id in wanted if user_id in self.people], self.chats)
        self.meanwhile()
        await asyncio.sleep(0)
        return found


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    """Give what the feed reads from; what it collects goes out at once."""
    made = Database()
    monkeypatch.setattr(watching, "run_in_db_thread", made.run)
    monkeypatch.setattr(watching, "COLLECT", 0.01)
    return made


@pytest.fixture
def feed() -> WatchFeed:
    """Give a feed without connections."""
    return WatchFeed(ConnectionRegistry(lambda group: None, lambda group: None))


def connect(feed: WatchFeed) -> Listener:
    """Return somebody who is connected."""
    listener = Listener()
    feed._registry.add(listener.connection, set())
    return listener


async def watch(feed: WatchFeed, listener: Listener, *user_ids: uuid.UUID) -> list[int]:
    """Have somebody watch these users; returns the versions that they are told of them."""
    feed.begin(listener.connection, user_ids)
    people = await feed.read(listener.connection)
    feed.release(listener.connection)
    return [person.version for person in people]


async def told(feed: WatchFeed, listener: Listener) -> list[list[int]]:
    """Return the versions in each frame so far, after all that was collected went out."""
    while feed._timer is not None:  # noqa: ASYNC110  (bounded by the test's time-out)
        await asyncio.sleep(0.005)
    return [[user["version"] for user in json.loads(text)["users"]] for text in listener.texts]


async def test_a_change_is_told_once_however_often_it_is_announced(feed: WatchFeed, database: Database) -> None:
    jane, other = connect(feed), connect(feed)
    assert await watch(feed, jane, JOHN, JANE, BOB) == [11, 10]
    assert await watch(feed, other, JANE) == [10]
    for announced in (change(JOHN, 12), change(JOHN, 12), change(JOHN, 11), change(BOB, 13)):
        feed.put(batch(announced))
    assert await told(feed, jane) == [[12]]
    assert await told(feed, other) == []


async def test_two_changes_of_one_user_are_two_frames(feed: WatchFeed, database: Database) -> None:
    jane = connect(feed)
    await watch(feed, jane, JOHN, JANE)
    feed.put(batch(change(JOHN, 12, is_online=False), change(JANE, 13)))
    feed.put(batch(change(JOHN, 14)))
    assert await told(feed, jane) == [[12, 13], [14]]


async def test_what_comes_while_people_are_read_is_told_after_them_if_it_is_newer(
    feed: WatchFeed, database: Database
) -> None:
    jane = connect(feed)
    database.meanwhile = lambda: feed.put(batch(change(JOHN, 11), change(JANE, 12), change(BOB, 13)))
    assert await watch(feed, jane, JOHN, JANE, BOB) == [11, 10]
    assert await told(feed, jane) == [[12]]


async def test_nothing_comes_of_somebody_with_whom_no_chat_is_shared_any_more(
    feed: WatchFeed, database: Database
) -> None:
    jane = connect(feed)
    await watch(feed, jane, JOHN, JANE)
    feed.put(batch(change(JOHN, 12), chats=(PLANS,)))  # John has left the chat that the two shared
    feed.put(batch(change(JANE, 13), chats=(PLANS, DOCS)))
    assert await told(feed, jane) == [[13]]
    database.chats = frozenset({PLANS})  # the watcher has moved to the other chat
    await feed.recheck([jane.connection.user_id])
    feed.put(batch(change(JOHN, 14), chats=(PLANS,)))
    feed.put(batch(change(JANE, 15), chats=(DOCS,)))
    assert await told(feed, jane) == [[13], [14]]


async def test_a_removal_while_people_are_read_has_them_read_again(feed: WatchFeed, database: Database) -> None:
    jane = connect(feed)
    rechecks: list[asyncio.Task[None]] = []

    def remove() -> None:
        database.meanwhile = lambda: None
        database.people, database.chats = {}, frozenset()
        rechecks.append(asyncio.get_running_loop().create_task(feed.recheck([jane.connection.user_id])))
        feed.put(batch(change(JOHN, 12)))

    database.meanwhile = remove
    assert await watch(feed, jane, JOHN) == []
    assert database.readings == 2
    assert await told(feed, jane) == []
    await asyncio.gather(*rechecks)


async def test_removals_without_end_are_given_up(feed: WatchFeed, database: Database) -> None:
    jane = connect(feed)

    def remove() -> None:
        feed._watches[jane.connection].is_stale = True

    database.meanwhile = remove
    with pytest.raises(CannotWatch):
        await watch(feed, jane, JOHN)


async def test_another_set_replaces_the_first(feed: WatchFeed, database: Database) -> None:
    jane = connect(feed)
    await watch(feed, jane, JOHN)
    feed.put(batch(change(JOHN, 12)))
    await watch(feed, jane, JANE)
    feed.put(batch(change(JOHN, 13), change(JANE, 14)))
    assert await told(feed, jane) == [[14]]
    await watch(feed, jane)
    feed.put(batch(change(JANE, 15)))
    assert await told(feed, jane) == [[14]]
    assert feed._watchers == {}


async def test_what_waits_for_a_reading_is_bounded(
    feed: WatchFeed, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "MAX_HELD", 3)
    jane = connect(feed)

    def flood() -> None:
        database.meanwhile = lambda: None
        for version in range(20, 24):
            feed.put(batch(change(JOHN, version)))
        database.people[JOHN] = change(JOHN, 23)

    database.meanwhile = flood
    assert await watch(feed, jane, JOHN) == [23]
    assert await told(feed, jane) == []


async def test_a_connection_that_has_ended_leaves_nothing_behind(feed: WatchFeed, database: Database) -> None:
    jane = connect(feed)
    await watch(feed, jane, JOHN)
    feed.put(batch(change(JOHN, 12)))
    feed.forget(jane.connection)
    assert await told(feed, jane) == []
    assert (feed._watches, feed._watchers, feed._waiting) == ({}, {}, {})


async def test_who_is_in_another_chat_is_looked_up_soon(feed: WatchFeed, database: Database) -> None:
    jane = connect(feed)
    await watch(feed, jane, JOHN)
    running = asyncio.get_running_loop().create_task(feed.run())
    database.chats = frozenset({PLANS})
    feed.ask_recheck([jane.connection.user_id, BOB])
    async with asyncio.timeout(10):
        while feed._unchecked:  # noqa: ASYNC110  (bounded above)
            await asyncio.sleep(0)
    feed.put(batch(change(JOHN, 12), chats=(PLANS,)))
    assert await told(feed, jane) == [[12]]
    running.cancel()


def test_a_slow_client_gets_the_latest_of_each() -> None:
    waiting = [
        PresenceUsers(users=[change(JANE, 1), change(JOHN, 2)]),
        PresenceCount(chat_id=DOCS, online_count=2),
        PresenceUsers(users=[change(JANE, 3, is_online=False)]),
        PresenceCount(chat_id=PLANS, online_count=None),
        PresenceCount(chat_id=DOCS, online_count=1),
    ]
    folded = [json.loads(payload) for payload in fold([encode(frame) for frame in waiting])]
    counts = {frame["chat_id"]: frame["online_count"] for frame in folded if frame["type"] == "presence.count"}
    assert counts == {str(DOCS): 1, str(PLANS): None}
    users = [frame["users"] for frame in folded if frame["type"] == "presence.users"]
    assert [[user["version"] for user in some] for some in users] == [[3, 2]]
