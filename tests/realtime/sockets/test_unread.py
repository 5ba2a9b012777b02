"""Unread counts, mentions and the bell: the same as in REST, in all tabs of a user."""

from __future__ import annotations

import asyncio
import dataclasses
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from realtime.hub.unread import ROUND
from tests.realtime.conftest import Scene, make_scene
from tests.support.clients import Frame, Person, Socket
from tests.support.processes import Server

COUNTS = ("last_read_seq", "unread_count", "mention_count")


@pytest.fixture(scope="module")
def demo_server(processes: None) -> Iterator[Server]:
    """Give a server that lets people post as fast as they like."""
    with Server({"FLOWRA_RATE_LIMITS": "false"}, demo=True) as running:
        yield running


async def write(person: Person, scene: Scene, body: str) -> str:
    """Post a message over REST and return its path."""
    posted = await person.call("POST", f"{scene.path}/messages", {"body": body, "client_id": str(uuid.uuid4())})
    return f"{scene.path}/messages/{posted['id']}"


async def counts(socket: Socket, scene: Scene, **fields: Any) -> tuple[int, ...]:
    """Return the next counts of the chat that a socket receives, with these fields."""
    frame = await socket.until("chat.unread", chat_id=scene.chat_id, **fields)
    return tuple(frame[name] for name in COUNTS)


async def bell(person: Person) -> int:
    """Return what REST says of the bell."""
    unread: int = (await person.call("GET", "/notifications?unread=true"))["unread_count"]
    return unread


async def test_deleting_an_unread_message_reaches_all_tabs(scene: Scene) -> None:
    async with await scene.jane.connect() as elsewhere, await scene.jane.subscribe(scene.chat_id) as here:
        paths = [await write(scene.john, scene, f"{number}") for number in range(3)]
        assert await counts(elsewhere, scene, unread_count=3) == (0, 3, 0)
        for path in paths:
            await scene.john.call("DELETE", path)
        for tab in (elsewhere, here):
            assert await counts(tab, scene, unread_count=0) == (0, 0, 0)
        assert (await scene.jane.call("GET", scene.path))["unread_count"] == 0


async def test_subscribers_who_have_read_it_receive_nothing(scene: Scene) -> None:
    async with await scene.jane.subscribe(scene.chat_id) as here, await scene.jane.connect() as elsewhere:
        path = await write(scene.john, scene, "one")
        await scene.jane.call("POST", f"{scene.path}/read", {"seq": 1})
        assert await counts(here, scene) == (1, 0, 0)
        await scene.john.call("DELETE", path)
        await scene.john.call("POST", f"{scene.path}/messages", {"body": "two"})
        assert await counts(elsewhere, scene, unread_count=1) == (1, 1, 0)  # a round later
        assert not [frame for frame in await here.frames_so_far() if frame["type"] == "chat.unread"]


async def test_a_mention_that_comes_and_goes_reaches_all_tabs(scene: Scene) -> None:
    async with await scene.jane.connect() as elsewhere, await scene.jane.subscribe(scene.chat_id) as here:
        before = await bell(scene.jane)
        path = await write(scene.john, scene, "@jane one")
        for tab in (elsewhere, here):
            assert await counts(tab, scene, mention_count=1) == (0, 1, 1)
        ring = (await here.until("notification.new"))["data"]
        await scene.john.call("PATCH", path, {"body": "one"})
        for tab in (elsewhere, here):
            assert await counts(tab, scene, mention_count=0) == (0, 1, 0)
            read = await tab.until("notification.read")
            assert (read["ids"], read["unread_count"], "all" in read) == ([ring["id"]], before, False)
        await scene.john.call("PATCH", path, {"body": "one more, @jane"})
        for tab in (elsewhere, here):
            assert await counts(tab, scene, mention_count=1) == (0, 1, 1)
        await scene.john.call("DELETE", path)
        for tab in (elsewhere, here):
            assert await counts(tab, scene, unread_count=0) == (0, 0, 0)
            assert (await tab.until("notification.read"))["unread_count"] == before


async def test_reading_a_chat_reads_its_notifications_in_all_tabs(scene: Scene) -> None:
    async with await scene.jane.connect() as one, await scene.jane.subscribe(scene.chat_id) as other:
        before = await bell(scene.jane)
        path = await write(scene.john, scene, "@jane one")
        await write(scene.john, scene, "@jane two")
        rung = [(await one.until("notification.new"))["data"]["id"] for _ in range(2)]
        await one.ask("chat.read", chat_id=scene.chat_id, seq=1)
        for tab in (one, other):
            read = await tab.until("notification.read")
            assert (read["ids"], read["unread_count"]) == (rung[:1], before + 1)
            assert await counts(tab, scene, last_read_seq=1) == (1, 1, 1)
        await scene.jane.call("POST", f"{scene.path}/read", {"seq": 2})
        for tab in (one, other):
            assert (await tab.until("notification.read"))["ids"] == rung[1:]
        # What was read names her only now: reading it once more reads the bell.
        await scene.john.call("PATCH", path, {"body": "one"})
        assert (await other.until("notification.read"))["ids"] == rung[:1]
        await scene.john.call("PATCH", path, {"body": "one @jane"})
        late = (await one.until("notification.new"))["data"]["id"]
        assert await bell(scene.jane) == before + 1
        await one.ask("chat.read", chat_id=scene.chat_id, seq=2)
        assert (await other.until("notification.read", unread_count=before))["ids"] == [late]


