"""The server goes away and comes back: what the page tries, shows and says meanwhile. The clock is the tests' own."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat.test_live import connected
from tests.browser.conftest import Caller, Opener, Stage, signed_in
from tests.browser.support.watching import STABLE, calm, run_out, shows, try_after, watched
from tests.support.freezing_proxy import FreezingProxy
from tests.support.processes import Server, wait_until

TRIES = 10
FETCHES = re.compile("/(sidebar|header|bell|members|new)(/|$)")
LOST = "Connection lost. Click status indicator to retry."
BACK = "Connected again."
SPOKEN_CONNECTING, SPOKEN_LOST, SPOKEN_CONNECTED = (
    "Reconnecting...",
    "Offline - click to reconnect",
    "Connected",
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Give a server that the tests may end."""
    with Server({"FLOWRA_RATE_LIMITS": "false"}, demo=True) as server:
        yield server


@pytest.fixture(scope="module")
def callers(server: Server) -> Iterator[dict[str, Caller]]:
    """Give the people of that server."""
    with signed_in(server) as people:
        yield people


@pytest.fixture(autouse=True)
def running(server: Server) -> None:
    """Start the server where a test has left it ended."""
    if not server.is_running:
        server.start()


def says(page: Page, words: str, wait: int | None = None) -> None:
    """Wait until the tooltip says this, and in whole seconds that the next try is `wait` ms away."""
    seconds = {max(math.ceil((wait + rounded) / 1000), 1) for rounded in (-1, 0, 1)} if wait is not None else set()
    more = f"^Next try in ({'|'.join(map(str, seconds))}) s$" if seconds else "^$"
    expect(page.locator("#ws-status .tooltip > span")).to_have_text([words, re.compile(more)])


def backoff(attempt: int) -> tuple[int, int]:
    """Return the least and the longest wait before an attempt, in ms."""
    base = min(1000 * 2 ** (attempt - 1), 30_000)
    return base, base + 1000


def fail_until(page: Page, attempt: int, first: tuple[int, int]) -> int:
    """Let tries fail until this one is next; return its wait."""
    number, wait = first
    while number < attempt:
        number, wait = try_after(page, functools.partial(run_out, page, wait))
    return wait


def test_ten_tries_then_a_person_has_to_ask(enter: Opener, stage: Stage, server: Server) -> None:
    page, watch = watched(enter, server, stage)
    attempt, wait = try_after(page, server.kill)
    assert watch.codes == [1006]
    page.clock.run_for(1000)  # a loss is shown after that
    left = wait - 1000
    for expected in range(1, TRIES + 1):
        assert attempt == expected
        least, most = backoff(attempt)
        assert least <= wait <= most
        assert watch.sockets == attempt
        shows(page, "connecting")
        says(page, f"Reconnecting... (attempt {attempt}/10)", left)
        page.clock.run_for(max(left - 500, 0))
        says(page, f"Reconnecting... (attempt {attempt}/10)", min(left, 500))
        page.clock.run_for(max(min(left, 500) - 10, 0))
        assert watch.sockets == attempt, "It tried before its time."
        if attempt < TRIES:
            attempt, wait = try_after(page, lambda: page.clock.run_for(11))
            left = wait
    assert watch.toasts == []
    page.clock.run_for(11)
    shows(page, "disconnected")
    says(page, "Offline - click to reconnect")
    expect(page.locator(".toast")).to_contain_text(LOST)
    page.clock.run_for(10 * 60_000)
    assert watch.sockets == TRIES + 1, "It tries after it has given up."
    server.start()
    page.locator("#ws-status").click()
    shows(page, "connected")
    says(page, "Connected")
    expect(page.locator(".toast")).to_contain_text(BACK)  # and the other one is gone
    assert watch.toasts == [LOST, BACK]
    assert watch.spoken == [SPOKEN_CONNECTING, SPOKEN_LOST, SPOKEN_CONNECTING, SPOKEN_CONNECTED]
    assert watch.looks == ["connecting", "disconnected", "connecting", "connected"]
    assert watch.most == 1


def test_back_in_the_middle_of_the_back_off(enter: Opener, stage: Stage, server: Server) -> None:
    page, watch = watched(enter, server, stage)
    marker = watch.marker
    wait = fail_until(page, 4, try_after(page, server.kill))
    server.start()
    stage.john.post(stage.chat_id, "Meanwhile")
    page.clock.run_for(wait - 10)
    shows(page, "connecting")
    page.clock.run_for(11)
    shows(page, "connected")
    expect(page.locator(".message", has_text="Meanwhile")).to_be_visible()
    assert watch.toasts == [BACK]
    assert watch.spoken == [SPOKEN_CONNECTING, SPOKEN_CONNECTED]
    assert watch.marker == marker
    assert watch.most == 1
    # Only a connection that has stood for a while sets the attempts back.
    page.clock.run_for(STABLE - 2000)
    calm(page)
    attempt, wait = try_after(page, server.kill)
    assert attempt == 5
    server.start()
    run_out(page, wait)
    shows(page, "connected")
    page.clock.run_for(STABLE)
    calm(page)
    attempt, wait = try_after(page, server.kill)
    assert attempt == 1
    assert watch.codes[0] == watch.codes[-1] == 1006


