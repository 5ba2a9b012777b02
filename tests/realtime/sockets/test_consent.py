"""Over the socket: an invitation rings and its acceptance opens the workspace; a block silences a direct chat."""

from __future__ import annotations

import uuid

from tests.realtime.conftest import Scene
from tests.support.clients import Person
from tests.support.processes import Server


async def test_a_new_member_receives_the_workspaces_events(demo_server: Server, scene: Scene) -> None:
    name = f"guest{uuid.uuid4().hex[:8]}"
    demo_server.manage(
        "shell",
        "-c",
        f"from flowra.accounts.models import User; User.objects.create_user({name!r}, 'g@example.org', 'demo')",
    )
    guest = await Person.sign_in(demo_server.base_url, name)
    workspace = scene.chat["workspace_id"]
    async with await guest.connect() as socket:
        invitation = await scene.john.call("POST", f"/workspaces/{workspace}/members", {"username": name}, expect=202)
        bell = await socket.until("notification.new")
        assert (bell["data"]["kind"], bell["data"]["chat_id"]) == ("invited", None)
        await guest.call("POST", f"/me/invitations/{invitation['id']}/accept", expect=200)
        await scene.john.call("POST", f"{scene.path}/members", {"user_id": guest.id})
        assert (await socket.until("chat.member_added"))["data"]["user_id"] == guest.id
        await scene.john.call("PATCH", scene.path, {"title": "Renamed"})
        assert (await socket.until("chat.renamed"))["data"]["title"] == "Renamed"


async def test_in_a_blocked_direct_chat_nobody_types_or_posts_or_is_seen(scene: Scene) -> None:
    john, jane, workspace = scene.john, scene.jane, scene.chat["workspace_id"]
    body = {"workspace_id": workspace, "kind": "direct", "member_ids": [jane.id]}
    chat_id = (await john.call("POST", "/chats", body))["id"]
    async with await john.subscribe(chat_id) as his, await jane.subscribe(chat_id) as hers:
        assert (await his.post(chat_id, "Hello"))["action"] == "posted"
        await jane.call("PUT", f"/me/blocks/{john.id}", expect=204)
        for socket in (his, hers):
            assert (await socket.until("resync"))["reason"] == "presence"
            assert (await socket.ask("chat.typing", chat_id=chat_id))["code"] == "forbidden"
            assert (await socket.post(chat_id, "Still there?"))["code"] == "forbidden"
        for person in (john, jane):
            states = await person.call("GET", f"/chats/{chat_id}/presence")
            assert [(state["is_online"], state["last_seen"]) for state in states] == [(False, None)] * 2
        # Chats with others stay as they are.
        others = await john.call("GET", f"{scene.path}/presence")
        assert {state["user_id"] for state in others if state["is_online"]} == {john.id, jane.id}
        assert (await his.post(scene.chat_id, "Hello, all"))["action"] == "posted"
        await jane.call("DELETE", f"/me/blocks/{john.id}", expect=204)
        assert (await his.post(chat_id, "Again"))["action"] == "posted"


async def test_hiding_a_direct_chat_is_sent_to_oneself_only(scene: Scene) -> None:
    john, jane = scene.john, scene.jane
    body = {"workspace_id": scene.chat["workspace_id"], "kind": "direct", "member_ids": [jane.id]}
    chat_id = (await john.call("POST", "/chats", body))["id"]
    async with await john.connect() as his, await jane.subscribe(chat_id) as hers:
        await john.call("DELETE", f"/chats/{chat_id}", expect=204)
        await his.until("chat.deleted", chat_id=chat_id)
        assert (await hers.post(chat_id, "Hello"))["action"] == "posted"
        await his.until("chat.created", chat_id=chat_id)
        assert (await his.until("chat.unread", chat_id=chat_id))["unread_count"] == 1
        assert "chat.deleted" not in {frame["type"] for frame in await hers.frames_so_far()}
