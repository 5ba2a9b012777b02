"""What is said in the corner of the page."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.chat.test_live import connected
from tests.browser.conftest import Opener, Stage
from tests.browser.support.lines import visit
from tests.support.processes import Server


def test_a_broadcast_is_a_toast_on_any_page_with_nothing_in_it_taken_for_html(
    server: Server, enter: Opener, stage: Stage
) -> None:
    pages = [enter("jane", stage.path), enter("bob", "/notifications/")]
    for page in pages:
        expect(page.locator("#ws-status")).to_have_attribute("data-state", "connected")
    words = '<img src=x onerror="alert(1)"> We restart at noon.'
    server.manage("broadcast", words, "--level", "warning")
    for page in pages:
        toast = page.locator(".toast[data-level=warning]")
        expect(toast.locator("p")).to_have_text(words)
        expect(toast).to_have_attribute("role", "status")
        expect(toast.locator("img")).to_have_count(0)


def test_a_server_that_is_away_is_told_once_and_no_more_when_it_is_back(
    server: Server, enter: Opener, stage: Stage
) -> None:
    line = visit(enter, server, "john", stage.path)
    john = line.page
    line.cut()
    john.route("**/chats/new/", lambda route: route.abort("connectionrefused"))
    away = john.locator(".toast[data-level=error]", has_text="The server cannot be reached.")
    for _ in range(3):
        with john.expect_event("requestfailed"):
            john.get_by_role("link", name="New chat").click()
    expect(away).to_have_count(1)
    line.mend()
    connected(john)
    expect(away).to_have_count(0)


def test_a_toast_waits_until_pointer_and_focus_have_both_left(enter: Opener, stage: Stage) -> None:
    jane = enter("jane", "/notifications/")
    jane.clock.install()
    jane.reload()
    connected(jane)
    stage.john.post(stage.chat_id, "@jane look")
    toast = jane.locator(".toast")
    expect(toast).to_be_visible()
    toast.hover()
    jane.locator(".toast button").focus()
    jane.mouse.move(5, 5)
    jane.clock.run_for(7000)
    expect(toast).to_be_visible()
    toast.hover()
    jane.locator("#jump-opener").focus()
    jane.clock.run_for(7000)
    expect(toast).to_be_visible()
    jane.mouse.move(5, 5)
    jane.clock.run_for(7000)
    expect(toast).to_have_count(0)
