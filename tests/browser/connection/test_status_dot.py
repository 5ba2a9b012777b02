"""The dot in the navbar: to see, to hear, to reach and to use, by everybody."""

from __future__ import annotations

import functools
import re
from typing import Any

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.browser.chat.test_live import BLANK, write
from tests.browser.conftest import Opener, Stage
from tests.browser.quality.test_quality import check_with_axe
from tests.browser.support.looking import look_at
from tests.browser.support.watching import PHONE, Watch, hold_clock, run_out, shows, try_after
from tests.support.processes import Server

# The code that the server closes each socket with, and what the page makes of it.
CODES = {"connected": None, "connecting": 1011, "disconnected": 4400}
NAMES = {
    "connected": re.compile("^Connected$"),
    "connecting": re.compile(r"^Reconnecting\.\.\. \(attempt [1-9]/10\)$"),
    "disconnected": re.compile("^Offline - click to reconnect$"),
}
WIDE = {"width": 1280, "height": 760}
NARROW = {"width": 390, "height": 760}


class Gate:
    """Stands before the server: lets sockets pass, or closes each with `code`."""

    def __init__(self, page: Page, code: int | None) -> None:
        self.code = code
        self._open: list[WebSocketRoute] = []
        page.route_web_socket(re.compile("/ws/"), self._opened)

    def _opened(self, socket: WebSocketRoute) -> None:
        if self.code is not None:
            socket.close(code=self.code)
            return
        socket.connect_to_server()
        self._open.append(socket)

    def shut(self, code: int) -> None:
        """Close what is open, and all that comes."""
        self.code = code
        while self._open:
            self._open.pop().close(code=code)


def in_state(
    enter: Opener, server: Server, stage: Stage, state: str, *, held: bool = False, **options: Any
) -> tuple[Page, Gate, Watch]:
    """Return Jane's page of the chat with the dot in a state; with `held` its time stands still."""
    page = enter("jane", "about:blank", **{"base_url": server.base_url, "outage": True, **options})
    gate = Gate(page, CODES[state])
    watch = Watch(page)
    if held:
        page.clock.install()
    page.goto(stage.path)
    shows(page, state)
    if held:
        hold_clock(page)
    return page, gate, watch


def test_it_says_its_state(enter: Opener, server: Server, stage: Stage) -> None:
    page, gate, _ = in_state(enter, server, stage, "connected")
    dot = page.locator("#ws-status")
    expect(dot).to_have_role("button")
    expect(dot).to_have_accessible_name(NAMES["connected"])
    gate.shut(1011)
    shows(page, "connecting")
    expect(dot).to_have_accessible_name(NAMES["connecting"])
    gate.code = 4400
    dot.click()
    shows(page, "disconnected")
    expect(dot).to_have_accessible_name(NAMES["disconnected"])
    gate.code = 4401
    dot.click()
    expect(dot).to_have_accessible_name("Signed out - sign in again")
    shows(page, "disconnected")


@pytest.mark.parametrize("key", ["Enter", "Space"])
@pytest.mark.parametrize("state", ["connecting", "disconnected"])
def test_by_keyboard(enter: Opener, server: Server, stage: Stage, state: str, key: str) -> None:
    page, gate, watch = in_state(enter, server, stage, state, held=True)
    dot = page.locator("#ws-status")
    page.locator("#bell > summary").focus()
    page.keyboard.press("Tab")
    expect(dot).to_be_focused()
    expect(dot).to_have_css("outline-style", "solid")
    expect(dot).to_have_css("outline-width", "2px")
    sockets = watch.sockets
    gate.code = None
    page.keyboard.press(key)  # at once: no time passes here
    shows(page, "connected")
    expect(dot).to_be_focused()
    assert watch.sockets == sockets + 1
    page.keyboard.press(key)  # nothing to do
    assert watch.sockets == sockets + 1


