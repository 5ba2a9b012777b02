"""Watching people: their states, their changes once each, and how many are online in place of who."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.realtime.conftest import Scene
from tests.realtime.sockets.test_presence import all_gone, next_change
from tests.support.clients import Frame, Person, Socket, make_chat
from tests.support.processes import Server

WITHIN = 1.0  # seconds in which a removal takes effect


@pytest.fixture(scope="module")
def demo_server(processes: None) -> Iterator[Server]:
    """Give a server that lets people watch others as often as they like."""
    with Server({"FLOWRA_RATE_LIMITS": "false"}, demo=True) as running:
        yield running


async def make_guests(server: Server, number: int) -> list[Person]:
    """Return people who share a chat with nobody."""
    names = [f"guest{uuid.uuid4().hex[:8]}" for _ in range(number)]
    make = f"[User.objects.create_user(name, 'g@example.org', 'demo', display_name='Guest') for name in {names!r}]"
    await asyncio.to_thread(server.manage, "shell", "-c", f"from flowra.accounts.models import User; {make}")
    return [await Person.sign_in(server.base_url, name) for name in names]


async def watch(socket: Socket, *user_ids: object) -> dict[str, Frame]:
    """Watch these users; returns the states of those who may be watched."""
    ack = await socket.ask("presence.watch", user_ids=user_ids)
    assert ack["action"] == "watching", ack
    return {user["user_id"]: user for user in ack["users"]}


async def told_of(socket: Socket, user_id: str, is_online: bool) -> Frame:
    """Return the next entry that says this of a user."""
    while True:
        for entry in (await socket.until("presence.users"))["users"]:
            if (entry["user_id"], entry["is_online"]) == (user_id, is_online):
                return dict(entry)


async def entries_so_far(socket: Socket) -> list[Frame]:
    return [
        user for frame in await socket.frames_so_far() if frame["type"] == "presence.users" for user in frame["users"]
    ]


async def test_states_are_those_of_rest_and_strangers_are_left_out(demo_server: Server, scene: Scene) -> None:
    (stranger,) = await make_guests(demo_server, 1)
    async with await scene.john.connect() as john, await stranger.connect() as guest:
        wanted = [scene.jane.id, scene.john.id, scene.jane.id, stranger.id, uuid.uuid4()]
        ack = await john.ask("presence.watch", user_ids=wanted)
        members = await scene.john.call("GET", f"{scene.path}/presence")
        assert sorted(ack["users"], key=str) == sorted(members, key=str)
        assert set(ack) == {"type", "action", "ref", "users"}
        assert await watch(guest, scene.john.id, stranger.id) == {}
        assert "watch" in john.welcome["features"]


async def test_a_change_is_told_once_however_many_chats_are_shared(scene: Scene) -> None:
    since = await all_gone(scene)
    await make_chat(scene.john, scene.jane)
    async with await scene.john.connect() as john:
        before = (await watch(john, scene.jane.id))[scene.jane.id]
        assert (before["is_online"], before["display_name"]) == (False, "Jane Doe")
        async with await scene.jane.connect():
            online = await told_of(john, scene.jane.id, True)
            assert (online["last_seen"], online["version"] > since) == (None, True)
        offline = await told_of(john, scene.jane.id, False)
        assert (await watch(john, scene.jane.id))[scene.jane.id] == offline
        assert await entries_so_far(john) == []


async def test_the_last_set_counts(scene: Scene) -> None:
    await all_gone(scene)
    async with await scene.john.connect() as john:
        await watch(john, scene.jane.id)
        await watch(john, scene.bob.id)
        async with await scene.jane.connect(), await scene.bob.connect():
            await told_of(john, scene.bob.id, True)
            assert {entry["user_id"] for entry in await entries_so_far(john)} <= {scene.bob.id}
        assert await watch(john) == {}


async def test_counts_replace_changes(scene: Scene) -> None:
    since = await all_gone(scene)
    async with await scene.john.connect() as john, await scene.john.connect() as plain:
        await watch(john)
        for socket in (john, plain):
            assert (await socket.ask("subscribe", chat_id=scene.chat_id))["online_count"] == 1
        async with await scene.jane.connect():
            await next_change(plain, scene.jane.id, since)
            await john.until("presence.count", chat_id=scene.chat_id, online_count=2)
        await john.until("presence.count", chat_id=scene.chat_id, online_count=1)
        kinds = {frame["type"] for frame in await john.frames_so_far()}
        assert not kinds & {"presence.changed", "presence.diff"}
        assert "presence.count" not in {frame["type"] for frame in await plain.frames_so_far()}


async def test_after_a_removal_nothing_more_is_told_to_either(demo_server: Server) -> None:
    owner, one, two = await make_guests(demo_server, 3)
    chat = await make_chat(owner, one, two)
    path = f"/chats/{chat['id']}/members"
    async with await owner.connect() as owners, await one.connect() as ones:
        assert set(await watch(ones, owner.id, two.id)) == {owner.id, two.id}
        assert set(await watch(owners, one.id, two.id)) == {one.id, two.id}
        await owner.call("DELETE", f"{path}/{one.id}", expect=204)
        await asyncio.sleep(WITHIN)  # the time that the contract gives
        async with await two.connect():
            await told_of(owners, two.id, True)
            assert await entries_so_far(ones) == []
            assert await watch(ones, owner.id, two.id) == {}
            assert set(await watch(owners, one.id, two.id)) == {two.id}
        # Whoever is added again is watched again, by a new command.
        await owner.call("POST", path, {"user_ids": [one.id]})
        assert set(await watch(ones, owner.id)) == {owner.id}


async def test_another_chat_in_place_of_the_one_that_was_shared(demo_server: Server) -> None:
    owner, one = await make_guests(demo_server, 2)
    chat = await make_chat(owner, one)
    async with await owner.connect() as owners:
        await watch(owners, one.id)
        body = {"workspace_id": chat["workspace_id"], "kind": "bug", "title": "New", "member_ids": [one.id]}
        await owner.call("POST", "/chats", body)
        await owners.until("chat.created")
        await owner.call("DELETE", f"/chats/{chat['id']}/members/{one.id}", expect=204)
        await asyncio.sleep(WITHIN)
        async with await one.connect():
            assert await told_of(owners, one.id, True)


async def test_who_shares_only_a_blocked_direct_chat_is_not_seen(demo_server: Server) -> None:
    owner, one = await make_guests(demo_server, 2)
    chat = await make_chat(owner, one)
    direct = {"workspace_id": chat["workspace_id"], "kind": "direct", "member_ids": [one.id]}
    await owner.call("POST", "/chats", direct)
    await owner.call("DELETE", f"/chats/{chat['id']}", expect=204)
    async with await owner.connect() as owners:
        assert set(await watch(owners, one.id)) == {one.id}
        await one.call("PUT", f"/me/blocks/{owner.id}", expect=204)
        assert (await owners.until("resync"))["reason"] == "presence"
        async with await one.connect() as ones:
            assert await watch(ones, owner.id) == {}
            assert await watch(owners, one.id) == {}
        await one.call("DELETE", f"/me/blocks/{owner.id}", expect=204)
        assert set(await watch(owners, one.id)) == {one.id}


@pytest.mark.parametrize(
    "user_ids",
    [None, "x", {}, ["x"], [None], [1], ["01a20929-ccfc-7651-a51f-773d283306b5", ""], [str(uuid.uuid4())] * 501],
)
async def test_what_is_no_list_of_users(scene: Scene, user_ids: Any) -> None:
    async with await scene.john.connect() as john:
        error = await john.ask("presence.watch", user_ids=user_ids)
        assert (error["code"], error["field"]) == ("invalid", "user_ids")
        assert (await john.ask("presence.watch"))["field"] == "user_ids"
        assert (await john.ask("presence.watch", user_ids=[], chat_id=scene.chat_id))["field"] == "chat_id"
        assert len(await watch(john, *[uuid.uuid4() for _ in range(499)], scene.jane.id)) == 1


async def test_it_is_limited_and_can_be_switched_off(processes: None) -> None:
    with Server(demo=True) as limited, Server({"FLOWRA_PRESENCE_ENABLED": "false"}, demo=True) as without:
        john = await Person.sign_in(limited.base_url, "john")
        async with await john.connect() as socket:
            assert await watch(socket, john.id)
            refused = await socket.ask("presence.watch", user_ids=[])
            assert refused["code"] == "rate_limited"
            assert 0 < refused["retry_after"] <= 1
            await asyncio.sleep(refused["retry_after"])
            assert await watch(socket) == {}
        john = await Person.sign_in(without.base_url, "john")
        async with await john.connect() as socket:
            assert "watch" not in socket.welcome["features"]
            assert (await socket.ask("presence.watch", user_ids=[]))["code"] == "disabled"
