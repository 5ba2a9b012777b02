"""What was typed and not sent: with what it answers, in all tabs of a browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.chat.test_live import connected
from tests.browser.conftest import Opener, Stage
from tests.browser.support.lines import bodies, box, open_page, saying, settled, stored
from tests.support.processes import Server


def begin_reply(page: Page, text: str) -> None:
    """Click "Reply" on a message."""
    message = saying(page, text).first  # others quote it
    message.hover()
    message.locator("[data-action=reply]").click()
    expect(page.locator("#reply-bar")).to_contain_text(text)


def go_and_come_back(page: Page, stage: Stage) -> None:
    """Switch to another chat and back."""
    page.locator(".room", has_text="general").click()
    expect(page.locator("#chat-header h1")).to_contain_text("general")
    expect(box(page)).to_have_value("")
    expect(page.locator("#reply-bar")).to_be_hidden()
    page.locator(".room", has_text=stage.title).click()
    expect(page.locator("#chat-header h1")).to_contain_text(stage.title)


def test_a_draft_keeps_what_it_answers(enter: Opener, server: Server, stage: Stage) -> None:
    question = stage.jane.post(stage.chat_id, "A question?")
    gone = stage.jane.post(stage.chat_id, "Never mind.")
    page = connected(open_page(enter, server, "john", stage.path))
    begin_reply(page, "A question?")
    box(page).press_sequentially("An answer")
    go_and_come_back(page, stage)
    expect(box(page)).to_have_value("An answer")
    expect(page.locator("#reply-bar")).to_contain_text("Jane Doe: A question?")
    box(page).press("Enter")
    settled(page, "A question?", "Never mind.", "An answer")
    assert stored(stage)[-1]["reply_to"] == question["id"]
    # What it answers is deleted meanwhile: the text stays.
    begin_reply(page, "Never mind.")
    box(page).press_sequentially("But")
    page.locator(".room", has_text="general").click()
    expect(page.locator("#chat-header h1")).to_contain_text("general")
    stage.jane.call("DELETE", f"/chats/{stage.chat_id}/messages/{gone['id']}")
    page.goto(stage.path)
    expect(page.locator("#reply-bar")).to_be_hidden()
    expect(box(page)).to_have_value("But")
    # The same while one looks.
    begin_reply(page, "A question?")
    stage.jane.call("DELETE", f"/chats/{stage.chat_id}/messages/{question['id']}")
    expect(page.locator("#reply-bar")).to_be_hidden()
    expect(box(page)).to_have_value("But")
    box(page).press("Enter")
    expect(saying(page, "But")).to_have_attribute("data-seq", "4")
    assert stored(stage)[-1]["reply_to"] is None


def test_a_chat_has_one_draft_over_all_tabs(enter: Opener, server: Server, stage: Stage) -> None:
    one = connected(open_page(enter, server, "john", stage.path))
    other = one.context.new_page()
    other.goto(stage.path)
    connected(other)
    box(one).press_sequentially("Typed here")
    expect(box(other)).to_have_value("Typed here")
    # Typed on there; here it stays as it is.
    box(other).press_sequentially(", and there")
    one.wait_for_timeout(0)
    expect(box(one)).to_have_value("Typed here")
    box(one).press_sequentially("!")
    expect(box(other)).to_have_value("Typed here, and there")
    box(other).press("Enter")
    settled(one, "Typed here, and there")
    expect(box(one)).to_have_value("Typed here!")
    expect(box(other)).to_have_value("")
    one.reload()
    expect(box(one)).to_have_value("Typed here!")
    box(one).press("Enter")
    settled(other, "Typed here, and there", "Typed here!")
    assert one.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('flowra.draft.'))") == []
    # Sent from the tab that followed, it is gone in the one where it was typed.
    box(one).press_sequentially("Shared")
    expect(box(other)).to_have_value("Shared")
    box(other).press("Enter")
    expect(box(one)).to_have_value("")
    settled(one, "Typed here, and there", "Typed here!", "Shared")
    assert bodies(stage) == ["Typed here, and there", "Typed here!", "Shared"]