def test_a_restart_is_no_alarm(enter: Opener, stage: Stage, server: Server) -> None:
    page, watch = watched(enter, server, stage)
    attempt, wait = try_after(page, server.stop)
    assert watch.codes == [1012]
    assert attempt == 1
    assert wait <= 2000
    server.start()
    run_out(page, wait)
    connected(page)
    page.clock.run_for(STABLE)
    calm(page)
    stage.john.post(stage.chat_id, "Up again")
    expect(page.locator(".message", has_text="Up again")).to_be_visible()
    assert watch.spoken == []
    assert watch.toasts == []


def test_a_restart_that_fails_is_an_outage(enter: Opener, stage: Stage, server: Server) -> None:
    page, watch = watched(enter, server, stage)
    wait = fail_until(page, 3, try_after(page, server.stop))
    shows(page, "connecting")
    assert watch.spoken == []  # a slow one is none yet
    _, wait = try_after(page, lambda: run_out(page, wait))
    says(page, "Reconnecting... (attempt 4/10)", wait)
    assert watch.spoken == [SPOKEN_CONNECTING]
    server.start()
    run_out(page, wait)
    shows(page, "connected")
    assert watch.spoken == [SPOKEN_CONNECTING, SPOKEN_CONNECTED]
    assert watch.toasts == [BACK]


def test_a_blink_shows_nothing(enter: Opener, stage: Stage, server: Server, proxy: FreezingProxy) -> None:
    page, watch = watched(enter, server, stage, base_url=proxy.base_url)
    for number in range(2):
        try_after(page, proxy.cut)
        page.clock.run_for(950)
        page.context.set_offline(True)
        page.context.set_offline(False)  # the browser says that the network is back: it is tried at once
        expect(page.locator("#ws-status")).to_have_attribute("data-state", "connected")
        watch.opens()
        stage.john.post(stage.chat_id, f"Did you notice blink {number}?")
        expect(page.locator(".message").last).to_contain_text(f"Did you notice blink {number}?")
        page.clock.run_for(STABLE)
        calm(page)
    assert watch.sockets == 3
    assert watch.looks == []
    assert watch.spoken == []
    assert watch.toasts == []
    # The same loss, a moment longer, is shown.
    try_after(page, proxy.cut)
    page.clock.run_for(1000)
    shows(page, "connecting")


def test_there_is_one_socket_at_a_time(enter: Opener, stage: Stage, server: Server, proxy: FreezingProxy) -> None:
    page, watch = watched(enter, server, stage, base_url=proxy.base_url)
    dot = page.locator("#ws-status")
    wake = "document.dispatchEvent(new Event('visibilitychange')); window.dispatchEvent(new Event('online'))"
    shown = "window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))"
    for step in (proxy.cut, dot.click, proxy.cut, dot.dblclick):
        step()
        page.evaluate(f"{wake}; {wake}")
        page.evaluate(f"{shown}; {shown}")
        dot.focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Space")
        page.clock.run_for(35_000)
    dot.click()
    watch.opens()
    shows(page, "connected")
    page.clock.run_for(35_000)
    assert page.evaluate("watch.sockets.filter(({ readyState }) => readyState < 2).length") == 1
    assert watch.most == 1
    assert watch.sockets >= 9


def test_what_it_fetches_by_itself_fails_quietly(enter: Opener, stage: Stage, server: Server) -> None:
    page, watch = watched(enter, server, stage)
    failed: list[str] = []
    page.on("requestfailed", lambda request: failed.append(request.url))
    page.route(FETCHES, lambda route: route.abort("connectionfailed"))
    resync = {"type": "resync", "reason": "broker", "within": 0}
    page.evaluate("detail => document.body.dispatchEvent(new CustomEvent('resync', { detail }))", resync)

    def has_failed() -> bool:
        page.clock.run_for(100)
        return all(any(part in url for url in failed) for part in ("/sidebar/", "/header/", "/bell/", "/members/"))

    wait_until(has_failed, 10, "all of it")
    assert watch.toasts == []
    page.get_by_role("link", name="New chat").click()  # what a person asks for does not
    expect(page.locator(".toast")).to_contain_text("The server cannot be reached.")
