"""A click on a chat shows it within the page; back, forward, reload and new tabs are what they are elsewhere."""

from __future__ import annotations

import re

from playwright.sync_api import Page, Route, expect

from tests.browser.chat.test_live import connected
from tests.browser.conftest import Caller, Opener, Stage, new_stage
from tests.browser.navigation.switching import Costs, frames_sent, go_to, room, shows
from tests.support.processes import wait_until

PLACE = "document.getElementById('timeline').scrollTop"


def fill(stage: Stage, count: int = 60) -> None:
    """Post so much that the chat scrolls, and have jane read it."""
    for number in range(count):
        last = stage.john.post(stage.chat_id, f"Line {number} of {stage.title}")
    stage.jane.call("POST", f"/chats/{stage.chat_id}/read", {"seq": last["seq"]})


def scroll_up(page: Page, by: int) -> int:
    """Scroll the conversation to `by` px above its end; returns the first message in sight."""
    page.evaluate(f"document.getElementById('timeline').scrollTop = -{by}")
    return first_seen(page)


def first_seen(page: Page) -> int:
    """Return the `seq` of the first message in sight."""
    seq: int = page.evaluate(
        """() => {
          const { top } = document.getElementById("timeline").getBoundingClientRect();
          const nodes = [...document.querySelectorAll("#messages > .message")];
          return Number(nodes.find((node) => node.getBoundingClientRect().bottom > top).dataset.seq);
        }"""
    )
    return seq


def test_a_new_chat_is_one_request_and_a_recent_one_none(
    enter: Opener, stage: Stage, callers: dict[str, Caller]
) -> None:
    other = new_stage(callers)
    jane = enter("jane")
    sent = frames_sent(jane)
    jane.goto(stage.path)
    connected(jane)
    jane.evaluate("document.getElementById('sidebar').scrollTop = 40")
    costs = Costs(jane)
    jane.locator("#composer-body").press_sequentially("Begun")
    go_to(jane, other)
    typed = [frame["is_typing"] for frame in sent if frame["type"] == "chat.typing"]
    assert typed == [True, False]  # the others see that nobody types there any more
    expect(jane.locator("#composer-body")).to_be_focused()
    assert costs.take() == [other.path]
    jane.locator("#composer-body").fill("A draft")
    other.john.post(other.chat_id, "Seen at once")
    expect(jane.locator(".message", has_text="Seen at once")).to_be_visible()
    go_to(jane, stage)
    other.john.post(other.chat_id, "Said meanwhile")
    expect(room(jane, other)).to_have_class(re.compile("unread"))
    room(jane, other).scroll_into_view_if_needed()  # as a click does
    place = jane.evaluate("document.getElementById('sidebar').scrollTop")
    go_to(jane, other)
    expect(jane.locator("#composer-body")).to_have_value("A draft")
    expect(jane.locator(".message", has_text="Said meanwhile")).to_have_count(1)
    expect(jane.locator(".message", has_text="Seen at once")).to_have_count(1)
    expect(room(jane, other)).not_to_have_class(re.compile("unread"))
    assert costs.take() == []
    assert costs.sockets == []
    assert jane.evaluate("document.getElementById('sidebar').scrollTop") == place
    followed = [(frame["chat_id"], frame.get("background", False)) for frame in sent if frame["type"] == "subscribe"]
    assert followed[-2:] == [(stage.chat_id, True), (other.chat_id, False)]


def test_back_forward_and_reload_keep_the_place(enter: Opener, stage: Stage, callers: dict[str, Caller]) -> None:
    other = new_stage(callers)
    fill(stage)
    fill(other, 30)
    jane = enter("jane", stage.path)
    connected(jane)
    costs = Costs(jane)
    seen = scroll_up(jane, 900)
    go_to(jane, other)
    seen_there = scroll_up(jane, 300)
    jane.go_back()
    shows(jane, stage)
    assert first_seen(jane) == seen
    jane.go_forward()
    shows(jane, other)
    assert first_seen(jane) == seen_there
    costs.take()
    jane.reload()
    connected(jane)
    shows(jane, other)
    assert first_seen(jane) == seen_there
    jane.go_back()
    shows(jane, stage)
    assert first_seen(jane) == seen
    jane.goto("/notifications/")
    connected(jane)
    go_to(jane, other)
    jane.go_back()
    expect(jane.locator("#notification-list")).to_be_attached()
    jane.go_back()
    shows(jane, stage)
    assert first_seen(jane) == seen


def test_each_address_of_a_chat_in_the_history_has_its_place(
    enter: Opener, stage: Stage, callers: dict[str, Caller]
) -> None:
    other = new_stage(callers)
    fill(stage, 120)
    jane = enter("jane", other.path)
    connected(jane)
    costs = Costs(jane)
    origin = jane.evaluate("location.origin")
    seen = []
    for seq in (20, 90):
        other.john.post(other.chat_id, f"{origin}{stage.path}#message-{seq}")
        jane.locator(f".message-body a[href$='#message-{seq}']").click()
        expect(jane.locator(f".message[data-seq='{seq}']")).to_be_focused()
        seen.append(first_seen(jane))
        go_to(jane, other)
    assert seen[0] < 20 < seen[1] < 90
    for expected in reversed(seen):
        jane.go_back()
        shows(jane, stage)
        expect(jane.locator(f".message[data-seq='{expected}']")).to_be_visible()
        wait_until(lambda place=expected: first_seen(jane) == place, 5, "the place in the chat")  # type: ignore[misc]
        jane.go_back()
        shows(jane, other)
    costs.take()


