"""The four tests of the original design, over real sockets of a real server, and what else one server owes."""

from __future__ import annotations

import asyncio

import pytest
import redis

from tests.realtime.conftest import Scene
from tests.support.clients import Frame, Person, Socket, make_chat
from tests.support.processes import Server, Valkey

GRACE = 5.0  # seconds, the default
COLLECTED = 0.25  # seconds that changes are collected for
AIR = 3.0  # seconds for a busy machine


async def next_change(socket: Socket, user_id: str, since: int) -> Frame:
    """Return the next change of this user with a version above `since`."""
    while True:
        for change in changes_in([await socket.receive()], user_id, since):
            return change


def changes_in(frames: list[Frame], user_id: str, since: int) -> list[Frame]:
    """Return the changes of a user in these frames with a version above `since`, each as if it had come alone."""
    changes: list[Frame] = []
    for frame in frames:
        if frame["type"] == "presence.changed":
            changes.append(frame)
        elif frame["type"] == "presence.diff":
            common = {"chat_id": frame["chat_id"], "online_count": frame["online_count"]}
            changes += [{**entry, **common} for entry in [*frame["online"], *frame["offline"]]]
    return [change for change in changes if change["user_id"] == user_id and change["version"] > since]


async def read(person: Person, path: str) -> dict[str, Frame]:
    """Return the chat's presence over REST, by user."""
    return {entry["user_id"]: entry for entry in await person.call("GET", f"{path}/presence")}


async def all_gone(scene: Scene) -> int:
    """Return when nobody of an earlier test is online any more, with the latest version: what is older is known."""
    async with asyncio.timeout(GRACE + 1 + AIR):
        while True:
            entries = (await read(scene.john, scene.path)).values()
            if not any(entry["is_online"] for entry in entries):
                return max(int(entry["version"]) for entry in entries)
            await asyncio.sleep(0.2)


async def silence(seconds: float) -> None:
    """Let time pass in which nothing may happen."""
    await asyncio.sleep(seconds)


async def test_presence_on_connect(scene: Scene) -> None:
    since = await all_gone(scene)
    async with await scene.john.connect() as john:
        ack = await john.ask("subscribe", chat_id=scene.chat_id)
        before = (await read(scene.john, scene.path))[scene.jane.id]
        assert before["is_online"] is False
        async with await scene.jane.connect() as jane:
            change = await next_change(john, scene.jane.id, since)
            assert (change["chat_id"], change["display_name"]) == (scene.chat_id, "Jane Doe")
            assert (change["is_online"], change["last_seen"]) == (True, None)
            assert change["version"] > before["version"]
            assert change["online_count"] == 2
            assert (await jane.ask("subscribe", chat_id=scene.chat_id))["online_count"] == 2
            after = (await read(scene.john, scene.path))[scene.jane.id]
            assert after == {name: change[name] for name in after}
    assert ack["online_count"] == 1


async def test_presence_on_disconnect(scene: Scene) -> None:
    since = await all_gone(scene)
    async with await scene.john.subscribe(scene.chat_id) as john:
        async with await scene.jane.connect():
            online = await next_change(john, scene.jane.id, since)
        loop = asyncio.get_running_loop()
        closed = loop.time()
        change = await next_change(john, scene.jane.id, online["version"])
        assert GRACE <= loop.time() - closed < GRACE + 1 + COLLECTED + AIR
        assert (change["is_online"], change["online_count"]) == (False, 1)
        assert change["version"] > online["version"]
        entry = (await read(scene.john, scene.path))[scene.jane.id]
        assert entry["last_seen"] == change["last_seen"] is not None
        assert (entry["is_online"], entry["version"]) == (False, change["version"])
        assert changes_in(await john.frames_so_far(), scene.jane.id, since) == []


async def test_presence_with_multiple_connections(scene: Scene) -> None:
    since = await all_gone(scene)
    async with await scene.john.subscribe(scene.chat_id) as john:
        first, second = await scene.jane.connect(), await scene.jane.connect()
        came = await next_change(john, scene.jane.id, since)
        assert came["is_online"] is True
        await first.close()
        await silence(GRACE + 2)
        assert changes_in(await john.frames_so_far(), scene.jane.id, since) == [], "one of two tabs was closed"
        assert (await read(scene.john, scene.path))[scene.jane.id]["is_online"] is True
        await second.close()
        gone = await next_change(john, scene.jane.id, came["version"])
        assert gone["is_online"] is False
        await silence(2.5)  # long enough for a change that was not confirmed to come again
        assert changes_in(await john.frames_so_far(), scene.jane.id, since) == []


