"""What happens at one server process reaches the sockets of another."""

from __future__ import annotations

import uuid

from tests.realtime.conftest import Scene
from tests.support.processes import Server


async def test_both_say_the_same_version_of_the_page(scene: Scene) -> None:
    async with await scene.john.connect() as john, await scene.jane.connect() as jane:
        assert john.welcome["version"] == jane.welcome["version"] != ""
        assert john.welcome["features"] == jane.welcome["features"]


async def test_messages_typing_and_counts_cross_both_ways(scene: Scene) -> None:
    async with await scene.john.subscribe(scene.chat_id) as john, await scene.jane.subscribe(scene.chat_id) as jane:
        await john.post(scene.chat_id, "from the first")
        assert (await jane.until("chat.message.posted"))["data"]["body"] == "from the first"
        await jane.send("chat.typing", chat_id=scene.chat_id)
        assert (await john.until("chat.typing"))["user_id"] == scene.jane.id
        message = await scene.jane.call("POST", f"{scene.path}/messages", {"body": "@john from the second"})
        while (await john.until("chat.message.posted"))["data"]["id"] != message["id"]:
            continue
        await scene.jane.call("DELETE", f"{scene.path}/messages/{message['id']}")
        assert (await john.until("chat.message.deleted"))["data"]["id"] == message["id"]


async def test_mentions_and_unread_counts_cross(scene: Scene) -> None:
    async with await scene.jane.connect() as jane:
        await scene.john.call("POST", f"{scene.path}/messages", {"body": "hello @jane"})
        assert (await jane.until("notification.new"))["data"]["chat_id"] == scene.chat_id
        assert (await jane.until("chat.unread", chat_id=scene.chat_id))["mention_count"] == 1


async def test_a_removal_at_one_process_holds_at_the_other(scene: Scene) -> None:
    async with await scene.john.subscribe(scene.chat_id) as john, await scene.jane.subscribe(scene.chat_id) as jane:
        await scene.john.call("DELETE", f"{scene.path}/members/{scene.jane.id}", expect=204)
        for number in range(5):
            await john.post(scene.chat_id, f"secret {number}")
        assert (await jane.until("chat.member_removed"))["data"]["user_id"] == scene.jane.id
        await scene.john.call("POST", f"/chats/{scene.chat_id}/members", {"user_ids": [scene.jane.id]})
        await jane.until("chat.member_added", chat_id=scene.chat_id)
        assert [frame for frame in await jane.frames_so_far() if frame["type"] == "chat.message.posted"] == []


async def test_the_same_client_id_at_both_processes_is_one_message(scene: Scene) -> None:
    client_id = uuid.uuid4()
    john_elsewhere = scene.john.at(scene.jane.base_url)
    async with await scene.john.connect() as here, await john_elsewhere.connect() as there:
        one = await here.post(scene.chat_id, "once", client_id=client_id)
        two = await there.post(scene.chat_id, "once", client_id=client_id)
        assert one["message_id"] == two["message_id"]


async def test_a_command_in_a_process_without_sockets_reaches_them_all(
    pair: tuple[Server, Server], scene: Scene
) -> None:
    post = (
        "from django.contrib.auth import get_user_model as g; from chats import services; import uuid; "
        f"services.post_message(user=g().objects.get(username='john'), chat_id=uuid.UUID('{scene.chat_id}'), "
        "body='@jane from a shell', client_id=uuid.uuid4())"
    )
    async with await scene.john.subscribe(scene.chat_id) as john, await scene.jane.subscribe(scene.chat_id) as jane:
        pair[0].manage("shell", "-c", post)
        for socket in (john, jane):
            assert (await socket.until("chat.message.posted"))["data"]["body"] == "@jane from a shell"
        # The repair would bring the message too, but never this.
        assert (await jane.until("notification.new"))["data"]["excerpt"] == "@jane from a shell"


def test_whoever_spells_the_databases_address_another_way_is_of_the_same_installation(
    pair: tuple[Server, Server],
) -> None:
    spelled = pair[0].env["DATABASE_URL"].replace("127.0.0.1", "localhost") + "?application_name=another"
    other = Server({**pair[0].env, "DATABASE_URL": spelled})
    assert "Processes: 2" in other.manage("presence")


async def test_names_roles_and_membership_cross(scene: Scene) -> None:
    workspace = scene.chat["workspace_id"]
    async with await scene.john.connect() as john, await scene.jane.connect() as jane, await scene.bob.connect() as bob:
        name = f"John {uuid.uuid4().hex[:6]}"
        await scene.john.call("PATCH", "/me", {"display_name": name})
        assert (await jane.until("user.changed"))["data"]["display_name"] == name
        assert (await john.until("me.changed"))["data"]["display_name"] == name
        await scene.john.call("PATCH", f"/workspaces/{workspace}", {"name": "Elsewhere"})
        assert (await jane.until("workspace.changed"))["data"]["name"] == "Elsewhere"
        # A process that nobody of the workspace was at hears of it from the one who comes.
        await scene.john.call("POST", f"/workspaces/{workspace}/members", {"user_id": scene.bob.id})
        assert (await bob.until("workspace.member_added"))["workspace_id"] == workspace
        await scene.john.call("PATCH", f"/workspaces/{workspace}/members/{scene.bob.id}", {"role": "admin"})
        assert (await jane.until("workspace.role_changed"))["data"]["role"] == "admin"
        assert (await bob.until("workspace.role_changed"))["data"]["role"] == "admin"
        # One process removes him, the other renames the workspace in the same moment: Bob hears nothing after his own.
        await scene.john.call("DELETE", f"/workspaces/{workspace}/members/{scene.bob.id}")
        await scene.jane.call("PATCH", "/me", {"display_name": f"Jane {uuid.uuid4().hex[:6]}"})
        await scene.john.call("PATCH", f"/workspaces/{workspace}", {"name": "Without Bob"})
        assert (await jane.until("workspace.changed"))["data"]["name"] == "Without Bob"
        await bob.until("workspace.member_removed")
        assert "workspace.changed" not in {frame["type"] for frame in await bob.frames_so_far()}
    for person, before in ((scene.john, "John Smith"), (scene.jane, "Jane Doe")):
        await person.call("PATCH", "/me", {"display_name": before})
