"""Looks into a page's connection, from its first moment on, and holds the clock it lives by."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import ConsoleMessage, Page, expect

from tests.browser.chat.test_live import connected
from tests.browser.conftest import Opener, Stage
from tests.support.processes import Server, wait_until

# Counts sockets, and notes what the page says and shows: every look of the dot, also for a moment.
WATCH = """
(() => {
  const sockets = [];
  const notes = { codes: [], spoken: [], toasts: [], looks: [] };
  const watch = { sockets, most: 0, pings: 0, pongs: 0, marker: Math.random(), ...notes };
  const isAlive = ({ readyState }) => readyState < 2;
  window.watch = watch;
  window.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      sockets.push(this);
      watch.most = Math.max(watch.most, sockets.filter(isAlive).length);
      this.addEventListener("message", ({ data }) => (watch.pongs += Number(data.includes('"pong"'))));
      this.addEventListener("close", ({ code }) => watch.codes.push(code));
    }
  };
  const { send } = WebSocket.prototype;
  window.WebSocket.prototype.send = function (data) {
    watch.pings += Number(data.includes('"ping"'));
    send.call(this, data);
  };
  const follow = (id, note, what) => {
    const node = document.getElementById(id);
    if (node !== null) new MutationObserver((changes) => note(node, changes)).observe(node, what);
  };
  document.addEventListener("DOMContentLoaded", () => {
    const words = { childList: true, characterData: true, subtree: true };
    follow("announcer", (node) => watch.spoken.push(node.textContent), words);
    follow("toasts", (node, changes) => {
      for (const { addedNodes } of changes) {
        for (const { textContent } of addedNodes) watch.toasts.push(textContent.replace(/Close$/, "").trim());
      }
    }, { childList: true });
    let look = null;
    follow("ws-status", ({ dataset }) => {
      if (look !== dataset.state) watch.looks.push(dataset.state);
      look = dataset.state;
    }, { attributes: true });
  });
})();
"""
TRY = re.compile(r"WS reconnect attempt (\d+) in (\d+) ms")
PHONE = 768  # px: narrower screens show the list of chats or a chat
STABLE = 6000  # ms: a connection that stood so long has set the attempts back


class Watch:
    """What has become of a page's connection since the page was loaded."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.tries: list[tuple[int, int]] = []  # that were told: their numbers, and their waits in ms
        page.add_init_script(WATCH)
        page.on("console", self._note)

    def _note(self, message: ConsoleMessage) -> None:
        found = TRY.fullmatch(message.text)
        if found is not None:
            self.tries.append((int(found[1]), int(found[2])))

    def _read(self, expression: str) -> Any:
        return self._page.evaluate(f"watch.{expression}")

    @property
    def spoken(self) -> list[str]:
        """What a screen reader was told of the connection."""
        return list(self._read("spoken"))

    @property
    def toasts(self) -> list[str]:
        """The texts of all toasts there were."""
        return list(self._read("toasts"))

    @property
    def looks(self) -> list[str]:
        """The states that the dot has shown, one after the other."""
        return list(self._read("looks"))

    @property
    def codes(self) -> list[int]:
        """The codes that the sockets were closed with."""
        return list(self._read("codes"))

    @property
    def sockets(self) -> int:
        """How many sockets there were."""
        return int(self._read("sockets.length"))

    @property
    def pings(self) -> int:
        """How often the page has asked whether the server is there."""
        return int(self._read("pings"))

    @property
    def pongs(self) -> int:
        """How often it was answered."""
        return int(self._read("pongs"))

    @property
    def most(self) -> int:
        """How many there were at a time, connecting or open."""
        return int(self._read("most"))

    @property
    def marker(self) -> float:
        """A number that changes when the page is loaded anew."""
        return float(self._read("marker"))

    def opens(self) -> None:
        """Wait until the latest socket stands."""
        is_open = "sockets.at(-1).readyState === WebSocket.OPEN"
        wait_until(lambda: bool(self._read(is_open)), 10, "a socket")

    def forget(self) -> None:
        """Begin anew with what is said and shown."""
        self._page.evaluate("for (const name of ['codes', 'spoken', 'toasts', 'looks']) watch[name].length = 0")


def watched(enter: Opener, server: Server, stage: Stage, username: str = "jane", **options: Any) -> tuple[Page, Watch]:
    """Return somebody's page of the chat, connected for a while, its clock held, and the watch on it."""
    page = enter(username, "about:blank", outage=True, **{"base_url": server.base_url, **options})
    watch = Watch(page)
    page.clock.install()
    page.goto(stage.path)
    connected(page)
    hold_clock(page)
    page.clock.run_for(STABLE)
    calm(page)
    watch.forget()
    return page, watch


def calm(page: Page) -> None:
    """Wait until the page has loaded what it shows: what an outage breaks off is logged as an error by htmx."""
    online = page.locator(".member-list .presence-dot.online")

    def shows_who_is_online() -> bool:
        """Whether it does; one that has just started cannot say at first, and the page asks again in its own time."""
        if online.count() == 0:
            page.clock.run_for(100)
        return online.count() > 0

    wait_until(shows_who_is_online, 20, "the page to show who is online")

    def is_calm() -> bool:
        page.clock.run_for(10)  # htmx takes 20 ms to settle
        return page.locator(".htmx-request, .htmx-settling, .htmx-swapping").count() == 0

    wait_until(is_calm, 10, "the page to be calm")


def hold_clock(page: Page) -> None:
    """Stop the page's time, which run_for and fast_forward then move."""
    page.clock.pause_at(page.evaluate("Date.now() + 100") / 1000)


def try_after(page: Page, action: Callable[[], object], attempt: int | None = None) -> tuple[int, int]:
    """Do something that loses the connection; return the number of the try that is told then, and its wait in ms.

    With `attempt` it waits for that one.
    """

    def is_try(message: ConsoleMessage) -> bool:
        found = TRY.fullmatch(message.text) if message.type == "info" else None
        return found is not None and attempt in (None, int(found[1]))

    with page.expect_console_message(is_try) as caught:
        action()
    found = TRY.fullmatch(caught.value.text)
    assert found is not None
    return int(found[1]), int(found[2])


def run_out(page: Page, wait: int) -> None:
    """Let the time until the next try pass."""
    page.clock.run_for(wait + 1)


def shows(page: Page, state: str) -> None:
    """Wait until the dot shows a state."""
    expect(page.locator("#ws-status")).to_have_attribute("data-state", state)
    is_phone = page.viewport_size is not None and page.viewport_size["width"] < PHONE  # it shows only what is not usual
    expect(page.locator(f"#ws-status .status-dot.{state}")).to_be_visible(
        visible=not (is_phone and state == "connected")
    )
