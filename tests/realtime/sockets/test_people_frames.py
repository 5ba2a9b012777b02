"""Over the socket: names, workspaces and roles reach everybody whom they concern, and nobody else."""

from __future__ import annotations

import uuid

import pytest
from asgiref.sync import async_to_sync

from tests.realtime.conftest import Scene
from tests.support.clients import Frame, Person, Socket
from tests.support.processes import Server

ABOUT_PEOPLE = ("user.", "me.", "workspace.")


def about_people(frames: list[Frame]) -> list[str]:
    """Return the types of those frames that this module is about."""
    return [frame["type"] for frame in frames if frame["type"].startswith(ABOUT_PEOPLE)]


@pytest.fixture
def outsider(demo_server: Server) -> Person:
    """Give somebody who shares a workspace with nobody."""
    name = f"guest{uuid.uuid4().hex[:8]}"
    make = f"User.objects.create_user({name!r}, 'g@example.org', 'demo', display_name='Guest')"
    demo_server.manage("shell", "-c", f"from flowra.accounts.models import User; {make}")
    guest: Person = async_to_sync(Person.sign_in)(demo_server.base_url, name)
    return guest


async def rename(person: Person, prefix: str) -> str:
    """Give somebody a name that nobody had, and return it."""
    name = f"{prefix} {uuid.uuid4().hex[:6]}"
    await person.call("PATCH", "/me", {"display_name": name})
    return name


async def heard_nothing_of_people(socket: Socket) -> bool:
    return about_people(await socket.frames_so_far()) == []


async def test_another_name_reaches_colleagues_once_and_all_own_sockets(scene: Scene, outsider: Person) -> None:
    async with (
        await scene.john.connect() as john,
        await scene.jane.connect() as jane,
        await scene.jane.connect() as jane_elsewhere,
        await outsider.connect() as stranger,
    ):
        name = await rename(scene.jane, "Jane Mary")
        frame = await john.until("user.changed")
        assert frame == {
            "type": "user.changed",
            "data": {"id": scene.jane.id, "username": "jane", "display_name": name, "is_bot": False},
        }
        for socket in (jane, jane_elsewhere):
            assert (await socket.until("me.changed"))["data"] == await scene.jane.call("GET", "/me")
            assert (await socket.until("user.changed"))["data"]["display_name"] == name
        # John and Jane share at least the demo's workspace and this one.
        assert await heard_nothing_of_people(john)
        assert await heard_nothing_of_people(stranger)
        # What the server remembers of the connection follows.
        await jane.ask("subscribe", chat_id=scene.chat_id)
        await john.ask("subscribe", chat_id=scene.chat_id)
        name = await rename(scene.jane, "Jane Ann")
        assert (await john.until("user.changed"))["data"]["display_name"] == name
        await jane.send("chat.typing", chat_id=scene.chat_id)
        assert (await john.until("chat.typing"))["display_name"] == name
    await scene.jane.call("PATCH", "/me", {"display_name": "Jane Doe"})


async def test_the_same_name_sends_nothing_and_many_names_few_frames(scene: Scene) -> None:
    async with await scene.john.connect() as john:
        await scene.jane.call("PATCH", "/me", {"display_name": "Jane Doe"})
        assert await heard_nothing_of_people(john)
        for number in range(8):
            await scene.jane.call("PATCH", "/me", {"display_name": f"Jane {number}"})
        received: list[str] = []
        while not received or received[-1] != "Jane 7":
            received.append((await john.until("user.changed"))["data"]["display_name"])
        assert len(received) < 8
    await scene.jane.call("PATCH", "/me", {"display_name": "Jane Doe"})


async def test_changes_from_a_shell_are_sent_too(demo_server: Server, scene: Scene) -> None:
    code = "User.objects.filter(username='jane').update(display_name='Jane Shell')"
    async with await scene.john.connect() as john:
        demo_server.manage("shell", "-c", f"from flowra.accounts.models import User; {code}")
        # Without a broker the server finds it among the announcements, and has its sockets load again.
        assert (await john.until("resync"))["reason"] == "behind"
    await scene.jane.call("PATCH", "/me", {"display_name": "Jane Doe"})


async def test_a_workspaces_name_and_roles_reach_its_members(scene: Scene) -> None:
    workspace = scene.chat["workspace_id"]
    async with await scene.jane.connect() as jane, await scene.bob.connect() as bob:
        await scene.john.call("PATCH", f"/workspaces/{workspace}", {"name": "Acme & Sons"})
        changed = await jane.until("workspace.changed")
        assert changed["data"] == {"id": workspace, "name": "Acme & Sons"}
        await scene.john.call("PATCH", f"/workspaces/{workspace}/members/{scene.jane.id}", {"role": "admin"})
        assert await jane.until("workspace.role_changed") == {
            "type": "workspace.role_changed",
            "workspace_id": workspace,
            "workspace_name": "Acme & Sons",
            "data": {"user_id": scene.jane.id, "username": "jane", "display_name": "Jane Doe", "role": "admin"},
        }
        await scene.john.call("PATCH", f"/workspaces/{workspace}/members/{scene.jane.id}", {"role": "admin"})
        assert await heard_nothing_of_people(jane)
        assert await heard_nothing_of_people(bob)


