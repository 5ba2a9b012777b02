"""Where the focus is, and what is said, after what keys and clicks do: nobody is left at the top of the page."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.chat.test_live import connected, write
from tests.browser.chat.test_page import fill, scroll_up
from tests.browser.conftest import Opener, Stage
from tests.browser.support.lines import visit
from tests.support.processes import Server


def test_a_dialog_from_a_menu_gives_the_focus_back_to_the_menu(enter: Opener, stage: Stage) -> None:
    john = connected(enter("john", stage.path))
    opener = john.locator("#chat-menu > summary")
    opener.press("Enter")
    john.get_by_role("link", name="Rename", exact=True).press("Enter")
    expect(john.get_by_label("Title")).to_be_focused()
    john.keyboard.press("Escape")
    expect(john.locator("#dialog")).to_be_hidden()
    expect(opener).to_be_focused()
    account = john.locator("#user-menu > summary")
    account.press("Enter")
    john.get_by_role("button", name="Keyboard shortcuts").press("Enter")
    expect(john.locator("#help-dialog")).to_be_visible()
    john.keyboard.press("Escape")
    expect(account).to_be_focused()


def test_whoever_deletes_a_message_with_keys_stays_at_its_place(enter: Opener, stage: Stage) -> None:
    john = connected(enter("john", stage.path))
    write(john, "Forget this")
    write(john, "Keep this")
    first = john.locator(".message[data-seq='1']")
    first.get_by_role("link", name="Delete").press("Enter")
    john.get_by_role("button", name="Delete").press("Enter")
    expect(john.locator(".message.deleted")).to_have_count(1)
    expect(first).to_be_focused()


def test_escape_ends_editing_from_its_buttons_too(enter: Opener, stage: Stage) -> None:
    john = connected(enter("john", stage.path))
    write(john, "As it was")
    expect(john.locator(".message[data-seq='1']")).to_be_visible()
    john.locator("textarea[name=body]").press("ArrowUp")
    john.get_by_label("Edit message").fill("Otherwise")
    john.locator(".edit-box").get_by_role("button", name="Cancel").press("Escape")
    expect(john.locator(".edit-box")).to_have_count(0)
    expect(john.locator("textarea[name=body]")).to_be_focused()
    expect(john.locator(".message-body")).to_have_text("As it was")


def test_the_jump_box_says_what_enter_would_open_and_closes_with_one_escape(enter: Opener, stage: Stage) -> None:
    john = connected(enter("john", stage.path))
    said = john.locator("#quick-switcher [role=status]")
    john.keyboard.press("Control+k")
    john.keyboard.type("re")  # Realtime that can be trusted, releases
    expect(john.locator("#jump-results h2").first).to_have_text("Chats")  # what was found, no more what is recent
    john.keyboard.press("ArrowDown")
    first, second = john.locator("#jump-results .jump-item").locator(".grow").all_text_contents()[:2]
    assert first != second
    expect(said).to_have_text(re.compile(rf"(^| ){re.escape(second)}$"))
    john.locator("#jump-input").fill("nothing like it")
    expect(said).to_have_text("Nothing found for “nothing like it”.")
    john.keyboard.press("Escape")
    expect(john.locator("#quick-switcher")).to_be_hidden()
    expect(john.locator("textarea[name=body]")).to_be_focused()


def test_a_quote_leads_to_its_message_without_loading_the_page_anew(enter: Opener, stage: Stage) -> None:
    asked = stage.jane.post(stage.chat_id, "Who takes the release?")
    fill(stage, 30)
    stage.jane.post(stage.chat_id, "Well?", reply_to=asked["id"])
    john = connected(enter("john", stage.path))
    expect(john.locator("#message-1")).not_to_be_in_viewport()
    john.evaluate("window.isSame = true")
    john.locator(".message-reply:visible").click()
    expect(john.locator("#message-1")).to_be_in_viewport()
    expect(john.locator("#message-1")).to_be_focused()
    assert john.evaluate("window.isSame")
    assert john.url.endswith(f"{stage.path}?at=1#message-1")  # "back" leads to the answer


# What a log says: what is added to it, except where it is told to be silent.
LISTEN = """
window.said = [];
new MutationObserver((changes) => {
  for (const { target, addedNodes } of changes) {
    if ((target.nodeType === 1 ? target : target.parentElement).closest("[aria-live]").ariaLive === "off") continue;
    if (changes.some(({ addedNodes: others }) => [...others].some((other) => other.contains(target)))) continue;
    for (const { textContent } of addedNodes) window.said.push(textContent.replace(/\\s+/g, " ").trim());
  }
}).observe(document.getElementById("messages"), { childList: true, subtree: true });
"""


def test_nothing_is_said_twice(enter: Opener, server: Server, stage: Stage) -> None:
    stage.jane.post(stage.chat_id, "Before")
    line = visit(enter, server, "john", stage.path)
    john = line.page
    expect(john.locator(".message[data-seq='1']")).to_be_visible()
    john.evaluate(LISTEN)
    line.cut()
    write(john, "Once")
    expect(john.locator(".message[data-status=pending]")).to_contain_text("Waiting for the connection")
    for _ in range(2):
        with john.expect_console_message(lambda message: message.text.startswith("WS reconnect attempt")):
            john.locator("#ws-status").click()
    line.mend()
    expect(john.locator(".message[data-seq='2']")).to_be_visible()
    stage.jane.post(stage.chat_id, "News")
    expect(john.locator(".message", has_text="News")).to_be_visible()
    said = john.evaluate("window.said")
    for words in ("Once", "Waiting for the connection", "News"):
        assert sum(words in one for one in said) == 1, said
    assert not any(one in ("Today", "New", "Before") for one in said), said


def test_an_older_stretch_has_one_way_to_the_latest(enter: Opener, stage: Stage) -> None:
    fill(stage, 120)
    john = connected(enter("john", f"{stage.path}?at=20#message-20"))
    scroll_up(john, 200)
    expect(john.locator(".jump-latest")).to_have_count(1)
    expect(john.locator("#jump-latest")).to_be_visible()
