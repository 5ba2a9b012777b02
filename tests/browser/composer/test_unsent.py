"""What was not sent yet: kept for the next tab, shared by all, taken back, and what becomes of it at the sign-out."""

from __future__ import annotations

import re

from playwright.sync_api import Dialog, Page, expect

from tests.browser.chat.test_live import connected, write
from tests.browser.composer.test_outbox import KEPT, keeps, pending
from tests.browser.conftest import Opener, Stage
from tests.browser.support.lines import Line, bodies, box, open_page, saying, settled, visit
from tests.support.processes import Server


def listen(page: Page) -> list[str]:
    """Return the kinds of dialogs that the browser opens from now on; each is answered with yes."""
    kinds: list[str] = []

    def answer(dialog: Dialog) -> None:
        kinds.append(dialog.type)
        dialog.accept()

    page.on("dialog", answer)
    return kinds


def another_tab(line: Line, path: str, *, is_cut: bool = False) -> Line:
    """Open another tab of the same browser."""
    other = Line(line.page.context.new_page())
    other.page.goto(path)
    connected(other.page)
    if is_cut:
        other.cut()
    return other


def test_a_closed_tab_warns_and_the_next_one_sends(enter: Opener, server: Server, stage: Stage) -> None:
    line = visit(enter, server, "john", stage.path)
    john = line.page
    asked = listen(john)
    line.cut()
    write(john, "one")
    write(john, "two")
    pending(john, "one", "two")
    keeps(john, 2)
    # Within Flowra nobody is asked.
    john.locator(".room", has_text="general").click()
    expect(john.locator("#chat-header h1")).to_contain_text("general")
    john.locator(".room", has_text=stage.title).click()
    pending(john, "one", "two")
    assert asked == []
    next_one = john.context.new_page()
    with john.expect_event("close"):
        box(john).click()  # the browser asks for those only who have done something on the page
        john.close(run_before_unload=True)
    assert asked == ["beforeunload"]
    assert bodies(stage) == []
    next_one.goto(stage.path)
    settled(next_one, "one", "two")
    assert bodies(stage) == ["one", "two"]
    keeps(next_one, 0)
    asked = listen(next_one)
    with next_one.expect_event("close"):
        box(next_one).click()
        next_one.close(run_before_unload=True)
    assert asked == []


def test_tabs_share_what_waits(enter: Opener, server: Server, stage: Stage) -> None:
    offline = visit(enter, server, "john", stage.path)
    other = another_tab(offline, stage.path, is_cut=True)
    offline.cut()
    write(offline.page, "from the one")
    pending(other.page, "from the one")
    write(other.page, "from the other")
    pending(offline.page, "from the one", "from the other")
    saying(other.page, "from the one").get_by_role("button", name="Discard").click()
    pending(offline.page, "from the other")
    write(offline.page, "last")
    # One of them is connected again: it sends for both, and the other hears of it without a connection.
    other.mend()
    for page in (other.page, offline.page):
        settled(page, "from the other", "last")
    assert bodies(stage) == ["from the other", "last"]
    assert offline.frames("chat.message.post") == []
    offline.mend()
    settled(offline.page, "from the other", "last")
    # A tab that is closed while it sends hands over.
    other.cut()
    offline.passes_up = lambda frame: frame["type"] != "chat.message.post"
    write(offline.page, "handed over")
    offline.wait_for_frames("chat.message.post", 1)
    offline.page.close()
    pending(other.page, "handed over")
    other.mend()
    settled(other.page, "from the other", "last", "handed over")
    assert other.frames("chat.message.post")[-1]["client_id"] == offline.frames("chat.message.post")[0]["client_id"]
    assert bodies(stage) == ["from the other", "last", "handed over"]


def test_what_waits_is_taken_back_but_not_what_is_on_its_way(enter: Opener, server: Server, stage: Stage) -> None:
    stage.jane.post(stage.chat_id, "A question?")
    line = visit(enter, server, "john", stage.path)
    john = line.page
    line.cut()
    saying(john, "A question?").hover()
    saying(john, "A question?").locator("[data-action=reply]").click()
    write(john, "an answr")
    write(john, "another")
    john.reload()
    pending(john, "an answr", "another")
    box(john).fill("begun")
    saying(john, "an answr").get_by_role("button", name="Edit").click()
    expect(box(john)).to_have_value("an answr\n\nbegun")
    expect(box(john)).to_be_focused()
    expect(john.locator("#reply-bar")).to_contain_text("A question?")
    saying(john, "another").get_by_role("button", name="Discard").click()
    pending(john)
    keeps(john, 0)
    write(john, "an answer")
    pending(john, "an answer")
    # Sent, and nobody knows what became of it.
    line.passes_up = lambda frame: frame["type"] != "chat.message.post"
    line.mend()
    line.wait_for_frames("chat.message.post", 1)
    expect(saying(john, "an answer").locator(".message-note")).to_have_text("Sending…")
    expect(saying(john, "an answer").get_by_role("button")).to_have_count(0)
    line.cut()
    pending(john, "an answer")
    expect(saying(john, "an answer").get_by_role("button")).to_have_count(0)
    line.passes_up = lambda frame: True
    line.mend()
    settled(john, "A question?", "an answer")
    expect(saying(john, "an answer").last.locator(".message-reply")).to_contain_text("A question?")
    assert bodies(stage) == ["A question?", "an answer"]