def test_the_tooltip_comes_and_goes(enter: Opener, server: Server, stage: Stage) -> None:
    page, _, _ = in_state(enter, server, stage, "disconnected", held=True)
    dot, tooltip, box = page.locator("#ws-status"), page.locator("#ws-status .tooltip"), page.locator("[name=body]")
    expect(tooltip).to_be_hidden()
    dot.hover()
    expect(tooltip).to_be_visible()
    expect(tooltip).to_have_text("Offline - click to reconnect")
    start, area = dot.bounding_box(), tooltip.bounding_box()
    assert start is not None
    assert area is not None
    page.mouse.move(start["x"] + 10, area["y"] + 10, steps=20)  # one may go there and read
    page.mouse.move(area["x"] + 10, area["y"] + 10, steps=20)
    expect(tooltip).to_be_visible()
    box.focus()
    page.keyboard.press("Escape")  # and get it out of the way, wherever the focus is
    expect(tooltip).to_be_hidden()
    box.hover()
    dot.hover()
    expect(tooltip).to_be_visible()
    box.hover()
    expect(tooltip).to_be_hidden()
    page.keyboard.press("Escape")
    page.locator("#bell > summary").focus()
    page.keyboard.press("Tab")
    expect(dot).to_be_focused()
    expect(tooltip).to_be_visible()
    page.keyboard.press("Escape")
    expect(tooltip).to_be_hidden()
    expect(dot).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    expect(tooltip).to_be_visible()


def has_room(page: Page, state: str) -> None:
    """Check the button's size, and that the tooltip can be read, on wide screens and narrow ones.

    A phone has no room for what is usual: connected is not shown there.
    """
    before = page.viewport_size
    assert before is not None
    for width in (1280, 390, 320):
        page.set_viewport_size({"width": width, "height": 760})
        if width < PHONE and state == "connected":
            expect(page.locator("#ws-status")).to_be_hidden()
            continue
        box = page.locator("#ws-status").bounding_box()
        assert box is not None
        assert box["width"] >= 24
        assert box["height"] >= 24
        page.locator("#ws-status").hover()
        tooltip = page.locator("#ws-status .tooltip")
        expect(tooltip).to_be_visible()
        expect(tooltip).to_be_in_viewport(ratio=1)
    page.set_viewport_size(before)


@pytest.mark.parametrize(
    "options",
    [{"color_scheme": "light"}, {"color_scheme": "dark"}, {"forced_colors": "active"}],
    ids=["light", "dark", "forced"],
)
def test_it_is_seen_and_told_apart(enter: Opener, server: Server, stage: Stage, options: dict[str, Any]) -> None:
    options = {**options, "device_scale_factor": 4, "reduced_motion": "reduce"}
    page, gate, _ = in_state(enter, server, stage, "connected", held=True, **options)
    inside = {"connected": (1, 1), "connecting": (1, 0), "disconnected": (0, 0)}
    dot = page.locator("#ws-status .status-dot")
    reader = page.context.new_page()
    page.bring_to_front()
    for state, (left, right) in inside.items():
        if state == "connecting":
            gate.shut(1011)
            page.clock.run_for(1000)
        elif state == "disconnected":
            gate.code = 4400
            page.locator("#ws-status").click()
        shows(page, state)
        page.locator("[name=body]").hover()
        plain = look_at(dot, reader)
        page.locator("#ws-status").hover()
        has_room(page, state)
        page.locator("#ws-status").hover()
        for disc in (plain, look_at(dot, reader)):
            assert disc.contrast >= 3, f"{state}: {disc}"
            assert disc.left == pytest.approx(left, abs=0.1), f"{state}: {disc}"
            assert disc.right == pytest.approx(right, abs=0.1), f"{state}: {disc}"


