"""The page with the keyboard alone: few stops, arrows in lists, keys on messages, and letters that find their box."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.chat.test_live import connected
from tests.browser.conftest import Caller, Opener, Stage, new_stage
from tests.browser.support.lines import box

CHATS, MESSAGES = 200, 100
MOST_STOPS = 60
# Where Tab has led to: the element's id or classes.
FOCUSED = "() => document.activeElement.id || document.activeElement.className || document.activeElement.tagName"

CONTROLS = {"button", "link", "textbox", "searchbox", "checkbox", "radio", "combobox", "menuitem", "DisclosureTriangle"}
LANDMARKS = """
- banner
- navigation "Chats"
- main:
  - heading /{title}/ [level=1]
  - region "Conversation":
    - log "Messages":
      - article
      - article
  - textbox "Message {title}"
"""
FURTHER_DOWN = "(room) => document.activeElement.compareDocumentPosition(room) & Node.DOCUMENT_POSITION_FOLLOWING"
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


def names_of(page: Page, role: str) -> list[str]:
    """Return the names of everything with a role, as the browser tells a screen reader."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    shown = [node for node in nodes if not node["ignored"] and node["role"]["value"] == role]
    return [
        node.get("name", {}).get("value", "")
        for node in shown
        if role != "article" or node.get("name", {}).get("value")
    ]


def time_of(page: Page, seq: int) -> str:
    """Return the time that stands on a message."""
    return page.locator(f".message[data-seq='{seq}'] .message-time").inner_text()


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
    assert sum(re.match(r"room( |$)", stop) is not None for stop in stops) == 1, stops
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
    asked = stage.jane.post(stage.chat_id, "Read me")
    john = connected(enter("john", stage.path))
    john.locator(".message[data-seq='1'] .message-body").click()
    john.keyboard.type("Really? Yes.")  # the message was clicked, not walked to
    expect(box(john)).to_have_value("Really? Yes.")
    expect(john.locator("#reply-bar")).to_be_hidden()
    # So was the quote that led to it.
    stage.jane.post(stage.chat_id, "An answer", reply_to=asked["id"])
    box(john).fill("")
    john.locator(".message-reply:visible").click()
    expect(focused_message(john)).to_have_attribute("data-seq", "1")
    john.keyboard.type("Eh? Read!")
    expect(box(john)).to_have_value("Eh? Read!")
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


def test_a_day_without_a_mouse(enter: Opener, stage: Stage, callers: dict[str, Caller]) -> None:
    other = new_stage(callers)
    for number in range(1, 4):
        stage.jane.post(stage.chat_id, f"Asked {number} of {stage.title}")
    other.jane.post(other.chat_id, f"A needle of {other.title}")
    john = connected(enter("john", "/"))
    john.evaluate("window.isSamePage = true")
    title = john.locator("#chat-header h1")
    # Open, read, answer.
    press(john, "Control+k")
    john.keyboard.type(stage.title)
    expect(john.locator("#jump-results .jump-item.active")).to_contain_text(stage.title)
    press(john, "Enter")
    expect(title).to_contain_text(stage.title)
    expect(box(john)).to_be_focused()
    press(john, "Shift+Tab", "ArrowUp", "r")
    expect(john.locator("#reply-bar")).to_contain_text("Asked 2")
    john.keyboard.type("Answered")
    press(john, "Enter")
    expect(john.locator(".message.own[data-seq='4'] .message-reply")).to_contain_text("Asked 2")
    # Change what was written, then take it away.
    press(john, "ArrowUp")
    john.keyboard.type(" better")
    press(john, "Enter")
    expect(john.locator(".message.own .message-body")).to_have_text("Answered better")
    press(john, "Shift+Tab", "Delete")
    expect(john.locator("#confirm-dialog")).to_be_visible()
    press(john, "Tab", "Enter")
    expect(john.locator(".message.deleted")).to_have_count(1)
    # Another chat by the list, and back.
    press(john, "Escape")
    room = john.locator(f"#sidebar .room[data-chat-id='{other.chat_id}']")
    for _ in range(MOST_STOPS):
        if john.evaluate("document.activeElement.matches('.room')"):
            break
        press(john, "Shift+Tab")
    for _ in range(john.locator("#sidebar .room").count()):
        if room.evaluate("room => room === document.activeElement"):
            break
        press(john, "ArrowDown" if room.evaluate(FURTHER_DOWN) else "ArrowUp")
    press(john, "Enter")
    expect(title).to_contain_text(other.title)
    expect(box(john)).to_be_focused()
    # Find what was said, wherever one is.
    press(john, "Alt+ArrowUp")
    expect(title).not_to_contain_text(other.title)
    press(john, "Control+k")
    john.keyboard.type(f"needle {other.title}")
    expect(john.locator("#jump-results .jump-item.active")).to_contain_text("A needle")
    press(john, "Enter")
    expect(title).to_contain_text(other.title)
    expect(john.locator(".message", has_text="A needle")).to_be_in_viewport()
    john.keyboard.type("Found")
    expect(box(john)).to_have_value("Found")
    assert john.evaluate("window.isSamePage")


def test_a_screen_reader_finds_names_everywhere(enter: Opener, stage: Stage) -> None:
    first = stage.jane.post(stage.chat_id, "Shall we? https://example.org/yes")
    stage.john.post(stage.chat_id, "Yes", reply_to=first["id"])
    john = connected(enter("john", stage.path))
    expect(john.locator("body")).to_match_aria_snapshot(LANDMARKS.format(title=stage.title))
    press(john, "Shift+Tab")
    assert names_of(john, "article") == [f"John Smith, {time_of(john, 2)}, Replying to Jane Doe, Yes"]
    unnamed: list[str] = []
    for prepare in ("Escape", "Control+k", "?"):
        press(john, prepare)
        unnamed += [f"{prepare}: {role}" for role in sorted(CONTROLS) for name in names_of(john, role) if not name]
        press(john, "Escape")
        john.evaluate("document.activeElement.blur()")
    assert unnamed == []
