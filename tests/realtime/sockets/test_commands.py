"""Commands over a real socket of a real server: subscribe, post, typing, read, errors, catch-up."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from tests.realtime.conftest import Scene
from tests.support.clients import Frame, Person, Socket
from tests.support.processes import Server

INVISIBLE = "\u200b \u2060\u00ad\u3164\n"
RIGHT_TO_LEFT = "\u202eשלום\u202c مرحبا 👩‍👩‍👧‍👦 <script>alert(1)</script>"  # noqa: RUF001


def types(frames: list[Frame]) -> list[str]:
    """Return the frames' types."""
    return [frame["type"] for frame in frames]


async def test_two_people_talk(scene: Scene) -> None:
    async with await scene.john.subscribe(scene.chat_id) as john, await scene.jane.subscribe(scene.chat_id) as jane:
        client_id = uuid.uuid4()
        ack = await john.post(scene.chat_id, "Hi **Jane**", client_id=client_id)
        assert ack["action"] == "posted"
        assert (ack["seq"], ack["revision"], ack["client_id"]) == (1, 1, str(client_id))
        event = await jane.until("chat.message.posted")
        assert event["chat_id"] == scene.chat_id
        message = event["data"]
        assert message["id"] == ack["message_id"]
        assert message["html"] == "<p>Hi <strong>Jane</strong></p>"
        assert message["author"] == {"id": scene.john.id, "username": "john", "display_name": "John Smith"}
        assert message["client_id"] == str(client_id)
        assert (await scene.jane.call("GET", f"{scene.path}/messages/{message['id']}")) == message
        await jane.post(scene.chat_id, "Hi John", reply_to=message["id"])
        answer = (await john.until("chat.message.posted", chat_id=scene.chat_id))["data"]
        while answer["seq"] != 2:
            answer = (await john.until("chat.message.posted"))["data"]
        assert answer["reply_to"] == message["id"]


async def test_edits_and_deletions_over_rest_reach_the_socket(scene: Scene) -> None:
    async with await scene.jane.subscribe(scene.chat_id) as jane:
        message = await scene.john.call("POST", f"{scene.path}/messages", {"body": "Teh plan"}, expect=201)
        await scene.john.call("PATCH", f"{scene.path}/messages/{message['id']}", {"body": "The plan"})
        await scene.john.call("DELETE", f"{scene.path}/messages/{message['id']}")
        frames = [await jane.until(f"chat.message.{kind}") for kind in ("posted", "edited", "deleted")]
    assert [frame["data"]["revision"] for frame in frames] == [1, 2, 3]
    assert [frame["data"]["body"] for frame in frames] == ["Teh plan", "The plan", ""]
    assert frames[1]["data"]["edited_at"]
    assert frames[2]["data"]["deleted_at"]


async def test_the_same_client_id_again_gives_the_first_ack_and_nobody_sees_a_second_message(scene: Scene) -> None:
    async with await scene.john.subscribe(scene.chat_id) as john, await scene.jane.subscribe(scene.chat_id) as jane:
        client_id = uuid.uuid4()
        first = await john.post(scene.chat_id, "once", client_id=client_id)
        again = await john.post(scene.chat_id, "twice", client_id=client_id)
        assert {**first, "ref": None} == {**again, "ref": None}
        over_rest = await scene.john.call(
            "POST", f"{scene.path}/messages", {"body": "thrice", "client_id": str(client_id)}, expect=200
        )
        assert over_rest["id"] == first["message_id"]
        await scene.john.call("POST", f"{scene.path}/close")
        closed = await john.post(scene.chat_id, "once more", client_id=client_id)
        assert closed["message_id"] == first["message_id"]
        bodies = [
            frame["data"]["body"] for frame in await jane.frames_so_far() if frame["type"] == "chat.message.posted"
        ]
        assert bodies == ["once"]


async def test_the_same_client_id_of_somebody_else_is_another_message(scene: Scene) -> None:
    async with await scene.john.subscribe(scene.chat_id) as john, await scene.jane.subscribe(scene.chat_id) as jane:
        client_id = uuid.uuid4()
        one = await john.post(scene.chat_id, "mine", client_id=client_id)
        two = await jane.post(scene.chat_id, "mine too", client_id=client_id)
        assert (one["seq"], two["seq"]) == (1, 2)


