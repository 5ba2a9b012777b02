"""A standby takes over that lacks what was committed last, so that revisions are used twice."""

from __future__ import annotations

import asyncio
import uuid

from chats.models import FAR_BEHIND
from tests.faults.support.stage import Stage
from tests.support.clients import Frame, Person, make_chat

WITHIN = 30.0  # seconds


async def post_surely(person: Person, chat_id: str, body: str) -> Frame:
    """Post over REST, again and again until it is stored."""
    message = {"body": body, "client_id": str(uuid.uuid4())}
    async with asyncio.timeout(WITHIN):
        while True:
            answer = await person.ask("POST", f"/chats/{chat_id}/messages", message)
            if answer.is_success:
                stored: Frame = answer.json()
                return stored
            await asyncio.sleep(0.1)


async def test_reused_revisions_hide_no_message(stage: Stage) -> None:
    one, two = stage.addresses
    john, jane = [await Person.sign_in(one, name) for name in ("john", "jane")]
    chat_id = (await make_chat(john, jane))["id"]
    async with await jane.at(two).subscribe(chat_id) as watching, await jane.at(two).connect() as elsewhere:
        await post_surely(john, chat_id, "kept")
        with stage.postgresql.failing_over():
            lost = await post_surely(john, chat_id, "lost")
            await watching.until("chat.message.posted", data=lost)
        # As many as were lost, and one more: from then on nothing in the chat itself tells that anything is missing.
        new = [await post_surely(john, chat_id, f"new {number}") for number in range(2)]
        # Reused, unless the servers have noticed the failover before somebody could post again.
        assert new[0]["seq"] == lost["seq"], "the standby lacks nothing"
        assert new[0]["revision"] == lost["revision"] or new[0]["revision"] > FAR_BEHIND
        async with asyncio.timeout(WITHIN):
            for socket in (watching, elsewhere):
                await socket.until("resync", reason="restored")
        assert (await watching.ask("subscribe", chat_id=chat_id, since=lost["revision"]))["reset"]
        shown = (await jane.at(two).call("GET", f"/chats/{chat_id}/messages"))["results"]
        assert {message["body"] for message in shown} == {"kept", "new 0", "new 1"}
        last = await post_surely(john, chat_id, "afterwards")
        await watching.until("chat.message.posted", data=last)
