"""Counts, the bell, "New" and toasts: the same in two tabs of one person, live and after a reload."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.chat.test_live import connected
from tests.browser.conftest import Opener, Stage


def count_of(page: Page, stage: Stage) -> Locator:
    """Return the badge of the stage's chat in the list."""
    return page.locator(f".room[data-chat-id='{stage.chat_id}'] .count")


def bell_says(page: Page, count: int) -> None:
    """Expect the bell to show so many, in the accessible words exactly."""
    badge = page.locator("#bell-badge .visually-hidden")
    if count:
        expect(badge).to_have_text(f"{count} unread")
    else:
        expect(badge).to_have_count(0)


def total(page: Page) -> int:
    """Return the total that the title counts."""
    return int(page.locator("#sidebar-list").get_attribute("data-total-unread") or 0)


def two_tabs(enter: Opener, first: str, second: str) -> tuple[Page, Page]:
    """Return two connected tabs of Jane, in one browser."""
    one = connected(enter("jane", first))
    two = one.context.new_page()
    two.goto(second)
    return one, connected(two)


def test_deleted_messages_and_mentions_leave_every_count(enter: Opener, stage: Stage) -> None:
    stage.jane.call("POST", "/notifications/read", {"all": True})
    one, two = two_tabs(enter, "/invitations/", "/notifications/")
    before = total(one)
    mention = stage.john.post(stage.chat_id, "@jane have a look")
    plain = stage.john.post(stage.chat_id, "And this")
    for tab in (one, two):
        expect(count_of(tab, stage)).to_have_text("@ 12 unread")  # the badge, and what is read out
        expect(tab.locator("#sidebar-list")).to_have_attribute("data-total-unread", str(before + 2))
        bell_says(tab, 1)
    expect(two.locator("#notification-list")).to_contain_text("@jane have a look")
    one.locator("#bell > summary").click()
    expect(one.locator(".bell-panel")).to_be_visible()
    expect(one.locator(".bell-panel")).to_contain_text("@jane have a look")
    stage.john.call("DELETE", f"/chats/{stage.chat_id}/messages/{mention['id']}")
    for tab in (one, two):
        expect(count_of(tab, stage)).to_have_text("11 unread")
        bell_says(tab, 0)
    expect(two.locator("#notification-list")).not_to_contain_text("@jane have a look")
    expect(one.locator(".bell-panel")).not_to_contain_text("@jane have a look")
    expect(one.locator("#toasts .toast")).to_have_count(0)
    stage.john.call("DELETE", f"/chats/{stage.chat_id}/messages/{plain['id']}")
    for tab in (one, two):
        expect(count_of(tab, stage)).to_be_hidden()
        expect(tab.locator("#sidebar-list")).to_have_attribute("data-total-unread", str(before))
        tab.reload()
        expect(count_of(tab, stage)).to_be_hidden()
        assert total(tab) == before


def test_reading_a_chat_in_one_tab_reads_the_bell_in_the_other(enter: Opener, stage: Stage) -> None:
    stage.jane.call("POST", "/notifications/read", {"all": True})
    one, two = two_tabs(enter, "/invitations/", "/notifications/")
    for number in (1, 2):
        stage.john.post(stage.chat_id, f"@jane number {number}")
    for tab in (one, two):
        bell_says(tab, 2)
    one.locator(f".room[data-chat-id='{stage.chat_id}']").click()
    connected(one)
    for tab in (one, two):
        bell_says(tab, 0)
        expect(count_of(tab, stage)).to_be_hidden()
    expect(two.locator("#notification-list .notification.unread")).to_have_count(0)
    expect(two.locator("#toasts .toast")).to_have_count(0)
    # In the chat that she looks at nothing pops up, and an edit that names her is read at once.
    edited = stage.john.post(stage.chat_id, "Just so")
    expect(one.get_by_text("Just so")).to_be_visible()
    bell_says(two, 0)
    stage.john.call("PATCH", f"/chats/{stage.chat_id}/messages/{edited['id']}", {"body": "Just so, @jane"})
    expect(one.locator(".message .mention.me").last).to_be_visible()
    expect(two.locator("#toasts .toast")).to_have_count(0)
    for tab in (one, two):
        bell_says(tab, 0)
    expect(one.locator("#toasts .toast")).to_have_count(0)
    assert stage.jane.call("GET", "/notifications?unread=true")["unread_count"] == 0


def test_new_stands_over_something_new_live_and_after_a_reload(enter: Opener, stage: Stage) -> None:
    stage.john.post(stage.chat_id, "Seen before")
    stage.jane.call("POST", f"/chats/{stage.chat_id}/read", {"seq": 1})
    gone = [stage.john.post(stage.chat_id, f"Gone {number}") for number in range(2)]
    jane = connected(enter("jane", stage.path))
    expect(jane.locator(".new-line")).to_have_count(1)
    for message in gone:
        stage.john.call("DELETE", f"/chats/{stage.chat_id}/messages/{message['id']}")
    expect(jane.locator(".message.deleted")).to_have_count(2)
    expect(jane.locator(".new-line")).to_have_count(0)
    expect(jane.locator(".day")).to_have_count(1)
    jane.goto("/invitations/")
    late = stage.john.post(stage.chat_id, "Deleted before she came")
    stage.john.call("DELETE", f"/chats/{stage.chat_id}/messages/{late['id']}")
    expect(count_of(jane, stage)).to_be_hidden()
    jane.goto(stage.path)
    connected(jane)
    expect(jane.locator(".message.deleted")).to_have_count(3)
    expect(jane.locator(".new-line")).to_have_count(0)


def test_toasts_gather_by_chat(enter: Opener, stage: Stage) -> None:
    stage.jane.call("POST", "/notifications/read", {"all": True})
    jane = connected(enter("jane", "/invitations/"))
    toast = jane.locator("#toasts .toast")
    stage.john.post(stage.chat_id, "@jane the **first** one")
    expect(toast).to_have_count(1)
    expect(toast).to_have_attribute("role", "status")
    expect(toast).to_contain_text(re.compile(r"mentioned you in .*@jane the first one"))
    toast.hover()
    posted = [stage.john.post(stage.chat_id, f"@jane number {number}") for number in (2, 3, 4)]
    expect(toast).to_contain_text(f"4 new notifications in Task: {stage.title}")
    expect(toast.locator(".toast-detail")).to_have_text("John Smith: @jane number 4")
    expect(toast).to_have_count(1)
    assert toast.get_attribute("role") is None, "what changes is not read out again"
    stage.john.call("DELETE", f"/chats/{stage.chat_id}/messages/{posted[-1]['id']}")
    expect(toast).to_contain_text("3 new notifications")
    expect(toast.locator(".toast-detail")).to_have_text("John Smith: @jane number 3")
    expect(toast.locator("a")).to_have_attribute("href", f"/chats/{stage.chat_id}/?at=3#message-3")
    stage.jane.call("POST", f"/chats/{stage.chat_id}/read", {"seq": 4})
    expect(toast).to_have_count(0)
    bell_says(jane, 0)