@pytest.mark.parametrize(
    ("body", "code"),
    [("", "invalid"), ("  \n\t", "invalid"), (INVISIBLE, "invalid"), ("nul\0", "invalid"), ("x" * 10_001, "too_long")],
    ids=["empty", "white space", "invisible", "nul", "too long"],
)
async def test_bodies_that_are_refused(scene: Scene, body: str, code: str) -> None:
    async with await scene.john.subscribe(scene.chat_id) as john:
        error = await john.post(scene.chat_id, body)
        assert (error["type"], error["code"], error["field"]) == ("error", code, "body")
        assert (await scene.john.call("GET", scene.path))["seq"] == 0


@pytest.mark.parametrize("body", ["x" * 10_000, "😀" * 10_000, RIGHT_TO_LEFT, "'; DROP TABLE chats_message; --"])
async def test_bodies_that_are_kept_as_they_are(scene: Scene, body: str) -> None:
    async with await scene.john.subscribe(scene.chat_id) as john:
        ack = await john.post(scene.chat_id, body)
    message = await scene.jane.call("GET", f"{scene.path}/messages/{ack['message_id']}")
    assert message["body"] == body
    assert "<script" not in message["html"]


async def test_a_closed_chat_takes_no_messages(scene: Scene) -> None:
    async with await scene.jane.subscribe(scene.chat_id) as jane:
        await scene.john.call("POST", f"{scene.path}/close")
        assert (await jane.until("chat.closed"))["data"]["closed_at"]
        assert (await jane.post(scene.chat_id, "late"))["code"] == "closed"
        await scene.john.call("POST", f"{scene.path}/reopen")
        assert (await jane.until("chat.reopened"))["data"]["closed_at"] is None
        assert (await jane.post(scene.chat_id, "on time"))["action"] == "posted"


async def test_a_foreign_chat_answers_like_one_that_does_not_exist(scene: Scene) -> None:
    async with await scene.bob.connect() as bob:
        answers = []
        for chat_id in (scene.chat_id, str(uuid.uuid4())):
            for command, fields in (
                ("subscribe", {}),
                ("chat.message.post", {"body": "hi", "client_id": uuid.uuid4()}),
                ("chat.typing", {}),
                ("chat.read", {"seq": 1}),
            ):
                error = await bob.ask(command, chat_id=chat_id, **fields)
                assert (error["code"], error["chat_id"]) == ("forbidden", chat_id)
                answers.append(error["message"])
        assert len(set(answers)) == 1


async def test_unsubscribing_ends_the_chats_events(scene: Scene) -> None:
    async with await scene.jane.subscribe(scene.chat_id) as jane:
        ack = await jane.ask("unsubscribe", chat_id=scene.chat_id)
        assert (ack["action"], ack["chat_id"]) == ("unsubscribed", scene.chat_id)
        await scene.john.call("POST", f"{scene.path}/messages", {"body": "hi"})
        assert "chat.message.posted" not in types(await jane.frames_so_far())
        assert (await jane.until("chat.unread", chat_id=scene.chat_id))["unread_count"] == 1


async def test_typing_reaches_the_others_once_a_second_and_stops(scene: Scene) -> None:
    async with await scene.john.subscribe(scene.chat_id) as john, await scene.jane.subscribe(scene.chat_id) as jane:
        for _ in range(5):
            await john.send("chat.typing", chat_id=scene.chat_id)
        await john.send("chat.typing", chat_id=scene.chat_id, is_typing=False)
        first, last = await jane.until("chat.typing"), await jane.until("chat.typing")
        assert first == {
            "type": "chat.typing",
            "chat_id": scene.chat_id,
            "user_id": scene.john.id,
            "display_name": "John Smith",
            "is_typing": True,
        }
        assert last == {**first, "is_typing": False}
        assert await john.frames_so_far() == []
        assert await jane.frames_so_far() == []


async def test_reading_moves_forward_only_and_tells_ones_other_tabs(scene: Scene) -> None:
    async with await scene.jane.connect() as tab, await scene.jane.connect() as other:
        for number in range(3):
            await scene.john.call("POST", f"{scene.path}/messages", {"body": f"{number}"})
        assert (await tab.ask("chat.read", chat_id=scene.chat_id, seq=2))["action"] == "read"
        assert await other.until("chat.unread", chat_id=scene.chat_id, unread_count=1)
        assert (await tab.ask("chat.read", chat_id=scene.chat_id, seq=1))["seq"] == 2
        assert (await tab.ask("chat.read", chat_id=scene.chat_id, seq=10**12))["seq"] == 3
        assert (await other.until("chat.unread", chat_id=scene.chat_id, unread_count=0))["mention_count"] == 0


