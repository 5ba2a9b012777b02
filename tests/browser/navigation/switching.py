"""Going from chat to chat, and what it costs: requests, sockets, documents."""

from __future__ import annotations

import json
import re
from typing import Any

from playwright.sync_api import Locator, Page, WebSocket, expect

from tests.browser.conftest import Stage


class Costs:
    """What a page asks for from now on."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.sockets: list[WebSocket] = []
        self.sent: list[dict[str, Any]] = []
        page.evaluate("window.isSamePage = true")
        page.on("request", lambda request: self._asked(request.url))
        page.on("websocket", lambda socket: self.sockets.append(socket))

    def take(self) -> list[str]:
        """Return the paths that were asked for since the last time; the page is still the same."""
        assert self.page.evaluate("window.isSamePage === true")
        taken, self.requests = self.requests, []
        return taken

    def _asked(self, url: str) -> None:
        path = re.sub(r"^https?://[^/]+", "", url)
        if not path.startswith("/static/"):  # the browser looks for the icon anew at each address
            self.requests.append(path)


def room(page: Page, stage: Stage) -> Locator:
    """Return a chat's entry in the list of chats."""
    return page.locator(f".sidebar .room[data-chat-id='{stage.chat_id}']")


def shows(page: Page, stage: Stage) -> None:
    """Expect a chat to be the open one, in all its places."""
    expect(page.locator("#chat-header h1")).to_contain_text(stage.title)
    expect(page).to_have_title(re.compile(rf"^(\(\d+\+?\) )?{stage.title} · Flowra$"))
    expect(page).to_have_url(re.compile(stage.path))
    expect(room(page, stage)).to_have_attribute("aria-current", "page")
    expect(page.locator(".sidebar .room[aria-current]")).to_have_count(1)


def go_to(page: Page, stage: Stage) -> None:
    """Click on a chat in the list, and wait for it."""
    room(page, stage).click()
    shows(page, stage)


def frames_sent(page: Page) -> list[dict[str, Any]]:
    """Return a list that fills with what the page's next sockets send."""
    sent: list[dict[str, Any]] = []

    def opened(socket: WebSocket) -> None:
        socket.on("framesent", lambda payload: sent.append(json.loads(payload)))

    page.on("websocket", opened)
    return sent