def test_it_pulses_only_for_those_who_like_it(enter: Opener, server: Server, stage: Stage) -> None:
    page, _, _ = in_state(enter, server, stage, "connecting")
    moves = "() => document.querySelector('.status-dot').getAnimations().map(({ playState }) => playState)"
    assert page.evaluate(moves) == ["running"]
    page.emulate_media(reduced_motion="reduce")
    page.wait_for_timeout(100)  # longer than what is left of any movement
    assert "running" not in page.evaluate(moves)


def test_only_changes_are_spoken(enter: Opener, server: Server, stage: Stage) -> None:
    page, gate, watch = in_state(enter, server, stage, "connected", held=True)
    expect(page.locator("#announcer")).to_have_role("status")
    assert page.locator(":is([aria-live], [role=status], [role=alert], [role=log], output) #ws-status").count() == 0
    expect(page.locator("#ws-status .tooltip")).to_have_attribute("aria-hidden", "true")
    assert watch.spoken == []  # the first connection is no news
    attempt, wait = try_after(page, functools.partial(gate.shut, 1011))
    while attempt < 10:
        attempt, wait = try_after(page, functools.partial(run_out, page, wait), attempt + 1)
        expect(page.locator("#ws-status .tooltip")).to_contain_text(f"(attempt {attempt}/10)")
    run_out(page, wait)
    shows(page, "disconnected")
    spoken_toasts = page.locator(".toast[role]")  # what they say of the connection would be heard twice
    expect(page.locator(".toast")).to_contain_text("Connection lost.")
    expect(spoken_toasts).to_have_count(0)
    assert watch.spoken == ["Reconnecting...", "Offline - click to reconnect"]
    gate.code = None
    page.locator("#ws-status").click()
    shows(page, "connected")
    assert watch.spoken[2:] == ["Reconnecting...", "Connected"]
    expect(page.locator(".toast")).to_contain_text("Connected again.")
    expect(spoken_toasts).to_have_count(0)


@pytest.mark.parametrize(
    ("scheme", "size"), [("light", WIDE), ("dark", WIDE), ("dark", NARROW)], ids=["light", "dark", "narrow"]
)
def test_axe_finds_nothing_in_an_outage(
    enter: Opener, server: Server, stage: Stage, scheme: str, size: dict[str, int]
) -> None:
    look: dict[str, Any] = {"color_scheme": scheme, "viewport": size, "reduced_motion": "reduce"}
    page, gate, _ = in_state(enter, server, stage, "connected", **look)
    page.route(re.compile("/api/v1/.*/messages$"), lambda route: route.abort("connectionfailed"))
    write(page, BLANK)
    expect(page.locator(".message[data-status=failed]")).to_contain_text("Not sent.")
    gate.shut(1011)
    shows(page, "connecting")
    write(page, "Waits, with `code` and [a link](https://example.org)")
    expect(page.locator(".message[data-status=pending]")).to_contain_text("Waiting for the connection")
    page.locator("#ws-status").hover()
    expect(page.locator("#ws-status .tooltip")).to_be_visible()
    check_with_axe(page)
    gate.code = 4400
    page.locator("#ws-status").click()
    shows(page, "disconnected")
    expect(page.locator(".toast[data-level=error]")).to_contain_text("Connection lost.")
    expect(page.locator(".message[data-status=pending]")).to_be_visible()
    check_with_axe(page)
    # The toast lies neither over what was written last nor over the button.
    page.locator(".message[data-status=pending]").click(trial=True, timeout=1000)
    page.locator("[name=body]").fill("One more")
    page.get_by_role("button", name="Send").click(trial=True, timeout=1000)
    gate.code = 4401
    page.locator("#ws-status").click()
    expect(page.locator(".toast").get_by_role("link", name="Sign in")).to_be_visible()
    check_with_axe(page)


def test_without_scripts_there_is_no_dot(enter: Opener, server: Server, stage: Stage) -> None:
    page = enter("jane", stage.path, base_url=server.base_url, java_script_enabled=False)
    expect(page.locator("#ws-status")).to_be_hidden()