async def test_a_mention_rings_and_counts(scene: Scene) -> None:
    async with await scene.jane.connect() as jane, await scene.bob.connect() as bob:
        await scene.john.call("POST", f"{scene.path}/messages", {"body": "@jane @bob look at `@john` <b>this</b>"})
        notification = (await jane.until("notification.new"))["data"]
        assert (notification["kind"], notification["chat_id"]) == ("mention", scene.chat_id)
        unread = await jane.until("chat.unread", chat_id=scene.chat_id)
        assert (unread["unread_count"], unread["mention_count"]) == (1, 1)
        assert await bob.frames_so_far() == []


async def catch_up(person: Person, chat_id: str, since: int) -> tuple[list[Frame], Frame]:
    """Return the events before the ack of a subscription with `since`, and the ack."""
    async with await person.connect() as socket:
        await socket.send("subscribe", chat_id=chat_id, since=since)
        frames = []
        while (frame := await socket.receive())["type"] != "ack":
            frames.append(frame)
        return frames, frame


async def test_catch_up_brings_the_present_state_of_what_changed(scene: Scene) -> None:
    path = f"{scene.path}/messages"
    one, two, three = [await scene.john.call("POST", path, {"body": body}) for body in ("one", "two", "three")]
    await scene.john.call("PATCH", f"{path}/{one['id']}", {"body": "ONE"})
    await scene.john.call("PATCH", f"{path}/{one['id']}", {"body": "ONE!"})
    await scene.john.call("DELETE", f"{path}/{two['id']}")
    frames, ack = await catch_up(scene.jane, scene.chat_id, since=2)
    assert [(frame["type"], frame["data"]["seq"], frame["data"]["revision"]) for frame in frames] == [
        ("chat.message.posted", 3, 3),
        ("chat.message.edited", 1, 5),
        ("chat.message.deleted", 2, 6),
    ]
    assert frames[0]["data"]["id"] == three["id"]
    assert (ack["revision"], ack.get("reset")) == (6, None)
    assert (await catch_up(scene.jane, scene.chat_id, since=6))[0] == []
    frames, ack = await catch_up(scene.jane, scene.chat_id, since=7)
    assert (frames, ack["reset"], ack["revision"]) == ([], True, 6)


@pytest.mark.usefixtures("processes")
async def test_more_changes_than_the_limit_are_a_reset() -> None:
    with Server({"FLOWRA_CATCHUP_LIMIT": "3"}, demo=True) as server:
        john = await Person.sign_in(server.base_url, "john")
        chat = (await john.call("GET", "/chats?kind=task"))["results"][0]
        frames, ack = await catch_up(john, chat["id"], since=chat["revision"] - 3)
        assert len(frames) == 3
        assert "reset" not in ack
        frames, ack = await catch_up(john, chat["id"], since=chat["revision"] - 4)
        assert (frames, ack["reset"], ack["revision"]) == ([], True, chat["revision"])


async def test_nothing_is_missed_or_doubled_around_a_subscription(scene: Scene) -> None:
    """Subscribing again and again while others write: each time catch-up and live events meet without a seam."""

    async def write(person: Person, count: int) -> None:
        async with await person.connect() as socket:
            for number in range(count):
                ack = await socket.post(scene.chat_id, f"{person.username} {number}")
                assert ack["type"] == "ack", ack

    async def read_again_and_again(socket: Socket, total: int) -> None:
        seen: set[int] = set()
        while len(seen) < total:
            position = next(number for number in range(total + 1) if number + 1 not in seen)
            await socket.send("subscribe", chat_id=scene.chat_id, since=position)
            while (frame := await socket.receive())["type"] != "ack":
                if frame["type"] == "chat.message.posted":
                    seen.add(frame["data"]["seq"])
            assert set(range(1, frame["revision"] + 1)) <= seen
            some_more = min(total, len(seen) + 3)
            while len(seen) < some_more:
                frame = await socket.receive()
                if frame["type"] == "chat.message.posted":
                    seen.add(frame["data"]["seq"])

    async with await scene.jane.connect() as reader:
        await asyncio.gather(write(scene.john, 15), write(scene.jane, 15), read_again_and_again(reader, 30))
