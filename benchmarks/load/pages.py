"""One person with a real browser: switches chats, and opens a chat over a slow network."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, Request, WebSocket

from tests.browser.conftest import sign_in

# In Chromium's own terms, bytes a second and ms. Sockets are not slowed down, but the handshake's way there is.
SLOW_3G = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
SETTLE = 500  # ms after which what a switch has caused has been asked for
PAUSE = 60  # ms between two looks
PATIENCE = 60_000  # ms
# Every document notes when the link of a chat is clicked, and when the first picture with that chat's messages was
# painted. Both by the time since 1970, which goes on over page loads; the tab's storage keeps the click over these.
WATCH = """
(() => {
  const now = () => performance.timeOrigin + performance.now();
  const shows = (chatId) => document.querySelector(`main[data-chat-id="${chatId}"] .message[data-seq]`) !== null;
  const painted = (what) => requestAnimationFrame(() => setTimeout(what, 0));
  const notes = { messages: null, connected: null };
  window.benchmark = notes;
  addEventListener("click", ({ target }) => {
    const link = target.closest?.("a.room");
    const click = { chatId: link?.dataset.chatId, began: now(), took: null };
    if (link) sessionStorage.setItem("benchmark", JSON.stringify(click));
  }, true);
  const look = () => {
    const click = JSON.parse(sessionStorage.getItem("benchmark"));
    if (click !== null && click.took === null && shows(click.chatId)) {
      painted(() => sessionStorage.setItem("benchmark", JSON.stringify({ ...click, took: now() - click.began })));
    }
    if (notes.messages === null && document.querySelector(".message[data-seq]") !== null) {
      notes.messages = 0;
      painted(() => (notes.messages = performance.now()));
    }
    const dot = document.getElementById("ws-status");
    if (notes.connected === null && dot?.dataset.state === "connected") notes.connected = performance.now();
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();
"""
LOADED = "benchmark.messages > 0 && benchmark.connected !== null ? benchmark : null"
T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class Switch:
    """From the click to the picture, in seconds; requests and sockets that came of it."""

    seconds: float
    requests: int
    sockets: int


@dataclasses.dataclass(frozen=True, slots=True)
class FirstLoad:
    """From the navigation on, in seconds; bytes are those on the wire, `html` those of the document unpacked."""

    messages: float
    connected: float
    requests: int
    wire: int
    html: int
    nodes: int


class Visitor:
    """Somebody's page, and what it asks for."""

    def __init__(self, context: BrowserContext) -> None:
        context.set_default_timeout(PATIENCE)
        context.add_init_script(WATCH)
        self.page: Page = context.new_page()
        self.requests = 0
        self.sockets = 0
        self.frames: list[str] = []  # the types of those that came
        self.page.on("request", self._asked)
        self.page.on("websocket", self._opened)

    def _asked(self, request: Request) -> None:
        # Chromium looks for a page's icon and manifest by itself, at each address anew.
        if not request.url.endswith((".svg", ".png", ".webmanifest")):
            self.requests += 1

    def _opened(self, socket: WebSocket) -> None:
        self.sockets += 1
        socket.on("framereceived", self._note)

    def _note(self, frame: str | bytes) -> None:
        self.frames.append(json.loads(frame).get("type", ""))

    def open(self, chat_id: str) -> None:
        """Open a chat and wait until the page is connected and quiet."""
        self.page.goto(f"/chats/{chat_id}/")
        self.page.locator("#ws-status[data-state=connected]").wait_for()
        self.settle()

    def settle(self) -> None:
        """Wait until nothing was asked for during SETTLE."""
        before = -1
        while before != self.requests:
            before = self.requests
            self.page.wait_for_timeout(SETTLE)

    def switch(self, chat_id: str, *, is_hovered: bool = False) -> Switch:
        """Click on a chat in the list; `is_hovered`: the mouse has rested there, else nothing announces the click."""
        link = self.page.locator(f'.sidebar a.room[data-chat-id="{chat_id}"]')
        link.scroll_into_view_if_needed()
        if is_hovered:
            link.hover()
            self.settle()
        requests, sockets = self.requests, self.sockets
        link.evaluate("link => link.click()")
        took = self.until(lambda: self._took(chat_id))
        self.settle()
        return Switch(took / 1000, self.requests - requests, self.sockets - sockets)

    def _took(self, chat_id: str) -> float | None:
        """Return the ms that the last click took; None while it is under way, as while its document is being left."""
        with contextlib.suppress(Exception):
            click = json.loads(self.page.evaluate("sessionStorage.getItem('benchmark')"))
            if click["chatId"] == chat_id:
                return click["took"]  # type: ignore[no-any-return]
        return None

    def until(self, read: Callable[[], T | None]) -> T:
        """Return what `read()` returns as soon as that is not None; raises TimeoutError."""
        for _ in range(PATIENCE // PAUSE):
            found = read()
            if found is not None:
                return found
            self.page.wait_for_timeout(PAUSE)
        raise TimeoutError(f"The page was not there after {PATIENCE / 1000:.0f} s.")


@contextlib.contextmanager
def visiting(browser: Browser, base_url: str, username: str) -> Iterator[Visitor]:
    """Give somebody who is signed in, with an empty cache."""
    context = browser.new_context(base_url=base_url)
    try:
        sign_in(context, base_url, username)
        yield Visitor(context)
    finally:
        context.close()


def first_load(browser: Browser, base_url: str, username: str, chat_id: str) -> FirstLoad:
    """Open a chat with an empty cache over a slow network, and wait until it is quiet."""
    with visiting(browser, base_url, username) as visitor:
        page = visitor.page
        network = page.context.new_cdp_session(page)
        wire = _count_bytes(network)
        network.send("Network.emulateNetworkConditions", SLOW_3G)
        page.goto(f"/chats/{chat_id}/", wait_until="commit")
        notes = visitor.until(lambda: page.evaluate(LOADED))
        visitor.settle()
        html = page.evaluate("performance.getEntriesByType('navigation')[0].decodedBodySize")
        nodes = page.evaluate("document.querySelectorAll('*').length")
        return FirstLoad(notes["messages"] / 1000, notes["connected"] / 1000, visitor.requests, sum(wire), html, nodes)


def _count_bytes(network: CDPSession) -> list[int]:
    """Return a list that grows by the bytes of each answer, headers included."""
    sizes: list[int] = []
    network.on("Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"])))
    network.send("Network.enable")
    return sizes


def presence_of_switching(browser: Browser, base_url: str, switching: str, watching: str, chats: Sequence[str]) -> int:
    """Return how many frames about presence one gets who stays in the first of these chats while the other switches."""
    with visiting(browser, base_url, watching) as still, visiting(browser, base_url, switching) as moving:
        still.open(chats[0])
        moving.open(chats[0])
        still.settle()
        still.frames.clear()
        for chat_id in chats[1:]:
            moving.switch(chat_id)
        still.page.wait_for_timeout(6_000)  # a departure is told after FLOWRA_PRESENCE_GRACE, 5 s
        return sum(kind.startswith("presence.") for kind in still.frames)