def test_signing_out_asks_and_then_forgets(enter: Opener, stage: Stage) -> None:
    john = enter("john", "/notifications/", outage=True)  # a session of its own, which will end
    line = Line(john)
    john.goto(stage.path)
    connected(john)
    line.cut()
    write(john, "one")
    write(john, "two")
    box(john).fill("begun")
    keeps(john, 2)
    for path in (stage.path, "/accounts/profile/"):
        john.goto(path)
        john.locator("#user-menu > summary").click()
        john.get_by_role("button", name="Sign out").first.click()
        question = john.locator("#sign-out-dialog")
        expect(question).to_contain_text("2 messages were not sent yet.")
        question.get_by_role("button", name="Cancel").click()
        expect(question).to_be_hidden()
    keeps(john, 2)
    john.locator("#user-menu > summary").click()
    john.locator("#sign-out button").click()
    question.get_by_role("button", name="Sign out").click()
    john.wait_for_url(re.compile("/accounts/login/"))
    keeps(john, 0)
    assert "begun" not in john.evaluate("JSON.stringify({...localStorage})")


def test_an_expired_session_keeps_it_and_nobody_else_sends_it(enter: Opener, server: Server, stage: Stage) -> None:
    line = visit(enter, server, "john", stage.path)
    john = line.page
    line.cut()
    write(john, "only from John")
    keeps(john, 1)
    # Jane's session takes the place of his in this browser, and his page gets a connection: hers.
    jane = visit(enter, server, "jane", stage.path).page
    his = john.context.cookies()
    john.context.clear_cookies()
    john.context.add_cookies(jane.context.cookies())  # type: ignore[arg-type]
    reloaded: list[str] = []
    john.on("framenavigated", lambda frame: reloaded.append(frame.url))
    line.mend()
    line.wait_for(lambda: reloaded)
    connected(john)
    expect(john.locator(".message")).to_have_count(0)
    assert line.frames("chat.message.post") == []
    assert bodies(stage) == []
    john.context.clear_cookies()
    john.context.add_cookies(his)  # type: ignore[arg-type]


def test_removed_from_the_chat_the_text_stays_within_reach(enter: Opener, server: Server, stage: Stage) -> None:
    line = visit(enter, server, "bob", stage.path, permissions=["clipboard-read", "clipboard-write"])
    bob = line.page
    line.cut()
    write(bob, "A long thought")
    stage.john.call("DELETE", f"/chats/{stage.chat_id}/members/{stage.bob.id}")
    line.mend()
    failed = bob.locator(".message[data-status=failed]")
    expect(failed.locator(".message-body")).to_have_text("A long thought")
    expect(failed.get_by_role("button", name="Edit")).to_have_count(0)  # there is no box to put it into
    bob.goto("/notifications/")
    bob.locator(".toast", has_text="A message in another chat was not sent.").get_by_role("link", name="Show").click()
    dialog = bob.locator("#unsent-dialog")
    expect(dialog.locator("textarea")).to_have_value("A long thought")
    dialog.get_by_role("button", name="Copy").click()
    expect(dialog.get_by_role("button", name="Copied")).to_be_visible()
    assert bob.evaluate("navigator.clipboard.readText()") == "A long thought"
    dialog.get_by_role("button", name="Discard").click()
    expect(dialog).to_be_hidden()
    assert bob.evaluate(KEPT) == []


BLOCK = "Object.defineProperty(window, 'indexedDB', {value: {open() { throw new Error('blocked'); }}});"


def test_where_nothing_can_be_kept_it_is_said_and_the_tab_asks(enter: Opener, server: Server, stage: Stage) -> None:
    page = open_page(enter, server, "john", "about:blank")
    page.add_init_script(BLOCK)
    page.add_init_script("Storage.prototype.setItem = () => { throw new Error('full'); };")
    line = Line(page)
    page.goto(stage.path)
    connected(page)
    asked = listen(page)
    line.cut()
    write(page, "only here")
    pending(page, "only here")
    expect(page.locator(".toast", has_text="This browser cannot store unsent messages.")).to_be_visible()
    page.locator(".room", has_text="general").click()
    expect(page.locator("#chat-header h1")).to_contain_text("general")
    assert asked == []  # the page stays, and with it the message
    page.goto("/notifications/")
    assert asked == ["beforeunload"]
