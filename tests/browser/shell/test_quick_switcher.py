"""Ctrl+K: back to the chat before, at once; people and chats open within the page."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.chat.test_live import connected
from tests.browser.conftest import Caller, Opener, Stage, new_stage


def test_the_quick_switcher_goes_back_and_opens_people(enter: Opener, stage: Stage, callers: dict[str, Caller]) -> None:
    other = new_stage(callers)
    john = connected(enter("john", stage.path))
    john.evaluate("window.isSame = true")
    heading = john.locator("#chat-header h1")
    john.keyboard.press("Control+k")
    john.keyboard.type(other.title.split()[1])
    john.keyboard.press("Enter")  # what the page knows is offered before the server has answered
    expect(heading).to_contain_text(other.title)
    for title in (stage.title, other.title):
        john.keyboard.press("Control+k")
        expect(john.locator("#quick-switcher")).to_be_visible()
        expect(john.locator("#jump-results .jump-item.active")).to_contain_text(title)
        john.keyboard.press("Enter")
        expect(heading).to_contain_text(title)
        expect(john.locator("#quick-switcher")).to_be_hidden()
    stage.jane.post(stage.chat_id, "@john unread")
    expect(john.locator(f".room[data-chat-id='{stage.chat_id}'] .count")).to_contain_text("@ 1")
    john.keyboard.press("Control+k")
    expect(john.locator("#jump-results .jump-item.active .count.mentions")).to_contain_text("@ 1")
    john.keyboard.type("ortíz")
    john.keyboard.press("Enter")  # and Enter waits for the answer where the page knows nobody
    expect(heading).to_have_text("Maria Ortiz")
    assert john.evaluate("window.isSame")
