"""The chat part of a page is stopped and started again: the socket stays, and there is one of everything."""

from __future__ import annotations

import json
import re
from typing import Any

from playwright.sync_api import Page, WebSocket, expect

from tests.browser.chat.test_live import connected, write
from tests.browser.conftest import Caller, Opener, Stage, new_stage

# In place of the page's entry: the test holds what it starts.
ENTRY = """
import { startChat } from "./chat/start.js";
import { startApp } from "./shell/start.js";
const app = startApp();
window.startTheChat = () => {
  window.stopTheChat = startChat(app, JSON.parse(document.getElementById("bootstrap").textContent)).stop;
};
window.startTheChat();
"""


class Frames:
    """What the page sends, by all its sockets."""

    def __init__(self, page: Page) -> None:
        self.sockets: list[WebSocket] = []
        self.sent: list[dict[str, Any]] = []
        page.on("websocket", self._opened)

    def of_type(self, name: str) -> list[dict[str, Any]]:
        """Those of a type."""
        return [frame for frame in self.sent if frame["type"] == name]

    def _opened(self, socket: WebSocket) -> None:
        self.sockets.append(socket)
        socket.on("framesent", lambda payload: self.sent.append(json.loads(payload)))


def open_chat(enter: Opener, stage: Stage) -> tuple[Page, Frames]:
    """Return jane's page of the chat, started by ENTRY."""
    jane = enter("jane")
    jane.route("**/static/js/app.js", lambda route: route.fulfill(body=ENTRY, content_type="text/javascript"))
    frames = Frames(jane)
    jane.goto(stage.path)
    return connected(jane), frames


def test_a_chat_that_is_started_twice_has_one_of_everything(enter: Opener, stage: Stage) -> None:
    jane, frames = open_chat(enter, stage)
    for _ in range(2):
        jane.evaluate("window.stopTheChat()")
        jane.evaluate("window.startTheChat()")
    box = jane.locator("#composer-body")
    jane.locator("#composer-bold").click()
    expect(box).to_have_value("****")  # a second listener would take it off again
    write(jane, "Once")
    sent = jane.locator(".message.own", has_text="Once")
    expect(sent.locator(".message-body p:not(.unrendered)")).to_have_text("Once")
    stage.john.post(stage.chat_id, "Answer")
    expect(jane.locator(".message", has_text="Answer")).to_have_count(1)
    expect(sent).to_have_count(1)
    sent.hover()
    sent.locator("[data-action=edit]").click()
    expect(jane.locator(".edit-box")).to_have_count(1)
    assert len(frames.sockets) == 1
    assert len(frames.of_type("chat.message.post")) == 1
    assert len([frame for frame in frames.of_type("subscribe") if frame["chat_id"] == stage.chat_id]) == 3
    expect(jane.locator(".presence-dot.online").first).to_be_visible()


def test_a_chat_that_is_stopped_is_left_alone(enter: Opener, stage: Stage) -> None:
    jane, frames = open_chat(enter, stage)
    stage.john.post(stage.chat_id, "Before")
    expect(jane.locator(".message", has_text="Before")).to_have_count(1)
    jane.evaluate("window.stopTheChat()")
    before = len(frames.of_type("chat.typing"))
    jane.locator("#composer-body").press_sequentially("abc")
    stage.john.post(stage.chat_id, "After @jane")
    expect(jane.locator("#toasts .toast")).to_be_visible()  # the rest of the page goes on: this chat is not open
    expect(jane.locator(f".room[data-chat-id='{stage.chat_id}'] .count")).to_contain_text("@ 1")
    expect(jane.locator(".message", has_text="After")).to_have_count(0)
    assert len(frames.of_type("chat.typing")) == before
    assert len(frames.sockets) == 1


def go_to(page: Page, stage: Stage) -> None:
    """Click on a chat in the list, and wait for it."""
    page.locator(f".room[data-chat-id='{stage.chat_id}']").click()
    expect(page.locator("#chat-header h1")).to_contain_text(stage.title)


def test_another_chat_takes_the_place_of_one(enter: Opener, stage: Stage, callers: dict[str, Caller]) -> None:
    other = new_stage(callers)
    jane = enter("jane")
    frames = Frames(jane)
    jane.goto(stage.path)
    connected(jane).evaluate("window.isSamePage = true")
    sockets = len(frames.sockets)
    jane.locator("#composer-body").fill("A draft of the first")
    go_to(jane, other)
    expect(jane).to_have_title(re.compile(rf"{other.title} · Flowra$"))  # more may be unread
    expect(jane).to_have_url(re.compile(other.path))
    expect(jane.locator("#composer-body")).to_be_focused()
    expect(jane.locator("#composer-body")).to_have_value("")
    write(jane, "For the second")
    expect(jane.locator(".message.own .message-body p:not(.unrendered)")).to_have_text("For the second")
    other.john.post(other.chat_id, "Seen")
    stage.john.post(stage.chat_id, "Elsewhere")
    expect(jane.locator(".message", has_text="Seen")).to_be_visible()
    expect(jane.locator(f".room[data-chat-id='{stage.chat_id}'] .count")).to_contain_text("1")
    expect(jane.locator(".message", has_text="Elsewhere")).to_have_count(0)
    assert [frame["chat_id"] for frame in frames.of_type("chat.message.post")] == [other.chat_id]
    go_to(jane, stage)
    expect(jane.locator("#composer-body")).to_have_value("A draft of the first")
    expect(jane.locator(".message", has_text="Elsewhere")).to_be_visible()
    expect(jane.locator(f".room[data-chat-id='{stage.chat_id}'] .count")).to_be_hidden()
    jane.go_back()
    expect(jane.locator("#chat-header h1")).to_contain_text(other.title)
    expect(jane.locator(".message", has_text="Seen")).to_have_count(1)
    assert len(frames.sockets) == sockets
    assert jane.evaluate("window.isSamePage")
