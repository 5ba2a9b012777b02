"""A whole conversation by somebody who has only docs/protocol.md and docs/api.md; AssertionError where they err.

    python -m tests.support.conversation http://127.0.0.1:8000 [http://127.0.0.1:8001]

John talks to the first server and Jane to the last, which may be the same. The demo must be there.
"""

from __future__ import annotations

import asyncio
import sys
import uuid

from tests.support.clients import Frame, Person, Socket, make_chat


async def converse(*base_urls: str) -> None:
    """Have John and Jane meet, talk, correct, delete, read and part."""
    john = await Person.sign_in(base_urls[0], "john")
    jane = (await Person.sign_in(base_urls[-1], "jane")).at(base_urls[-1])
    chat = await make_chat(john, jane, title="Ship it")
    assert (chat["label"], chat["seq"], chat["revision"]) == ("Task: Ship it", 0, 0)
    async with await john.subscribe(chat["id"]) as johns, await jane.subscribe(chat["id"]) as janes:
        await _talk(chat, johns, janes)
        await _correct(chat, jane, johns)
        await _read(chat, jane, janes)
    async with await jane.connect() as janes:
        await _catch_up(chat, janes)
    await john.call("POST", f"/chats/{chat['id']}/close")
    async with await jane.connect() as janes:
        assert (await janes.post(chat["id"], "too late"))["code"] == "closed"


async def _talk(chat: Frame, johns: Socket, janes: Socket) -> None:
    await johns.send("chat.typing", chat_id=chat["id"])
    assert (await janes.until("chat.typing"))["display_name"] == "John Smith"
    key = uuid.uuid4()
    ack = await johns.post(chat["id"], "Is it *ready*, @jane?", client_id=key)
    assert (ack["seq"], ack["revision"]) == (1, 1)
    event = (await janes.until("chat.message.posted"))["data"]
    assert (event["id"], event["client_id"]) == (ack["message_id"], str(key))
    assert "<em>ready</em>" in event["html"]
    assert (await janes.until("notification.new"))["data"]["kind"] == "mention"
    assert (await johns.post(chat["id"], "again", client_id=key))["message_id"] == ack["message_id"]
    answer = await janes.post(chat["id"], "Nearly", reply_to=ack["message_id"])
    while (heard := (await johns.until("chat.message.posted"))["data"])["id"] != answer["message_id"]:
        continue
    assert heard["reply_to"] == ack["message_id"]


async def _correct(chat: Frame, jane: Person, johns: Socket) -> None:
    messages = f"/chats/{chat['id']}/messages"
    mine = (await jane.call("GET", f"{messages}?limit=1"))["results"][0]
    await jane.call("PATCH", f"{messages}/{mine['id']}", {"body": "Yes!"})
    edited = (await johns.until("chat.message.edited"))["data"]
    assert (edited["body"], edited["seq"], edited["revision"]) == ("Yes!", 2, 3)
    slip = await jane.call("POST", messages, {"body": "wrong window"}, expect=201)
    await jane.call("DELETE", f"{messages}/{slip['id']}")
    deleted = (await johns.until("chat.message.deleted"))["data"]
    assert (deleted["id"], deleted["body"], deleted["seq"]) == (slip["id"], "", 3)


async def _read(chat: Frame, jane: Person, janes: Socket) -> None:
    assert (await janes.ask("chat.read", chat_id=chat["id"], seq=3))["action"] == "read"
    seen = await jane.call("GET", f"/chats/{chat['id']}")
    assert (seen["unread_count"], seen["last_read_seq"]) == (0, 3)


async def _catch_up(chat: Frame, janes: Socket) -> None:
    await janes.send("subscribe", chat_id=chat["id"], since=1, ref="since")
    frames = []
    while (frame := await janes.receive())["type"] != "ack":
        frames.append((frame["type"], frame["data"]["seq"]))
    assert frames == [("chat.message.posted", 2), ("chat.message.posted", 3)]
    assert (frame["ref"], frame["revision"]) == ("since", 5)


if __name__ == "__main__":
    asyncio.run(converse(*sys.argv[1:]))
