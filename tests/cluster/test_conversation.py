"""The conversation of tests/support/conversation.py between two processes that share PostgreSQL and a broker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.realtime.conftest import Scene
from tests.support.conversation import converse
from tests.support.processes import Server


@contextmanager
def staff_browser(base_url: str) -> Iterator[httpx.Client]:
    """Give a browser in which the demo's staff user has signed in to the admin."""
    with httpx.Client(base_url=base_url, follow_redirects=True, timeout=20) as browser:
        browser.get("/admin/login/")
        form = {"username": "admin", "password": "demo", "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        browser.post("/admin/login/?next=/admin/", data=form).raise_for_status()
        yield browser


def act(browser: httpx.Client, model: str, action: str, key: str) -> None:
    """Run an action of the admin on one row."""
    form = {"action": action, "_selected_action": key, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
    browser.post(f"/admin/chats/{model}/", data=form).raise_for_status()


async def test_across_two_processes(pair: tuple[Server, Server]) -> None:
    await converse(*(server.base_url for server in pair))


async def test_staff_moderate_and_open_pages_follow(pair: tuple[Server, Server], scene: Scene) -> None:
    """A message that staff delete and a chat that they close, at the second server, are told at the first."""
    async with await scene.john.subscribe(scene.chat_id) as john:
        ack = await john.post(scene.chat_id, "spam")
        with staff_browser(pair[1].base_url) as admin:
            act(admin, "message", "delete_messages", ack["message_id"])
            deleted = await john.until("chat.message.deleted")
            assert (deleted["data"]["id"], deleted["data"]["body"]) == (ack["message_id"], "")
            act(admin, "chat", "close_chats", scene.chat_id)
            assert (await john.until("chat.closed"))["chat_id"] == scene.chat_id
