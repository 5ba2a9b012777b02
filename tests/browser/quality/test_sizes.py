"""Small screens, large letters and paper: with the longest names there are, everything is there and can be read."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat.test_live import connected
from tests.browser.conftest import Opener, Stage

SHOTS = os.environ.get("SCREENSHOTS", "")  # a folder to look at what was tried
LONG = {"words": "Wolfeschlegelsteinhausen" * 3, "wide": "漢字" * 40, "emoji": "👩‍👩‍👧‍👦" * 9}
# What is wider than the screen, or out of it, and in no box that scrolls by itself.
TOO_WIDE = """
() => {
  const width = document.documentElement.clientWidth;
  const scrolls = (node) => {
    for (let up = node.parentElement; up !== null; up = up.parentElement) {
      if (getComputedStyle(up).overflowX !== "visible" && up.clientWidth <= width) return true;
    }
    return false;
  };
  const found = [];
  if (document.documentElement.scrollWidth > width) found.push(`page: ${document.documentElement.scrollWidth} px`);
  const boxes = "main, header, nav, aside, .pane, .page, .card, .composer, dialog[open]";
  for (const node of document.querySelectorAll(boxes)) {
    if (node.checkVisibility({ visibilityProperty: true }) && node.scrollWidth > node.clientWidth + 1) {
      found.push(`${node.tagName}.${node.className}: ${node.scrollWidth} > ${node.clientWidth}`);
    }
  }
  for (const node of document.querySelectorAll("button, a, input, select, textarea, h1, h2, p, li, small, time")) {
    if (!node.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    if (node.closest(".visually-hidden, .skip-link")) continue;
    const { left, right, width: own } = node.getBoundingClientRect();
    if (own > 1 && (left < -1 || right > width + 1) && !scrolls(node)) {
      found.push(`${node.tagName}.${node.className} "${node.textContent.trim().slice(0, 30)}": ${left} to ${right}`);
    }
  }
  return found;
}
"""


def shoot(page: Page, name: str) -> None:
    """Keep a picture, where somebody wants to look."""
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png")


@pytest.fixture(params=LONG)
def long_named(request: pytest.FixtureRequest, stage: Stage) -> Iterator[tuple[str, str]]:
    """Give the ids of a workspace and of a chat in it: these, and people in it, have names as long as can be."""
    name = LONG[request.param]
    people = {person: person.call("GET", "/me")["display_name"] for person in (stage.john, stage.jane)}
    for person, mark in zip(people, "JA", strict=True):  # two people have two names
        person.call("PATCH", "/me", {"display_name": mark + name[:79]})
    workspace = stage.john.call("POST", "/workspaces", {"name": name[:80]})["id"]
    stage.john.call("POST", f"/workspaces/{workspace}/members", {"username": "jane"})
    wanted = {"workspace_id": workspace, "kind": "epic", "title": name[:100], "member_ids": [stage.jane.id]}
    chat = stage.john.call("POST", "/chats", wanted)["id"]
    stage.jane.post(chat, f"@john {name}")
    message = stage.john.post(
        chat, f"```\n{name * 2}\n```\n\n|a|b|\n|-|-|\n|{name}|x|\n\nhttps://example.org/{'x' * 200}"
    )
    stage.jane.post(chat, "short", reply_to=message["id"])
    yield workspace, chat
    for person, before in people.items():
        person.call("PATCH", "/me", {"display_name": before})
    stage.john.call("DELETE", f"/workspaces/{workspace}")


def test_no_page_is_wider_than_a_small_screen(enter: Opener, stage: Stage, long_named: tuple[str, str]) -> None:
    workspace, chat = long_named
    john = enter("john", "/", viewport={"width": 320, "height": 640})
    pages = [
        f"/chats/{chat}/", f"/chats/{chat}/members/", f"/chats/{chat}/members/add/", f"/chats/{chat}/rename/",
        f"/chats/{chat}/delete/", f"/chats/{chat}/members/{stage.jane.id}/remove/",
        f"/workspaces/{workspace}/settings/",
        f"/workspaces/{workspace}/chats/new/", f"/workspaces/{workspace}/direct/new/", "/notifications/",
        "/search/?q=short", "/invitations/", "/blocks/", "/accounts/profile/", "/accounts/password/change/",
    ]  # fmt: skip
    wide = {}
    for path in pages:
        john.goto(path)
        shoot(john, f"320{re.sub('[0-9a-f-]{36}', 'x', path).replace('/', '-')}")
        wide[path] = john.evaluate(TOO_WIDE)
    john.goto(f"/chats/{chat}/")
    connected(john)
    john.locator("#chat-menu > summary").click()
    shoot(john, "320-menu")
    wide["menu"] = john.evaluate(TOO_WIDE)
    john.keyboard.press("Escape")
    for name in ("members", "sidebar"):
        john.locator(f"[data-drawer-open={name}]:visible").click()
        expect(john.locator(f"#{name}")).to_be_visible()
        shoot(john, f"320-{name}")
        wide[name] = john.evaluate(TOO_WIDE)
        john.keyboard.press("Escape")
    john.locator(".navbar .menu:last-of-type > summary").click()
    shoot(john, "320-user")
    wide["user"] = john.evaluate(TOO_WIDE)
    john.goto(f"/chats/{chat}/")
    assert {path: found for path, found in wide.items() if found} == {}
    # The time is one line beside the name, and the box is one line.
    times = john.locator(".message:not(.same) .message-time")
    assert all(time.bounding_box()["height"] < 26 for time in times.all())  # type: ignore[index]
    assert john.locator("#composer-body").bounding_box()["height"] < 46  # type: ignore[index]


@pytest.mark.parametrize("width", [320, 375])
def test_the_tools_of_a_phone_are_on_the_screen(enter: Opener, stage: Stage, width: int) -> None:
    john = connected(enter("john", stage.path, viewport={"width": width, "height": 640}))
    in_chat = (".chat-header [data-drawer-open=sidebar]", "#chat-menu > summary", "#composer button[type=submit]")
    in_list = (".navbar .menu:last-of-type > summary", "#bell", ".chip")
    for path, tools in ((stage.path, in_chat), (f"{stage.path}#sidebar", in_list)):
        john.goto(path)
        for tool in tools:
            box = john.locator(tool).bounding_box()
            assert box is not None, tool
            assert 0 <= box["x"] <= box["x"] + box["width"] <= width, tool


def test_at_400_percent_there_is_room_to_read(enter: Opener, stage: Stage) -> None:
    stage.jane.post(stage.chat_id, "Something to read. " * 30)
    john = connected(enter("john", stage.path, viewport={"width": 320, "height": 256}, device_scale_factor=4))
    shoot(john, "zoom-400")
    timeline = john.locator("#timeline").bounding_box()
    assert timeline is not None
    assert timeline["height"] >= 0.5 * 256
    john.locator("#composer-body").fill("\n".join(["a line"] * 12))
    timeline = john.locator("#timeline").bounding_box()
    assert timeline is not None
    assert timeline["height"] >= 0.25 * 256
    john.get_by_role("button", name="Send").click()
    expect(john.locator(".message.own")).to_be_visible()


def test_paper_has_the_conversation(enter: Opener, stage: Stage) -> None:
    for number in range(60):
        stage.jane.post(stage.chat_id, f"Message {number} with `code`")
    john = connected(enter("john", stage.path, color_scheme="dark"))
    expect(john.locator(".message")).not_to_have_count(0)
    count = john.locator(".message").count()
    john.emulate_media(media="print")
    shoot(john, "print")
    for hidden in (".navbar", "#sidebar", "#members", ".composer", ".message-tools", "#chat-menu"):
        expect(john.locator(hidden).first).to_be_hidden()
    assert john.locator(".message-body:visible").count() == count
    assert john.locator(".message-author:visible").count() == count
    assert john.locator(".message-time:visible").count() == count
    page = john.evaluate("[document.documentElement.scrollHeight, document.getElementById('timeline').scrollHeight]")
    assert page[0] >= page[1] > 900  # all of it, however high the window is
    assert john.evaluate("getComputedStyle(document.querySelector('.message-body')).color") == "rgb(0, 0, 0)"
    if SHOTS:
        john.pdf(path=Path(SHOTS) / "print.pdf")


def test_nothing_covers_the_tools_of_a_message(enter: Opener, stage: Stage) -> None:
    for number in range(12):
        stage.jane.post(stage.chat_id, f"Message {number}\n" * 12)
    john = connected(enter("john", stage.path))
    message = john.locator(".message").nth(5)
    for place in (60, 36, 20, 0, -60, -200):  # px from the top of the timeline: under the day's label and beyond it
        message.evaluate(
            "(node, place) => { const box = document.getElementById('timeline');"
            " box.scrollTop += node.getBoundingClientRect().top - box.getBoundingClientRect().top - place; }",
            place,
        )
        box = message.bounding_box()
        assert box is not None
        top = max(box["y"], john.locator("#timeline").bounding_box()["y"])  # type: ignore[index]
        john.mouse.move(box["x"] + 200, min(top + 60, box["y"] + box["height"] - 20))
        shoot(john, f"tools-{place}")
        message.locator("[data-action=reply]").click(timeout=3000)  # which fails where something is above it
        expect(john.locator("#reply-bar")).to_be_visible()
        john.locator("#reply-cancel").click()
        expect(john.locator("#reply-bar")).to_be_hidden()


def test_messages_of_one_author_stand_close(enter: Opener, stage: Stage) -> None:
    for number in range(2):
        stage.jane.post(stage.chat_id, f"Message {number}")
    john = connected(enter("john", stage.path))
    first, second = john.locator("#messages .message-body").all()
    above, below = first.bounding_box(), second.bounding_box()
    assert above is not None
    assert below is not None
    assert below["y"] - above["y"] - above["height"] < 16


# What one clicks on and is smaller than `least` px; links within lines of text may be.
TOO_SMALL = """
(least) => [...document.querySelectorAll("button, summary, select, textarea, input, a")].filter((node) => {
  if (!node.checkVisibility({ visibilityProperty: true, opacityProperty: true })) return false;
  if (node.closest(".visually-hidden, .skip-link, .message-body")) return false;
  if (node.closest("p, small")) return false;
  if (node.closest("label") || node.type === "hidden") return false;
  const { width, height } = node.getBoundingClientRect();
  const box = node.closest(".find form, .jump-box")?.getBoundingClientRect();
  return width < least || Math.max(height, box?.height ?? 0) < least;
}).map((node) => {
  const { width, height } = node.getBoundingClientRect();
  return `${node.tagName}#${node.id}.${node.className} ${node.ariaLabel}: ${width} x ${height}`;
})
"""


@pytest.mark.parametrize(("size", "least"), [((1280, 800), 24), ((375, 812), 44)], ids=["desk", "phone"])
def test_the_page_leaves_the_screen_to_the_conversation(
    enter: Opener, stage: Stage, size: tuple[int, int], least: int
) -> None:
    for number in range(30):
        stage.john.post(stage.chat_id, f"Message {number}")
    options = {"viewport": dict(zip(("width", "height"), size, strict=True)), "has_touch": least == 44}
    john = connected(enter("john", stage.path, is_mobile=least == 44, **options))
    taken = john.evaluate("innerHeight - document.getElementById('timeline').clientHeight")
    assert taken <= (150 if least == 24 else 130)
    assert john.locator("#composer-body").bounding_box()["height"] <= 46  # type: ignore[index]
    # The box grows, and the last message stays in sight above it.
    last = john.locator(".message").last
    expect(last).to_be_in_viewport(ratio=1)
    john.locator("#composer-body").fill("\n".join(["a line"] * 40))
    assert john.locator("#composer-body").bounding_box()["height"] <= 0.41 * size[1]  # type: ignore[index]
    expect(last).to_be_in_viewport(ratio=1)
    john.locator("#composer-body").fill("")
    small = {}
    for path in (stage.path, f"{stage.path}#sidebar", f"/workspaces/{stage.workspace_id}/settings/", "/notifications/"):
        john.goto(path)
        shoot(john, f"{size[0]}{re.sub('[0-9a-f-]{36}', 'x', path).replace('/', '-')}")
        small[path] = john.evaluate(TOO_SMALL, least)
    assert {path: found for path, found in small.items() if found} == {}


def test_the_ring_is_for_keys_and_send_is_grey_until_there_is_something(enter: Opener, stage: Stage) -> None:
    stage.john.post(stage.chat_id, "Something")
    john = connected(enter("john", stage.path))
    composer, box, send = (
        john.locator("#composer"),
        john.locator("#composer-body"),
        john.get_by_role("button", name="Send"),
    )
    tool = john.locator("#composer-bold")
    style = "(node, name) => getComputedStyle(node)[name]"
    expect(box).to_be_focused()
    assert composer.evaluate(style, "outlineStyle") == "none"
    john.locator("#timeline").click(position={"x": 5, "y": 5})
    john.mouse.move(5, 300)
    expect(tool).to_be_hidden()
    box.click()
    expect(tool).to_be_visible()
    assert composer.evaluate(style, "outlineStyle") == box.evaluate(style, "outlineStyle") == "none"
    grey = send.evaluate(style, "backgroundColor")
    box.fill("  ")
    expect(send).to_have_attribute("aria-disabled", "true")
    expect(send).to_have_css("background-color", grey)
    box.fill("words")
    expect(send).to_have_attribute("aria-disabled", "false")
    expect(send).not_to_have_css("background-color", grey)
    box.press("Tab")
    expect(john.locator("#composer-mention")).to_be_focused()
    assert john.locator("#composer-mention").evaluate(style, "outlineStyle") == "solid"
    john.keyboard.press("Shift+Tab")
    assert composer.evaluate(style, "outlineStyle") == "solid"
