"""The page with the keyboard alone: few stops, arrows in lists, keys on messages, and letters that find their box."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.chat.test_live import connected
from tests.browser.conftest import Opener, Stage
from tests.browser.support.lines import box

CHATS, MESSAGES = 200, 100
MOST_STOPS = 60
# Where Tab has led to: the element's id or classes.
FOCUSED = "() => document.activeElement.id || document.activeElement.className || document.activeElement.tagName"

PASTE = """
(words) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", words);
  document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
}
"""


def focused_message(page: Page) -> Locator:
    """Return the message that has the focus itself."""
    return page.locator(".message:focus")


def press(page: Page, *keys: str) -> None:
    """Press keys one after the other, wherever the focus is."""
    for key in keys:
        page.keyboard.press(key)


def test_few_stops_lead_to_the_box_however_much_there_is(enter: Opener, stage: Stage) -> None:
    workspace = stage.john.call("POST", "/workspaces", {"name": f"Large {stage.title}"})["id"]
    chats = [
        stage.john.call(
            "POST", "/chats", {"workspace_id": workspace, "kind": "discussion", "title": f"Chat {number:03}"}
        )
        for number in range(CHATS)
    ]
    for number in range(MESSAGES):
        stage.john.post(chats[0]["id"], f"See https://example.org/{number} and [more](https://example.org/more).")
    john = connected(enter("john", f"/chats/{chats[0]['id']}/"))
    expect(john.locator("#sidebar .room")).to_have_count(CHATS)
    john.evaluate("document.activeElement.blur()")
    stops: list[str] = []
    while not stops or stops[-1] != "composer-body":
        assert len(stops) < MOST_STOPS, stops
        press(john, "Tab")
        stops.append(john.evaluate(FOCUSED))
    assert sum(stop.startswith("message") for stop in stops) == 1, stops
    assert sum(re.match(r"room\b", stop) is not None for stop in stops) == 1, stops
    # In the list of chats: from the open one down, to the end, to the first, and into it.
    rooms = john.locator("#sidebar .room")
    rooms.first.focus()
    press(john, "ArrowDown")
    expect(rooms.nth(1)).to_be_focused()
    press(john, "End")
    expect(rooms.last).to_be_focused()
    press(john, "Home", "ArrowDown", "Enter")
    expect(john.locator("#chat-header h1")).to_have_text("Chat 001")


def test_messages_are_walked_and_acted_on_with_keys(enter: Opener, stage: Stage) -> None:
    for number in range(1, 31):
        (stage.john, stage.jane)[number % 2].post(stage.chat_id, f"Number {number} at https://example.org/{number}")
    john = connected(enter("john", stage.path))
    here = focused_message(john)
    expect(box(john)).to_be_focused()
    press(john, "Shift+Tab")
    expect(here).to_have_attribute("data-seq", "30")
    expect(here).to_have_attribute(
        "aria-label", re.compile(r"^John Smith, \d\d:\d\d, Number 30 at https://example\.org/30$")
    )
    press(john, "ArrowUp", "ArrowUp", "ArrowDown")
    expect(here).to_have_attribute("data-seq", "29")
    expect(john.locator(".message[aria-label]")).to_have_count(1)
    press(john, "Home")
    expect(here).to_have_attribute("data-seq", "1")
    expect(here).to_be_in_viewport(ratio=1)
    press(john, "PageDown")
    assert 2 < int(here.get_attribute("data-seq") or 0) < 30
    press(john, "End")
    expect(here).to_have_attribute("data-seq", "30")
    # Into a message and out of it.
    press(john, "Enter")
    expect(john.locator(".message[data-seq='30'] .message-time")).to_be_focused()
    press(john, "ArrowRight")
    expect(john.locator(".message[data-seq='30'] .message-body a")).to_be_focused()
    press(john, "Tab")
    expect(john.locator(".message[data-seq='30'] [data-action=reply]")).to_be_focused()
    press(john, "Escape")
    expect(here).to_have_attribute("data-seq", "30")
    # E on one's own, and back; on somebody else's nothing. Delete asks. R replies.
    press(john, "e")
    expect(john.get_by_label("Edit message")).to_be_focused()
    john.keyboard.type("er ")
    press(john, "Enter")
    expect(john.locator(".message[data-seq='30'] .message-body")).to_contain_text("https://example.org/30er")
    expect(here).to_have_attribute("data-seq", "30")
    press(john, "ArrowUp", "e", "+")
    expect(john.locator(".edit-box")).to_have_count(0)
    expect(box(john)).to_have_value("")
    press(john, "ArrowDown", "Delete")
    expect(john.locator("#confirm-dialog")).to_be_visible()
    press(john, "Tab", "Enter")
    expect(john.locator(".message.deleted")).to_have_count(1)
    expect(here).to_have_attribute("data-seq", "30")
    press(john, "ArrowUp", "r")
    expect(john.locator("#reply-bar")).to_contain_text("Number 29")
    expect(box(john)).to_be_focused()
    john.keyboard.type("really +1")
    press(john, "Enter")
    expect(john.locator(".message[data-seq='31'] .message-reply")).to_contain_text("Number 29")
    press(john, "Shift+Tab", "Escape")
    expect(box(john)).to_be_focused()


def test_the_focus_stays_where_messages_go(enter: Opener, stage: Stage) -> None:
    for number in range(1, 41):
        stage.jane.post(stage.chat_id, f"Number {number}")
    john = connected(enter("john", stage.path))
    here = focused_message(john)
    john.locator(".message[data-seq='20']").focus()
    # Its neighbours are taken out, and it with them.
    john.evaluate("for (const node of [...document.querySelectorAll('.message')].slice(0, 20)) node.remove()")
    expect(here).to_have_attribute("data-seq", "21")
    # The whole list is put in anew, as after a reset.
    john.evaluate("const list = document.getElementById('messages'); list.innerHTML = list.innerHTML")
    expect(here).to_have_attribute("data-seq", "21")
    press(john, "ArrowDown")
    expect(here).to_have_attribute("data-seq", "22")
    # Whoever has left the list is not taken back into it.
    box(john).focus()
    john.evaluate("document.querySelector('.message[data-seq=\"22\"]').remove()")
    expect(box(john)).to_be_focused()


def test_letters_outside_a_field_go_to_the_box(enter: Opener, stage: Stage) -> None:
    stage.jane.post(stage.chat_id, "Read me")
    john = connected(enter("john", stage.path))
    john.locator(".message[data-seq='1'] .message-body").click()
    john.keyboard.type("Really? Yes.")  # the message was clicked, not walked to
    expect(box(john)).to_have_value("Really? Yes.")
    expect(john.locator("#reply-bar")).to_be_hidden()
    for blur in ("document.activeElement.blur()", "document.querySelector('#bell > summary').focus()"):
        box(john).fill("")
        john.evaluate(blur)
        press(john, "Control+ArrowLeft", "Shift+X")
        john.keyboard.type("yz")
        expect(box(john)).to_have_value("Xyz")
    # Pasted outside a field.
    john.evaluate("document.activeElement.blur()")
    john.evaluate(PASTE, " pasted")
    expect(box(john)).to_have_value("Xyz pasted")
    # Not while something lies over the page, and what keys do elsewhere stays.
    john.locator("#bell > summary").press("Space")
    expect(john.locator("#bell")).to_have_attribute("open", "")
    press(john, "q", "Escape")
    john.evaluate("document.activeElement.blur()")
    press(john, "?")
    expect(john.locator("#help-dialog")).to_contain_text("Outside a field")
    press(john, "q", "Escape")
    john.locator("#jump-opener").press("q")
    expect(john.locator("#jump-input")).to_have_value("q")
    press(john, "Escape")
    expect(box(john)).to_have_value("Xyz pasted")
