"""Connections that are dead and do not say so: found by the page's own clock, and replaced."""

from __future__ import annotations

import functools
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat.test_live import connected
from tests.browser.conftest import Caller, Opener, Stage, signed_in
from tests.browser.support.watching import STABLE, Watch, hold_clock, run_out, shows, try_after, watched
from tests.support.freezing_proxy import FreezingProxy
from tests.support.processes import Server, wait_until

PING_INTERVAL = 30_000  # ms: FLOWRA_PING_INTERVAL unless set
FOUND_WITHIN = PING_INTERVAL + 20_000
STEP = 250
HOUR = 3_600_000
UPGRADE = b"GET /ws/ "


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Give a server that the tests may stall."""
    with Server({"FLOWRA_RATE_LIMITS": "false"}, demo=True) as server:
        yield server


@pytest.fixture(scope="module")
def callers(server: Server) -> Iterator[dict[str, Caller]]:
    """Give the people of that server."""
    with signed_in(server) as people:
        yield people


def is_found(page: Page, watch: Watch) -> int:
    """Check that silence is no loss until it has lasted, and then is one; return the wait before the next try."""
    page.clock.run_for(PING_INTERVAL)
    assert watch.looks == []
    assert watch.sockets == 1
    for _ in range((FOUND_WITHIN - PING_INTERVAL) // STEP):
        page.clock.run_for(STEP)
        if watch.tries:
            break
    [(attempt, wait)] = watch.tries
    assert attempt == 1
    return wait


def is_back(page: Page, watch: Watch, stage: Stage) -> None:
    """Wait until the page is connected, has what it missed, and hears what comes."""
    shows(page, "connected")
    expect(page.locator(".message-body")).to_have_text(["Meanwhile"])
    stage.john.post(stage.chat_id, "From now on")
    expect(page.locator(".message-body")).to_have_text(["Meanwhile", "From now on"])
    assert watch.most == 1


def test_a_server_that_hangs(enter: Opener, stage: Stage, server: Server) -> None:
    page, watch = watched(enter, server, stage)
    server.send_signal(signal.SIGSTOP)
    try:
        wait = is_found(page, watch)
        attempt, wait = try_after(page, lambda: page.clock.run_for(wait + 10_001))  # its handshake hangs as well
        assert attempt == 2
        shows(page, "connecting")
    finally:
        server.send_signal(signal.SIGCONT)
    stage.john.post(stage.chat_id, "Meanwhile")
    run_out(page, wait)
    is_back(page, watch, stage)


def test_a_line_that_died(enter: Opener, stage: Stage, server: Server, proxy: FreezingProxy) -> None:
    page, watch = watched(enter, server, stage, base_url=proxy.base_url)
    proxy.freeze()
    stage.john.post(stage.chat_id, "Meanwhile")
    wait = is_found(page, watch)
    page.clock.run_for(1000)
    shows(page, "connecting")
    assert watch.codes == []  # the browser itself has not noticed
    proxy.thaw()
    run_out(page, wait - 1000)
    is_back(page, watch, stage)


def test_a_quiet_line_is_not_a_dead_one(enter: Opener, stage: Stage, server: Server) -> None:
    page, watch = watched(enter, server, stage)
    for _ in range(50):
        page.clock.run_for(5_000)
        wait_until(lambda: watch.pongs == watch.pings, 5, "the answer")
    assert watch.pings >= 5
    assert watch.sockets == 1
    assert watch.looks == []


def test_offline_and_back(enter: Opener, stage: Stage, server: Server) -> None:
    page, watch = watched(enter, server, stage)
    page.clock.run_for(5_000)
    page.context.set_offline(True)  # the open socket stays open and is silent, as on a real network
    stage.john.post(stage.chat_id, "Meanwhile")
    _, wait = try_after(page, lambda: page.clock.run_for(4_001), attempt=1)  # it asked, and nobody answered
    page.clock.run_for(1000)
    shows(page, "connecting")
    try_after(page, lambda: run_out(page, wait - 1000), attempt=2)
    page.context.set_offline(False)  # and nobody waits for the rest of the back-off
    is_back(page, watch, stage)
    assert watch.looks == ["connecting", "connected"]


def test_a_night_in_the_bag(enter: Opener, stage: Stage, server: Server, proxy: FreezingProxy) -> None:
    page, watch = watched(enter, server, stage, base_url=proxy.base_url)
    proxy.strand()
    stage.john.post(stage.chat_id, "Meanwhile")
    page.clock.fast_forward(HOUR)
    watch.opens()
    assert watch.sockets == 2
    is_back(page, watch, stage)
    page.clock.run_for(STABLE)
    assert watch.sockets == 2
    assert watch.looks == []  # it was over before anybody could have seen it
    assert watch.spoken == []
    assert watch.toasts == []


def test_a_nap_in_the_back_off(enter: Opener, stage: Stage, server: Server, proxy: FreezingProxy) -> None:
    page, watch = watched(enter, server, stage, base_url=proxy.base_url)
    proxy.freeze()
    wait = is_found(page, watch)
    for attempt in range(2, 8):
        _, wait = try_after(page, functools.partial(page.clock.run_for, wait + 10_001), attempt)
    stage.john.post(stage.chat_id, "Meanwhile")
    proxy.thaw()
    page.clock.fast_forward(wait - 5000)  # the timer that was due in between comes late: the device slept
    is_back(page, watch, stage)


def test_a_tab_that_is_looked_at_again(enter: Opener, stage: Stage, server: Server, proxy: FreezingProxy) -> None:
    page, watch = watched(enter, server, stage, base_url=proxy.base_url)
    page.clock.run_for(5_000)
    proxy.strand()
    stage.john.post(stage.chat_id, "Meanwhile")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.clock.run_for(3_900)
    assert watch.sockets == 1
    _, wait = try_after(page, lambda: page.clock.run_for(101), attempt=1)  # it asked, and nobody answered
    run_out(page, wait)
    watch.opens()
    is_back(page, watch, stage)
    assert watch.sockets == 2


def test_a_first_connection_that_hangs(enter: Opener, stage: Stage, server: Server, proxy: FreezingProxy) -> None:
    page = enter("jane", "/notifications/", base_url=proxy.base_url, outage=True)
    connected(page)
    watch = Watch(page)
    proxy.freeze(UPGRADE)
    page.clock.install()
    page.goto(stage.path)
    expect(page.locator("#ws-status")).to_be_visible()
    hold_clock(page)
    page.clock.run_for(8_000)
    assert page.evaluate("watch.sockets.map(({ readyState }) => readyState)") == [0]
    attempt, wait = try_after(page, lambda: page.clock.run_for(2_001))
    assert attempt == 1
    attempt, wait = try_after(page, lambda: page.clock.run_for(wait + 10_001))
    assert attempt == 2
    shows(page, "connecting")
    assert "connected" not in watch.looks
    proxy.thaw()
    stage.john.post(stage.chat_id, "Meanwhile")
    run_out(page, wait)
    is_back(page, watch, stage)
    assert watch.sockets == 3
    assert watch.toasts == []