async def test_typing_indicator(scene: Scene) -> None:
    async with await scene.john.subscribe(scene.chat_id) as john, await scene.jane.subscribe(scene.chat_id) as jane:
        await jane.send("chat.typing", chat_id=scene.chat_id)
        typing = await john.until("chat.typing")
        assert (typing["user_id"], typing["display_name"]) == (scene.jane.id, "Jane Doe")
        assert typing["is_typing"] is True
        await jane.send("chat.typing", chat_id=scene.chat_id, is_typing=False)
        assert (await john.until("chat.typing"))["is_typing"] is False
        assert [frame for frame in await jane.frames_so_far() if frame["type"] == "chat.typing"] == []


async def test_coming_back_within_the_grace_is_no_change(scene: Scene) -> None:
    since = await all_gone(scene)
    async with await scene.john.subscribe(scene.chat_id) as john:
        for _ in range(3):
            async with await scene.jane.connect():
                pass
        async with await scene.jane.connect():
            assert (await next_change(john, scene.jane.id, since))["is_online"] is True
            await silence(GRACE + 2)
            assert changes_in(await john.frames_so_far(), scene.jane.id, since) == []


async def test_only_members_of_a_shared_chat_learn_it(scene: Scene) -> None:
    """Bob is in no chat with Jane; those who are receive it."""
    since = await all_gone(scene)
    other = await make_chat(scene.bob, scene.john)
    async with await scene.bob.subscribe(other["id"]) as bob, await scene.john.subscribe(scene.chat_id) as john:
        assert (await bob.ask("subscribe", chat_id=scene.chat_id))["code"] == "forbidden"
        async with await scene.jane.connect():
            await next_change(john, scene.jane.id, since)
            await scene.bob.call("GET", f"{scene.path}/presence", expect=404)
            assert changes_in(await bob.frames_so_far(), scene.jane.id, 0) == []


async def test_a_removed_member_receives_no_presence(scene: Scene) -> None:
    since = await all_gone(scene)
    async with await scene.john.subscribe(scene.chat_id) as john, await scene.jane.subscribe(scene.chat_id) as jane:
        await scene.john.call("DELETE", f"{scene.path}/members/{scene.jane.id}", expect=204)
        await jane.until("chat.member_removed")
        await scene.jane.call("GET", f"{scene.path}/presence", expect=404)
        await jane.frames_so_far()
        await john.close()
        await silence(GRACE + 2)
        assert changes_in(await jane.frames_so_far(), scene.john.id, since) == []


async def test_the_count_follows_members_who_come_and_go(scene: Scene) -> None:
    chat = await make_chat(scene.john)
    async with await scene.jane.connect(), await scene.john.connect() as john:
        assert (await john.ask("subscribe", chat_id=chat["id"]))["online_count"] == 1
        await scene.john.call("POST", f"/workspaces/{chat['workspace_id']}/members", {"user_id": scene.jane.id})
        await scene.john.call("POST", f"/chats/{chat['id']}/members", {"user_ids": [scene.jane.id]})
        await john.until("chat.member_added")
        assert (await john.ask("subscribe", chat_id=chat["id"]))["online_count"] == 2
        await scene.john.call("DELETE", f"/chats/{chat['id']}/members/{scene.jane.id}", expect=204)
        await john.until("chat.member_removed")
        assert (await john.ask("subscribe", chat_id=chat["id"]))["online_count"] == 1


@pytest.mark.usefixtures("processes")
async def test_switched_off_there_is_no_presence() -> None:
    off = {"FLOWRA_PRESENCE_ENABLED": "false", "FLOWRA_TYPING_ENABLED": "false"}
    with Valkey() as broker, Server({**off, "REDIS_URL": broker.url}, demo=True) as server:
        john, jane = [await Person.sign_in(server.base_url, name) for name in ("john", "jane")]
        chat = await make_chat(john, jane)
        async with await john.connect() as socket:
            assert (socket.welcome["presence_enabled"], socket.welcome["typing_enabled"]) == (False, False)
            assert (await socket.ask("subscribe", chat_id=chat["id"]))["online_count"] is None
            async with await jane.subscribe(chat["id"]) as other:
                assert (await other.ask("chat.typing", chat_id=chat["id"]))["code"] == "disabled"
                await silence(1)
            assert [frame["type"] for frame in await socket.frames_so_far()] == []
            answer = await john.call("GET", f"/chats/{chat['id']}/presence", expect=404)
            assert answer["code"] == "disabled"
        assert redis.Redis.from_url(broker.url).keys("*presence*") == [], "the registry was asked"
