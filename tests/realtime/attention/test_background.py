"""A chat in the background: its messages and counts, without typing and presence."""

from __future__ import annotations

import asyncio

import pytest

from tests.realtime.conftest import Scene
from tests.realtime.sockets.test_presence import all_gone, next_change
from tests.support.clients import Frame

SILENT = ("chat.typing", "presence.changed", "presence.diff", "presence.count")


def types_of(frames: list[Frame]) -> set[str]:
    return {frame["type"] for frame in frames}


async def test_it_gets_everything_but_typing_and_presence(scene: Scene) -> None:
    since = await all_gone(scene)
    async with await scene.john.connect() as john, await scene.john.connect() as john_here:
        ack = await john.ask("subscribe", chat_id=scene.chat_id, background=True)
        assert (ack["online_count"], ack["revision"]) == (None, 0)
        assert (await john_here.ask("subscribe", chat_id=scene.chat_id))["online_count"] == 1
        async with await scene.jane.subscribe(scene.chat_id) as jane:
            await next_change(john_here, scene.jane.id, since)
            await jane.send("chat.typing", chat_id=scene.chat_id)
            await john_here.until("chat.typing", user_id=scene.jane.id)
            await jane.post(scene.chat_id, "Hello")
            assert (await john.until("chat.message.posted"))["data"]["body"] == "Hello"
            assert (await john.until("chat.unread", chat_id=scene.chat_id))["unread_count"] == 1
            await scene.john.call("PATCH", scene.path, {"title": "Renamed"})
            await john.until("chat.renamed")
            assert not types_of(await john.frames_so_far()) & set(SILENT)
            assert "chat.unread" not in types_of(await john_here.frames_so_far())


async def test_switching_back_and_forth_loses_nothing(scene: Scene) -> None:
    async with await scene.john.connect() as john, await scene.jane.connect() as jane:
        await john.ask("subscribe", chat_id=scene.chat_id, background=True)

        async def write() -> None:
            for number in range(15):
                assert (await jane.post(scene.chat_id, str(number)))["type"] == "ack"

        writing = asyncio.create_task(write())
        seen: dict[int, str] = {}
        background = True
        while len(seen) < 15:
            background = not background
            contiguous = next(number for number in range(99) if number + 1 not in seen)
            await john.ask("subscribe", chat_id=scene.chat_id, since=contiguous, background=background)
            for frame in await john.frames_so_far():
                if frame["type"] == "chat.message.posted":
                    message = frame["data"]
                    assert seen.setdefault(message["revision"], message["body"]) == message["body"]
        await writing
        assert seen == {number + 1: str(number) for number in range(15)}


async def test_who_comes_back_hears_the_typing_and_presence_again(scene: Scene) -> None:
    since = await all_gone(scene)
    async with await scene.john.connect() as john:
        for background in (False, True, False):
            ack = await john.ask("subscribe", chat_id=scene.chat_id, since=0, background=background)
            assert ack["online_count"] == (None if background else 1)
        async with await scene.jane.subscribe(scene.chat_id) as jane:
            assert (await next_change(john, scene.jane.id, since))["online_count"] == 2
            await jane.send("chat.typing", chat_id=scene.chat_id)
            await john.until("chat.typing")


@pytest.mark.parametrize("value", [1, "true", None, {}])
async def test_background_is_a_boolean(scene: Scene, value: object) -> None:
    async with await scene.john.connect() as john:
        error = await john.ask("subscribe", chat_id=scene.chat_id, background=value)
        assert (error["code"], error["field"]) == ("invalid", "background")


async def test_it_ends_as_other_subscriptions_do(scene: Scene) -> None:
    async with await scene.john.connect() as socket:
        await socket.ask("subscribe", chat_id=scene.chat_id, background=True)
        assert (await socket.ask("unsubscribe", chat_id=scene.chat_id))["action"] == "unsubscribed"
        async with await scene.jane.connect() as jane:
            await jane.post(scene.chat_id, "Hello")
            await socket.until("chat.unread")
        assert "chat.message.posted" not in types_of(await socket.frames_so_far())
