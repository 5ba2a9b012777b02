"""The line between a page and the server, for tests to cut: the page's sockets, and its calls of the API."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page, Route, WebSocketRoute, expect

from tests.browser.chat.test_live import connected
from tests.browser.conftest import Opener, Stage
from tests.support.processes import Server

API = re.compile("/api/v1/")

Frame = dict[str, Any]


class Line:
    """A page whose line to the server can be cut and mended, and loses the frames that a test names.

    `passes_up(frame)` and `passes_down(frame)` say whether a frame of the page, or of the server, gets through.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.sent: list[Frame] = []  # all that the page has sent, also what was then lost
        self.passes_up: Callable[[Frame], bool] = lambda frame: True
        self.passes_down: Callable[[Frame], bool] = lambda frame: True
        self._is_cut = False
        self._ends: list[WebSocketRoute] = []  # of the latest socket: the page's, the server's
        page.route_web_socket(re.compile("/ws/"), self._opened)

    def _opened(self, socket: WebSocketRoute) -> None:
        if self._is_cut:
            socket.close(code=1011)
            return
        server = socket.connect_to_server()
        self._ends = [socket, server]

        def go_up(text: str | bytes) -> None:
            frame = json.loads(text)
            self.sent.append(frame)
            if self.passes_up(frame):
                server.send(text)

        def go_down(text: str | bytes) -> None:
            if self.passes_down(json.loads(text)):
                socket.send(text)

        socket.on_message(go_up)
        server.on_message(go_down)

    def tell(self, frame: Frame) -> None:
        """Say something to the page in the server's place."""
        self._ends[0].send(json.dumps(frame))

    def drop(self, code: int = 1011) -> None:
        """End the socket that stands; the page may open another."""
        for end in self._ends:
            end.close(code=code)
        self._ends = []

    def cut(self) -> None:
        """Let nothing through from now on but pages."""
        self._is_cut = True
        self.page.route(API, _abort)
        self.drop()
        expect(self.page.locator("#ws-status")).to_have_attribute("data-state", "connecting")

    def mend(self) -> None:
        """Let everything through again, and have the page notice as it would on a real network."""
        self._is_cut = False
        self.page.unroute(API)
        self.page.evaluate("window.dispatchEvent(new Event('online'))")
        connected(self.page)

    def wait_for(self, condition: Callable[[], object]) -> None:
        """Return once a condition holds that the frames of this line bring about."""
        for _ in range(1500):
            if condition():
                return
            self.page.wait_for_timeout(10)  # frames pass meanwhile
        raise AssertionError("What should come over the line has not come.")

    def wait_for_frames(self, kind: str, count: int) -> list[Frame]:
        """Return the frames of a type that the page has sent, once it has sent so many."""
        self.wait_for(lambda: len(self.frames(kind)) >= count)
        return self.frames(kind)

    def frames(self, kind: str) -> list[Frame]:
        """Return the frames of a type that the page has sent."""
        return [frame for frame in self.sent if frame["type"] == kind]


def _abort(route: Route) -> None:
    route.abort("connectionfailed")


def open_page(enter: Opener, server: Server, username: str, path: str, **options: Any) -> Page:
    """Return somebody's page; the server may go."""
    return enter(username, path, base_url=server.base_url, outage=True, **options)


def visit(enter: Opener, server: Server, username: str, path: str, **options: Any) -> Line:
    """Return the line of somebody's page, once the page is connected."""
    line = Line(open_page(enter, server, username, "about:blank", **options))
    line.page.goto(path)
    connected(line.page)
    return line


def stored(stage: Stage) -> list[Frame]:
    """Return the chat's messages in their order, as the API knows them."""
    path = f"/chats/{stage.chat_id}/messages?limit=100"
    rows: list[Frame] = stage.john.call("GET", path)["results"]
    while rows and rows[0]["seq"] > 1:
        rows = stage.john.call("GET", f"{path}&before={rows[0]['seq']}")["results"] + rows
    return rows


def bodies(stage: Stage) -> list[str]:
    """Return what the chat's messages say."""
    return [row["body"] for row in stored(stage)]


def box(page: Page) -> Locator:
    """Return the box one writes into."""
    return page.locator("textarea[name=body]")


def saying(page: Page, text: str) -> Locator:
    """Return the message with a text."""
    return page.locator(".message", has_text=text)


def settled(page: Page, *texts: str, timeout: float | None = None) -> None:
    """Wait until the chat shows these messages, in this order, all of them stored."""
    expect(page.locator(".message[data-seq] .message-body")).to_have_text(texts, timeout=timeout)
    expect(page.locator(".message")).to_have_count(len(texts))
    expect(page.locator(".message[data-status]")).to_have_count(0)