async def test_the_bell_is_read_by_rest_in_all_tabs(scene: Scene) -> None:
    async with await scene.jane.connect() as one, await scene.jane.connect() as other:
        await write(scene.john, scene, "@jane one")
        await write(scene.john, scene, "@jane two")
        first, _ = [(await one.until("notification.new"))["data"]["id"] for _ in range(2)]
        await scene.jane.call("POST", "/notifications/read", {"ids": [first, first, str(uuid.uuid4())]})
        assert (await other.until("notification.read"))["ids"] == [first]
        await scene.jane.call("POST", "/notifications/read", {"all": True})
        for tab in (one, other):
            read = await tab.until("notification.read", all=True)
            assert (read["unread_count"], "ids" in read) == (0, False)
        await scene.jane.call("POST", "/notifications/read", {"all": True})
        assert not [frame for frame in await other.frames_so_far() if frame["type"] == "notification.read"]


# --- Anything, by anybody -----------------------------------------------------------------------

Act = tuple[str, Any, Any]
WHO = st.sampled_from(["john", "jane"])
POST = st.tuples(st.just("post"), WHO, st.sampled_from(["hi", "@john", "@jane", "@jane and @john", "> @jane"]))
EDIT = st.tuples(st.just("edit"), st.integers(0, 9), st.sampled_from(["oh", "@john", "@jane", "`@jane`"]))
DELETE = st.tuples(st.just("delete"), st.integers(0, 9), st.none())
READ = st.tuples(st.just("read"), WHO, st.integers(0, 9))
ACTS = st.lists(st.one_of(POST, POST, EDIT, DELETE, READ), min_size=4, max_size=16)


@dataclasses.dataclass(slots=True)
class Tab:
    """A client that counts as docs/protocol.md says, from the counts that it began with."""

    person: Person
    socket: Socket
    chat_id: str
    state: dict[str, int]
    bell: int

    def receive(self, frame: Frame) -> None:
        """Take in a frame."""
        match frame["type"]:
            case "chat.unread" if frame["chat_id"] == self.chat_id:  # that of a chat before may come late
                self.state = {name: frame[name] for name in COUNTS}
            case "chat.message.posted" if frame["data"]["author"]["id"] == self.person.id:
                self.state = {"last_read_seq": frame["data"]["seq"], "unread_count": 0, "mention_count": 0}
            case "chat.message.posted" if frame["data"]["seq"] > self.state["last_read_seq"]:
                self.state["unread_count"] += 1
            case "notification.new":
                self.bell += 1
            case "notification.read":
                self.bell = frame["unread_count"]


async def act(scene: Scene, acts: list[Act]) -> None:
    """Do these things, one after the other."""
    people = {"john": scene.john, "jane": scene.jane}
    written: list[tuple[Person, str]] = []
    for what, which, how in acts:
        if what == "post":
            written.append((people[which], await write(people[which], scene, how)))
        elif what == "read":
            await people[which].call("POST", f"{scene.path}/read", {"seq": how})
        elif written:
            author, path = written[which % len(written)]
            await author.ask("PATCH" if what == "edit" else "DELETE", path, {"body": how} if how else None)


async def recount(person: Person, scene: Scene) -> tuple[dict[str, int], int]:
    """Return what REST says of the chat, having counted its messages, and of the bell."""
    state = await person.call("GET", scene.path)
    messages = (await person.call("GET", f"{scene.path}/messages"))["results"]
    unread = [one for one in messages if one["seq"] > state["last_read_seq"] and one["deleted_at"] is None]
    mark = f'data-username="{person.username}"'
    naming = [one for one in unread if mark in one["html"] and not one["body"].startswith(">")]
    assert (state["unread_count"], state["mention_count"]) == (len(unread), len(naming))
    return {name: state[name] for name in COUNTS}, await bell(person)


async def check(people: list[Person], acts: list[Act]) -> None:
    """Do these things in a new chat; each tab ends up with what REST says."""
    scene = await make_scene(people)
    tabs = []
    for person in (scene.john, scene.jane):
        state, rung = await recount(person, scene)
        for connect in (person.connect(), person.subscribe(scene.chat_id)):
            tabs.append(Tab(person, await connect, scene.chat_id, dict(state), rung))
    try:
        await act(scene, acts)
        right = {person.id: await recount(person, scene) for person in (scene.john, scene.jane)}
        looks_well, deadline = 0, time.monotonic() + 20
        while looks_well < 2:  # once is not enough: a count that is not right may be about to come
            await asyncio.sleep(ROUND)
            for tab in tabs:
                for frame in await tab.socket.frames_so_far():
                    tab.receive(frame)
            seen = [((tab.state, tab.bell), right[tab.person.id]) for tab in tabs]
            looks_well = looks_well + 1 if all(count == wanted for count, wanted in seen) else 0
            assert time.monotonic() < deadline, seen
    finally:
        for tab in tabs:
            await tab.socket.close()


@settings(max_examples=5, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow])
@given(acts=ACTS)
def test_whatever_is_done_all_tabs_count_what_rest_counts(people: list[Person], acts: list[Act]) -> None:
    async_to_sync(check)(people, acts)