async def test_members_who_come_and_go_are_sent_to_both_sides(scene: Scene) -> None:
    workspace = scene.chat["workspace_id"]
    members = f"/workspaces/{workspace}/members"
    async with (
        await scene.john.connect() as john,
        await scene.jane.connect() as jane,
        await scene.bob.connect() as bob,
    ):
        await scene.john.call("POST", members, {"user_id": scene.bob.id})
        for socket in (john, jane, bob):
            added = await socket.until("workspace.member_added")
            assert (added["workspace_id"], added["data"]["user_id"]) == (workspace, scene.bob.id)
            assert added["workspace_name"] == "Acme"
        await scene.john.call("PATCH", f"{members}/{scene.bob.id}", {"role": "admin"})
        await bob.until("workspace.role_changed")
        await scene.john.call("DELETE", f"{members}/{scene.bob.id}")
        for socket in (john, jane, bob):
            removed = await socket.until("workspace.member_removed")
            assert removed["data"]["role"] == "admin"
        await scene.john.call("PATCH", f"/workspaces/{workspace}", {"name": "Without Bob"})
        await jane.until("workspace.changed")
        assert await heard_nothing_of_people(bob)


async def test_a_deleted_workspace_is_sent_to_its_members(scene: Scene) -> None:
    workspace = scene.chat["workspace_id"]
    async with await scene.jane.connect() as jane, await scene.bob.connect() as bob:
        await scene.john.call("DELETE", f"/workspaces/{workspace}")
        assert (await jane.until("workspace.deleted"))["data"] == {"id": workspace, "name": "Acme"}
        assert about_people(await jane.frames_so_far()) == []
        assert await heard_nothing_of_people(bob)


async def test_an_invitation_is_sent_to_nobody_before_it_is_accepted(scene: Scene, outsider: Person) -> None:
    workspace = scene.chat["workspace_id"]
    async with await scene.john.connect() as john, await outsider.connect() as guest:
        body = {"username": outsider.username}
        invitation = await scene.john.call("POST", f"/workspaces/{workspace}/members", body, expect=202)
        await guest.until("notification.new")
        await scene.john.call("PATCH", f"/workspaces/{workspace}", {"name": "Not yours yet"})
        await john.until("workspace.changed")
        await rename(outsider, "Guest")
        await guest.until("me.changed")
        assert await heard_nothing_of_people(guest)
        assert await heard_nothing_of_people(john)
        await outsider.call("POST", f"/me/invitations/{invitation['id']}/accept")
        assert (await guest.until("workspace.member_added"))["data"]["user_id"] == outsider.id
        assert (await john.until("workspace.member_added"))["data"]["user_id"] == outsider.id


async def test_a_direct_chat_is_called_by_the_others_name(scene: Scene) -> None:
    body = {"workspace_id": scene.chat["workspace_id"], "kind": "direct", "member_ids": [scene.jane.id]}
    async with await scene.john.connect() as john, await scene.jane.connect() as jane:
        chat_id = (await scene.john.call("POST", "/chats", body))["id"]
        assert (await john.until("chat.created", chat_id=chat_id))["data"]["label"] == "Jane Doe"
        his_name = (await scene.john.call("GET", "/me"))["display_name"]
        assert (await jane.until("chat.created", chat_id=chat_id))["data"]["label"] == his_name
        for person in (scene.john, scene.jane):
            await person.call("DELETE", f"/chats/{chat_id}")
        await scene.john.call("POST", f"/chats/{chat_id}/messages", {"body": "Hello"})
        assert (await john.until("chat.created", chat_id=chat_id))["data"]["label"] == "Jane Doe"
        assert (await jane.until("chat.created", chat_id=chat_id))["data"]["label"] == his_name


async def test_a_favourite_is_told_to_ones_own_sockets_once(scene: Scene) -> None:
    mine = f"{scene.path}/me"
    async with (
        await scene.john.connect() as john,
        await scene.jane.connect() as jane,
        await scene.jane.connect() as jane_elsewhere,
    ):
        await jane.ask("subscribe", chat_id=scene.chat_id)
        await scene.jane.call("PATCH", mine, {"is_favourite": True})
        await scene.jane.call("PATCH", mine, {"is_favourite": True})
        settings = {
            "type": "chat.settings",
            "chat_id": scene.chat_id,
            "data": {"is_favourite": True, "last_read_seq": 0},
        }
        for socket in (jane, jane_elsewhere):
            assert await socket.until("chat.settings") == settings
            assert [frame for frame in await socket.frames_so_far() if frame["type"] == "chat.settings"] == []
        assert [frame for frame in await john.frames_so_far() if frame["type"] == "chat.settings"] == []


async def test_a_new_chat_says_whether_it_is_a_favourite(scene: Scene) -> None:
    workspace = scene.chat["workspace_id"]
    async with await scene.jane.connect() as jane:
        direct = {"workspace_id": workspace, "kind": "direct", "member_ids": [scene.jane.id]}
        chat = await scene.john.call("POST", "/chats", direct)
        assert (await jane.until("chat.created"))["data"]["is_favourite"] is False
        await scene.jane.call("PATCH", f"/chats/{chat['id']}/me", {"is_favourite": True})
        await scene.jane.call("DELETE", f"/chats/{chat['id']}")
        await scene.john.call("POST", f"/chats/{chat['id']}/messages", {"body": "Hello"})
        assert (await jane.until("chat.created"))["data"]["is_favourite"] is True
