"""What operators say, on the page."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Opener, Stage
from tests.processes import Server


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
