"""A chat that cannot be had is waited for within the page, or is said to be gone."""

from __future__ import annotations

from playwright.sync_api import Page, Route, expect

from tests.browser.chat.test_live import connected, write
from tests.browser.conftest import Caller, Opener, Stage, new_stage
from tests.browser.navigation.switching import Costs, go_to, room, shows

NOTE = ".frame-note"


def answer(page: Page, stage: Stage, status: int, **headers: str) -> list[Route]:
    """Answer requests for a chat so; returns those that came."""
    routes: list[Route] = []

    def fulfill(route: Route) -> None:
        routes.append(route)
        if status == 0:
            route.abort()
        else:
            route.fulfill(status=status, headers=headers, body="")

    page.route(f"**{stage.path}", fulfill)
    return routes


def test_the_frame_of_a_chat_stands_while_the_server_is_away(
    enter: Opener, stage: Stage, callers: dict[str, Caller]
) -> None:
    other = new_stage(callers)
    jane = enter("jane", stage.path, outage=True)
    connected(jane)
    costs = Costs(jane)
    answer(jane, other, 0)
    room(jane, other).click()
    expect(jane.locator(".chat-header h1")).to_have_text(other.title)
    expect(jane.locator(NOTE)).to_have_text("Waiting for the connection…")
    expect(jane.locator("#composer-body")).to_be_focused()
    write(jane, "Written before it was there")
    jane.keyboard.type("And a draft")
    jane.unroute(f"**{other.path}")
    shows(jane, other)
    expect(jane.locator(".message", has_text="Written before it was there")).to_have_count(1)
    expect(jane.locator("#composer-body")).to_have_value("And a draft")
    expect(jane.locator("#composer-body")).to_be_focused()
    go_to(jane, stage)
    costs.take()
    assert costs.sockets == []


def test_what_the_server_says_is_done(enter: Opener, stage: Stage, callers: dict[str, Caller]) -> None:
    others = [new_stage(callers) for _ in range(3)]
    jane = enter("jane", stage.path, outage=True, refused=True)
    connected(jane)
    costs = Costs(jane)
    busy, gone, lost = others
    asked = answer(jane, busy, 429, **{"Retry-After": "3"})
    room(jane, busy).click()
    expect(jane.locator(NOTE)).to_contain_text("3 s")
    asked.clear()
    answer(jane, gone, 404)
    room(jane, gone).click()
    expect(jane.locator(NOTE)).to_contain_text("does not exist")
    expect(jane.locator(".frame a", has_text="Go to your chats")).to_be_visible()
    expect(jane.locator(".frame a")).to_be_focused()  # there is no box to write in
    assert asked == []  # it waits
    jane.unroute(f"**{gone.path}")
    answer(jane, gone, 403)
    room(jane, stage).click()
    room(jane, gone).click()
    expect(jane.locator(NOTE)).to_contain_text("does not exist")
    jane.unroute(f"**{gone.path}")
    answer(jane, gone, 503)
    room(jane, gone).click()
    expect(jane.locator(NOTE)).to_have_text("The server cannot answer right now. Trying again…")
    expect(jane.locator("#composer-body")).to_be_focused()
    jane.unroute(f"**{gone.path}")
    shows(jane, gone)
    jane.unroute(f"**{busy.path}")
    go_to(jane, busy)
    session = jane.context.cookies()
    jane.context.clear_cookies()
    room(jane, lost).click()
    expect(jane.locator(".frame a", has_text="Sign in")).to_be_visible()
    jane.locator("#composer-body").fill("Kept")
    jane.context.add_cookies(session)  # type: ignore[arg-type]
    go_to(jane, lost)
    expect(jane.locator("#composer-body")).to_have_value("Kept")
    go_to(jane, stage)
    costs.take()


def test_a_chat_that_is_left_for_good_says_so(enter: Opener, stage: Stage, callers: dict[str, Caller]) -> None:
    other = new_stage(callers)
    jane = enter("jane", stage.path, refused=True)
    connected(jane)
    go_to(jane, other)
    go_to(jane, stage)
    other.john.call("DELETE", f"/chats/{other.chat_id}/members/{other.jane.id}")
    expect(room(jane, other)).to_have_count(0)
    jane.go_back()
    expect(jane.locator(NOTE)).to_contain_text("does not exist")
    go_to(jane, stage)
    stage.john.call("DELETE", f"/chats/{stage.chat_id}/members/{stage.jane.id}")
    expect(jane.locator(".toast", has_text="no longer in this chat")).to_be_visible()
    stage.john.call("POST", f"/chats/{stage.chat_id}/members", {"user_id": stage.jane.id})
    stage.john.post(stage.chat_id, "Welcome back")
    expect(jane.locator(".message", has_text="Welcome back")).to_be_visible()
    expect(jane.locator(".toast")).to_have_count(0)
    write(jane, "Thanks")
    expect(jane.locator(".message:not([data-status])", has_text="Thanks")).to_be_visible()
    stage.john.call("DELETE", f"/chats/{stage.chat_id}")
    expect(jane.locator("#timeline")).to_be_focused()
    jane.locator(".toast", has_text="was deleted").locator("a").click()
    connected(jane)