def test_a_dialog_on_its_way_does_not_come_up_in_another_chat(
    enter: Opener, stage: Stage, callers: dict[str, Caller]
) -> None:
    other = new_stage(callers)
    other.john.call("POST", f"/chats/{other.chat_id}/close")
    john = enter("john", stage.path)
    connected(john)
    held: list[Route] = []
    path = f"{stage.path}rename/"
    john.route(f"**{path}", lambda route: held.append(route))
    with john.expect_request(f"**{path}"):
        john.locator(f"#chat-header a[href='{path}']").evaluate("(link) => link.click()")
    john.keyboard.press("Control+k")
    john.locator("#jump-input").fill(other.title)
    john.locator("#quick-switcher a", has_text=other.title).first.click()
    shows(john, other)
    expect(john.locator("#timeline")).to_be_focused()  # an archived chat has no box to write in
    with john.expect_response(f"**{path}"):
        held[0].continue_()
    john.evaluate("new Promise((done) => setTimeout(() => requestAnimationFrame(done)))")
    expect(john.locator("dialog[open]")).to_have_count(0)
    expect(john.locator("#dialog-content > *")).to_have_count(0)


def test_the_last_of_quick_clicks_wins(enter: Opener, stage: Stage, callers: dict[str, Caller]) -> None:
    others = [new_stage(callers) for _ in range(4)]
    jane = enter("jane", stage.path)
    connected(jane)
    costs = Costs(jane)
    for other in others[1:]:
        room(jane, other).click(no_wait_after=True)
    shows(jane, others[-1])
    costs.take()
    for number in range(40):
        others[0].john.post(others[0].chat_id, f"Unread {number}")
    room(jane, others[0]).dblclick()  # is one click
    shows(jane, others[0])
    expect(jane.locator("#messages > .new-line")).to_be_in_viewport()
    assert costs.take() == [others[0].path]
    jane.go_back()
    shows(jane, others[-1])
    jane.go_back()
    shows(jane, others[-2])
    jane.keyboard.press("Alt+ArrowDown")
    jane.keyboard.press("Alt+ArrowUp")
    shows(jane, others[-2])
    costs.take()
    assert costs.sockets == []


def test_what_is_typed_while_a_chat_is_on_its_way_is_for_that_chat(
    enter: Opener, stage: Stage, callers: dict[str, Caller]
) -> None:
    other = new_stage(callers)
    jane = enter("jane", stage.path)
    connected(jane)
    box = jane.locator("textarea[name=body]")
    held: list[Route] = []
    jane.route(f"**{other.path}", lambda route: held.append(route))
    room(jane, other).click(no_wait_after=True)
    jane.keyboard.type("for the new one")
    expect(box).to_have_value("for the new one")
    for route in held:
        route.continue_()
    expect(jane.locator("#timeline")).to_be_visible()
    shows(jane, other)
    expect(box).to_have_value("for the new one")
    expect(box).to_be_focused()
    go_to(jane, stage)
    expect(box).to_have_value("")


def test_new_tabs_are_new_tabs(enter: Opener, stage: Stage, callers: dict[str, Caller]) -> None:
    other = new_stage(callers)
    jane = enter("jane", stage.path)
    connected(jane)
    with jane.context.expect_page() as opened:
        room(jane, other).click(modifiers=["Control"])
    shows(connected(opened.value), other)
    shows(jane, stage)
    opened.value.goto("/")  # no chat is named: the last one that was opened
    shows(opened.value, other)
    go_to(opened.value, stage)
    opened.value.goto("/")
    shows(opened.value, stage)


def test_whatever_leads_to_a_chat_leads_there_within_the_page(
    enter: Opener, stage: Stage, callers: dict[str, Caller]
) -> None:
    other, linked = new_stage(callers), new_stage(callers)
    asked = other.john.post(other.chat_id, "For @jane")
    jane = enter("jane", stage.path)
    connected(jane)
    costs = Costs(jane)
    stage.john.post(stage.chat_id, f"See {jane.url.replace(stage.path, linked.path)}")
    jane.locator(".message-body a").click()
    shows(jane, linked)
    jane.locator("#bell > summary").click()
    jane.locator(".bell-panel .notification", has_text="mentioned you").first.click()
    shows(jane, other)
    expect(jane.locator(f"[data-message-id='{asked['id']}']")).to_be_in_viewport()
    expect(jane.locator("#bell")).not_to_have_attribute("open", "")
    jane.keyboard.press("Control+k")
    jane.locator("#jump-input").fill("john")
    jane.locator(".jump-item", has_text="Direct chat").click()
    expect(jane.locator("#chat-header[data-peer-id] h1")).to_have_text("John Smith")
    jane.locator("#sidebar [data-dialog][href*='/chats/new/']").first.click()
    jane.locator("#dialog [name=title]").fill("Made within the page")
    jane.locator("#dialog [type=submit]").click()
    expect(jane.locator("#chat-header h1")).to_contain_text("Made within the page")
    expect(jane.locator(".sidebar .room[aria-current]")).to_contain_text("Made within the page")
    jane.go_back()
    expect(jane.locator("#chat-header h1")).to_have_text("John Smith")
    costs.take()
    assert costs.sockets == []
