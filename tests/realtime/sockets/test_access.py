"""Membership holds while subscribed, credentials hold while connected; losing either takes effect on open sockets."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tests.realtime.conftest import Scene
from tests.realtime.sockets.test_handshake import session_of
from tests.support.clients import Frame, Person, Socket, open_socket
from tests.support.processes import Server


async def posted_bodies(socket: Socket) -> list[str]:
    """Return the bodies of the messages this socket has received until now."""
    frames: list[Frame] = await socket.frames_so_far()
    return [frame["data"]["body"] for frame in frames if frame["type"] == "chat.message.posted"]


async def test_a_removed_member_receives_nothing_from_the_commit_on(scene: Scene) -> None:
    async with await scene.john.subscribe(scene.chat_id) as john, await scene.jane.subscribe(scene.chat_id) as jane:
        await john.post(scene.chat_id, "before")
        assert await posted_bodies(jane) == ["before"]
        await scene.john.call("DELETE", f"{scene.path}/members/{scene.jane.id}", expect=204)
        await john.post(scene.chat_id, "after")
        # What comes after a removal waits until it is known who is left, and so perhaps until after the next pong.
        received = [await john.until("chat.message.posted") for _ in range(2)]
        assert [frame["data"]["body"] for frame in received] == ["before", "after"]
        removed = await jane.until("chat.member_removed")
        assert (removed["chat_id"], removed["data"]["user_id"]) == (scene.chat_id, scene.jane.id)
        await john.send("chat.typing", chat_id=scene.chat_id)
        assert await posted_bodies(jane) == []
        assert (await jane.ask("subscribe", chat_id=scene.chat_id))["code"] == "forbidden"
        assert (await jane.post(scene.chat_id, "hello?"))["code"] == "forbidden"


async def test_removal_races_with_posting(scene: Scene) -> None:
    """Many messages while somebody is removed: they get none with a seq after the removal."""
    async with await scene.john.subscribe(scene.chat_id) as john, await scene.jane.subscribe(scene.chat_id) as jane:

        async def write() -> None:
            for number in range(15):
                assert (await john.post(scene.chat_id, str(number)))["action"] == "posted"

        async def remove() -> int:
            await john_elsewhere()
            await scene.john.call("DELETE", f"{scene.path}/members/{scene.jane.id}", expect=204)
            seq: int = (await scene.john.call("GET", scene.path))["seq"]
            return seq

        async def john_elsewhere() -> None:
            while (await scene.john.call("GET", scene.path))["seq"] < 3:
                continue

        _, seq_after_removal = await asyncio.gather(write(), remove())
        received = [frame for frame in await jane.frames_so_far() if frame["type"] == "chat.message.posted"]
        assert all(frame["data"]["seq"] <= seq_after_removal for frame in received)
        assert seq_after_removal < 15 or len(received) <= 15


async def test_leaving_a_workspace_ends_the_subscriptions_to_its_chats(scene: Scene) -> None:
    async with await scene.jane.subscribe(scene.chat_id) as jane:
        await scene.john.call("DELETE", f"/workspaces/{scene.chat['workspace_id']}/members/{scene.jane.id}", expect=204)
        await scene.john.call("POST", f"{scene.path}/messages", {"body": "after"})
        assert (await jane.until("chat.member_removed"))["chat_id"] == scene.chat_id
        assert await posted_bodies(jane) == []


async def test_an_added_member_is_notified_at_once(scene: Scene) -> None:
    async with await scene.bob.connect() as bob, await scene.jane.subscribe(scene.chat_id) as jane:
        workspace = scene.chat["workspace_id"]
        await scene.john.call("POST", f"/workspaces/{workspace}/members", {"user_id": scene.bob.id})
        await scene.john.call("POST", f"{scene.path}/members", {"user_ids": [scene.bob.id]})
        for socket in (bob, jane):
            added = await socket.until("chat.member_added")
            assert (added["chat_id"], added["data"]["user_id"]) == (scene.chat_id, scene.bob.id)
        await scene.john.call("POST", f"{scene.path}/messages", {"body": "welcome"})
        assert await bob.until("chat.unread", chat_id=scene.chat_id, unread_count=1)


async def test_changes_of_a_chat_reach_its_members_only(scene: Scene) -> None:
    workspace = scene.chat["workspace_id"]
    await scene.john.call("POST", f"/workspaces/{workspace}/members", {"user_id": scene.bob.id})
    async with await scene.jane.connect() as jane, await scene.bob.connect() as bob:
        chat = await scene.john.call(
            "POST",
            "/chats",
            {"workspace_id": workspace, "kind": "bug", "title": "Old", "member_ids": [scene.jane.id]},
        )
        assert (await jane.until("chat.created", chat_id=chat["id"]))["data"]["label"] == "Bug: Old"
        path = f"/chats/{chat['id']}"
        await scene.john.call("PATCH", path, {"title": "New"})
        assert (await jane.until("chat.renamed", chat_id=chat["id"]))["data"]["title"] == "New"
        await scene.john.call("POST", f"{path}/close")
        assert await jane.until("chat.closed", chat_id=chat["id"])
        await scene.john.call("POST", f"{path}/reopen")
        assert await jane.until("chat.reopened", chat_id=chat["id"])
        await scene.john.call("DELETE", path, expect=204)
        assert await jane.until("chat.deleted", chat_id=chat["id"])
        assert [frame for frame in await bob.frames_so_far() if frame.get("chat_id") == chat["id"]] == []


@pytest.mark.usefixtures("processes")
async def test_ended_credentials_close_their_sockets_within_a_second_or_so() -> None:
    with Server(demo=True) as server:
        cookies = [session_of(server.base_url, name) for name in ("john", "john", "jane")]
        sockets = [
            Socket(await open_socket(server.base_url, additional_headers={"Cookie": cookie}, origin=server.base_url))
            for cookie in cookies
        ]
        for socket in sockets:
            await socket.receive()
        signed_out, other_session, jane = sockets
        session = dict([cookies[0].split("=", 1)])
        async with httpx.AsyncClient(base_url=server.base_url, cookies=session) as browser:
            page = await browser.get("/accounts/profile/")
            token = page.text.split('name="csrfmiddlewaretoken" value="', 1)[1].split('"', 1)[0]
            answer = await browser.post("/accounts/logout/", data={"csrfmiddlewaretoken": token})
            assert answer.status_code == 302
        assert await signed_out.closed() == 4401
        assert (await other_session.ask("ping"))["type"] == "pong"
        deactivate = "from django.contrib.auth import get_user_model as g; u = g().objects.get(username='jane'); "
        server.manage("shell", "-c", deactivate + "u.is_active = False; u.save()")
        assert await jane.closed() == 4401


@pytest.mark.usefixtures("processes")
async def test_a_new_password_keeps_the_sockets_of_the_session_that_set_it_and_no_others() -> None:
    with Server(demo=True) as server:
        cookies = [session_of(server.base_url, "john") for _ in range(2)]
        john = await Person.sign_in(server.base_url, "john")
        mine, elsewhere = [
            Socket(await open_socket(server.base_url, additional_headers={"Cookie": cookie}, origin=server.base_url))
            for cookie in cookies
        ]
        for socket in (mine, elsewhere):
            await socket.receive()
        with_token = await john.connect()
        async with httpx.AsyncClient(base_url=server.base_url) as browser:
            browser.cookies.set("sessionid", cookies[0].removeprefix("sessionid="), domain="127.0.0.1")
            new = {"new_password1": "purple monkey dishwasher", "new_password2": "purple monkey dishwasher"}
            await submit(browser, "/accounts/password/change/", {"old_password": "demo", **new})
            assert await elsewhere.closed() == 4401
            assert await with_token.closed() == 4401
            assert f"sessionid={browser.cookies['sessionid']}" != cookies[0]
            # Its key is another one now, and it was looked at together with those that closed.
            assert (await mine.ask("ping"))["type"] == "pong"
            await submit(browser, "/accounts/sign-out-everywhere/", {})
            other = await open_socket(
                server.base_url,
                additional_headers={"Cookie": f"sessionid={browser.cookies['sessionid']}"},
                origin=server.base_url,
            )
            await submit(browser, "/accounts/logout/", {})
            assert await mine.closed() == 4401
            assert await Socket(other).closed() == 4401


@pytest.mark.usefixtures("processes")
async def test_a_socket_ends_with_its_session_and_lasts_as_long_as_that_does() -> None:
    with Server(demo=True) as server:
        cookies = [session_of(server.base_url, "john") for _ in range(2)]
        ends = "from flowra.accounts.models import BrowserSession as S; from django.utils import timezone as t; "
        ends += "from datetime import timedelta as d; rows = S.objects.exclude(sid=''); "
        server.manage("shell", "-c", f"{ends} rows.update(expire_date=t.now() + d(seconds=8))")
        over, kept = [
            Socket(await open_socket(server.base_url, additional_headers={"Cookie": cookie}, origin=server.base_url))
            for cookie in cookies
        ]
        for socket in (over, kept):
            assert (await socket.receive())["type"] == "welcome"
        key = cookies[1].removeprefix("sessionid=")
        server.manage("shell", "-c", f"{ends} rows.filter(session_key='{key}').update(expire_date=t.now() + d(days=1))")
        assert await over.closed() == 4401
        assert (await kept.ask("ping"))["type"] == "pong"
        await asyncio.sleep(0.5)
        assert (await kept.ask("ping"))["type"] == "pong"
        await kept.close()


async def submit(browser: httpx.AsyncClient, path: str, form: dict[str, str]) -> None:
    """Post a form as a page does."""
    page = await browser.get("/accounts/profile/")
    token = page.text.split('name="csrfmiddlewaretoken" value="', 1)[1].split('"', 1)[0]
    answer = await browser.post(path, data={"csrfmiddlewaretoken": token, **form})
    assert answer.status_code == 302, answer.text


async def test_revoking_the_refresh_token_closes_the_sockets_of_that_sign_in_only(scene: Scene) -> None:
    base_url = scene.john.base_url
    async with httpx.AsyncClient(base_url=f"{base_url}/api/v1", timeout=20) as http:
        answer = await http.post("/auth/token", json={"username": "john", "password": "demo"})
        tokens = answer.raise_for_status().json()
        other = await Person.sign_in(base_url, "john")
        revoked = Person(base_url, tokens["access"], {"id": other.id, "username": "john"})
        async with await other.connect() as stays:
            closes = await revoked.connect()
            (await http.post("/auth/token/revoke", json={"refresh": tokens["refresh"]})).raise_for_status()
            assert await closes.closed() == 4401
            assert (await stays.ask("ping"))["type"] == "pong"


async def test_a_notice_reaches_everybody_or_a_workspace(demo_server: Server, scene: Scene) -> None:
    async with await scene.john.connect() as john, await scene.bob.connect() as bob:
        make = "from realtime.models import Notice; Notice.objects.create(text='{}', workspace_id={})"
        demo_server.manage("shell", "-c", make.format("for you", f"'{scene.chat['workspace_id']}'"))
        assert (await john.until("notice"))["text"] == "for you"
        demo_server.manage("shell", "-c", make.format("for all", None))
        assert (await john.until("notice"))["text"] == "for all"
        notice = await bob.until("notice")
        assert (notice["text"], notice["level"]) == ("for all", "info")
