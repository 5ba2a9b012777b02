"""A phone in the hand: what can be done with a message is a sheet at the bottom of the screen."""

from __future__ import annotations

import re

from playwright.sync_api import CDPSession, Page, expect

from tests.browser.chat.test_live import connected
from tests.browser.conftest import Caller, Opener, Stage, new_stage
from tests.browser.quality.test_quality import check_with_axe
from tests.browser.support.lines import box, saying

PHONE = {"viewport": {"width": 375, "height": 700}, "has_touch": True, "is_mobile": True}
FINGER = 44  # px, the least that is hit without looking
# How the page shows a press that lasted long enough, or nothing: its own time-out is 500 ms.
HOLD = 700


class Finger:
    """Presses and pulls as a finger does; Playwright only taps."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._session: CDPSession = page.context.new_cdp_session(page)

    def _send(self, kind: str, *points: tuple[float, float]) -> None:
        touches = [{"x": x, "y": y} for x, y in points]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    def hold(self, x: float, y: float) -> None:
        """Press for so long that it is no tap."""
        self._send("touchStart", (x, y))
        self._page.wait_for_timeout(HOLD)  # what is tested is that time passes
        self._send("touchEnd")

    def pull(self, x: float, y: float, down: float) -> None:
        """Pull something down."""
        self._send("touchStart", (x, y))
        for step in range(1, 11):
            self._send("touchMove", (x, y + down * step / 10))
        self._send("touchEnd")


def test_a_message_has_its_actions_in_a_sheet(enter: Opener, stage: Stage) -> None:
    stage.jane.post(stage.chat_id, "Of Jane, https://example.org/a/long/way/to/the/end/of/the/line")
    stage.john.post(stage.chat_id, "**Mine**")
    john = connected(enter("john", stage.path, permissions=["clipboard-read", "clipboard-write"], **PHONE))
    sheet, finger = john.locator("#message-sheet"), Finger(john)
    mine, other = saying(john, "Mine"), saying(john, "Of Jane")
    expect(john.locator(".message-tools:visible")).to_have_count(0)
    other.get_by_role("button", name="Message actions").tap()
    expect(sheet.get_by_role("button")).to_have_text(["Reply", "Copy text", "Copy link", "Delete"])
    check_with_axe(john)
    for button in [*sheet.get_by_role("button").all(), other.locator(".message-more")]:
        place = button.bounding_box()
        assert place is not None
        assert min(place["width"], place["height"]) >= FINGER
    # It closes by Escape, a tap beside it, and pulled down.
    john.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    other.locator(".message-more").tap()
    john.touchscreen.tap(180, 100)
    expect(sheet).to_be_hidden()
    other.locator(".message-more").tap()
    place = sheet.bounding_box()
    assert place is not None
    finger.pull(180, place["y"] + 60, 20)
    expect(sheet).to_be_visible()
    finger.pull(180, place["y"] + 60, 120)
    expect(sheet).to_be_hidden()
    # A long press opens it beside what is written: words are selected by it, links have a menu of the browser.
    words, link = mine.locator(".message-body strong").bounding_box(), other.locator(".message-body a").bounding_box()
    assert words is not None
    assert link is not None
    # Without a menu the link would open in a new tab, and a page that is behind another gets one frame a second.
    john.evaluate(
        "addEventListener('click', (event) => event.target.closest('.message-body a') && event.preventDefault())"
    )
    for target in (words, link):
        finger.hold(target["x"] + 8, target["y"] + 8)
        expect(sheet).to_be_hidden()
    john.evaluate("getSelection().removeAllRanges()")
    finger.hold(words["x"] + 200, words["y"] + 8)
    expect(sheet.get_by_role("button")).to_have_text(["Reply", "Edit", "Copy text", "Copy link", "Delete"])
    # What it offers works.
    sheet.get_by_role("button", name="Copy text").tap()
    expect(john.locator("#toasts .toast")).to_contain_text("Copied")
    assert john.evaluate("navigator.clipboard.readText()") == "Mine"
    mine.locator(".message-more").tap()
    sheet.get_by_role("button", name="Copy link").tap()
    address = re.compile(rf"^http://[\d.:]+{stage.path}\?at=2#message-2$")
    assert address.match(john.evaluate("navigator.clipboard.readText()"))
    mine.locator(".message-more").tap()
    sheet.get_by_role("button", name="Edit").tap()
    john.get_by_label("Edit message").fill("Mine, edited")
    john.get_by_role("button", name="Save").tap()
    expect(mine.locator(".message-body")).to_have_text("Mine, edited")
    other.locator(".message-more").tap()
    sheet.get_by_role("button", name="Reply").tap()
    expect(john.locator("#reply-bar")).to_contain_text("Of Jane")
    expect(box(john)).to_be_focused()
    mine.locator(".message-more").tap()
    sheet.get_by_role("button", name="Delete").tap()
    john.locator("#confirm-dialog").get_by_role("button", name="Delete").tap()
    expect(john.locator(".message.deleted")).to_have_count(1)
    expect(john.locator(".message.deleted .message-more")).to_be_hidden()


def test_a_day_on_a_phone(enter: Opener, stage: Stage, callers: dict[str, Caller]) -> None:
    other = new_stage(callers)
    stage.jane.post(stage.chat_id, "On my way")
    john = enter("john", "/#sidebar", **PHONE)
    john.evaluate("window.isSamePage = true")
    room, title = john.locator("#sidebar .room"), john.locator("#chat-header h1")
    room.filter(has_text=stage.title).tap()
    expect(title).to_contain_text(stage.title)
    expect(john.locator("#sidebar")).to_be_hidden()
    expect(saying(john, "On my way")).to_be_in_viewport()
    # Enter is a new line, the button sends.
    box(john).tap()
    john.keyboard.type("See you")
    john.keyboard.press("Enter")
    john.keyboard.type("there")
    expect(box(john)).to_have_value("See you\nthere")
    john.get_by_role("button", name="Send").tap()
    expect(john.locator(".message.own[data-seq='2']")).to_contain_text("See you")
    # Back to the list, where the other chat has news, and there.
    other.jane.post(other.chat_id, "News")
    john.get_by_role("link", name="Chats").tap()
    expect(john.locator("#sidebar")).to_be_visible()
    expect(room.filter(has_text=other.title).locator(".count")).to_contain_text("1")
    room.filter(has_text=other.title).tap()
    expect(title).to_contain_text(other.title)
    expect(saying(john, "News")).to_be_in_viewport()
    expect(room.filter(has_text=other.title)).not_to_have_class(re.compile("unread"))  # once it was seen
    john.go_back()
    expect(john.locator("#sidebar")).to_be_visible()
    expect(room.filter(has_text=other.title).locator(".count")).to_be_hidden()
    assert john.evaluate("window.isSamePage")
