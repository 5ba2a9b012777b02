"""What happened while a page was away is there when it is back: messages, chats, people, counts, who is typing."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.chat.test_live import connected, write
from tests.browser.chat.test_presence import FUTURE, GONE, item, shows
from tests.browser.conftest import Opener, Stage, new_stage, signed_in
from tests.browser.support.lines import API, Frame, Line, bodies, box, open_page, saying, settled, visit
from tests.browser.support.reading import WATCH_LOG, distance_to_end, first_shown, heard, place_of, scroll_up
from tests.support.processes import Server

LIMIT = 20  # messages that the small server sends to catch up; more is a reset
NEAR = 2  # px


@pytest.fixture(scope="module")
def small() -> Iterator[Server]:
    """Give a server with which a little is too much to catch up with, and typing does not end by itself."""
    limits = {"FLOWRA_RATE_LIMITS": "false", "FLOWRA_CATCHUP_LIMIT": str(LIMIT), "FLOWRA_TYPING_TIMEOUT": "60"}
    with Server(limits, demo=True) as server:
        yield server


@pytest.fixture
def small_stage(small: Server) -> Iterator[Stage]:
    """Give a new chat on it."""
    with signed_in(small) as people:
        yield new_stage(people)


def fill(stage: Stage, first: int, last: int) -> list[str]:
    """Post numbered messages of several lines and return the first line of each."""
    texts = [f"number {count}" for count in range(first, last + 1)]
    for text in texts:
        stage.john.post(stage.chat_id, f"{text}\n\nand what there is to say about it")
    return texts


def test_what_was_missed_comes_once_in_order_and_as_one_sentence(enter: Opener, server: Server, stage: Stage) -> None:
    rows = [stage.john.post(stage.chat_id, text) for text in ("one", "two", "three")]
    line = visit(enter, server, "jane", stage.path)
    jane = line.page
    settled(jane, "one", "two", "three")
    line.cut()
    jane.evaluate(WATCH_LOG)
    path = f"/chats/{stage.chat_id}/messages"
    stage.john.post(stage.chat_id, "four")
    stage.john.call("PATCH", f"{path}/{rows[0]['id']}", {"body": "ONE"})
    stage.bob.post(stage.chat_id, "five")
    stage.john.call("DELETE", f"{path}/{rows[1]['id']}")
    stage.john.post(stage.chat_id, "six")
    line.mend()
    settled(jane, "ONE", "This message was deleted.", "three", "four", "five", "six")
    expect(saying(jane, "ONE").locator(".message-edited")).to_be_visible()
    assert heard(jane) == (["off"] * 3, ["3 new messages while you were away."])
    expect(jane.locator("#messages")).to_have_attribute("aria-live", "polite")
    jane.evaluate("window.arrivals = []")
    stage.john.post(stage.chat_id, "seven")
    settled(jane, "ONE", "This message was deleted.", "three", "four", "five", "six", "seven")
    assert heard(jane) == (["polite"], ["3 new messages while you were away."])


def watch_gap(enter: Opener, server: Server, stage: Stage, seq: int) -> tuple[Line, list[Frame]]:
    """Return jane's line, her clock held, and of three messages the one which she has not got."""
    line = visit(enter, server, "jane", stage.path)
    line.page.clock.install()
    line.page.clock.pause_at(line.page.evaluate("Date.now() + 1000") / 1000)
    kept: list[Frame] = []

    def passes(frame: Frame) -> bool:
        is_lost = frame["type"] == "chat.message.posted" and frame["data"]["seq"] == seq and not kept
        if is_lost:
            kept.append(frame)
        return not is_lost

    line.passes_down = passes
    texts = ["one", "two", "three"]
    for text in texts:
        stage.john.post(stage.chat_id, text)
    settled(line.page, *texts[: seq - 1], *texts[seq:])
    return line, kept


@pytest.mark.parametrize("seq", [1, 2])
def test_a_lost_event_is_asked_for_after_two_seconds(enter: Opener, server: Server, stage: Stage, seq: int) -> None:
    line, _ = watch_gap(enter, server, stage, seq)
    before = len(line.frames("subscribe"))
    line.page.clock.run_for(1900)
    line.page.wait_for_timeout(100)
    assert len(line.frames("subscribe")) == before
    line.page.clock.run_for(200)
    settled(line.page, "one", "two", "three")
    asked = line.frames("subscribe")[before:]
    assert [(frame["chat_id"], frame["since"]) for frame in asked] == [(stage.chat_id, seq - 1)]
    stage.john.post(stage.chat_id, "four")
    settled(line.page, "one", "two", "three", "four")


def test_events_may_overtake_each_other(enter: Opener, server: Server, stage: Stage) -> None:
    line, kept = watch_gap(enter, server, stage, 2)
    before = len(line.frames("subscribe"))
    line.page.clock.run_for(1900)
    line.tell(kept[0])
    settled(line.page, "one", "two", "three")
    line.page.clock.run_for(3000)
    line.page.wait_for_timeout(100)
    assert len(line.frames("subscribe")) == before


def test_too_much_to_catch_up_with_is_loaded_without_leaving(enter: Opener, small: Server, small_stage: Stage) -> None:
    stage = small_stage
    shown = fill(stage, 1, 10)
    line = visit(enter, small, "jane", stage.path)
    jane = line.page
    jane.evaluate("window.isSame = true")
    line.cut()
    write(jane, "mine")
    box(jane).fill("half a thou")
    jane.evaluate(WATCH_LOG)
    missed = fill(stage, 11, 11 + LIMIT)
    held: list[Route] = []
    jane.route(re.compile(f"{stage.path}lines/$"), lambda route: held.append(route))
    line.mend()
    line.wait_for(lambda: held)
    # What is stored after the page was made and before it has come must not vanish with it.
    expect(saying(jane, "mine")).to_have_attribute("data-seq", str(12 + LIMIT))
    answer = held[0].fetch()
    stage.john.post(stage.chat_id, "just now")
    expect(saying(jane, "just now")).to_be_visible()
    held[0].fulfill(response=answer)
    starts = [re.compile(f"^{text}\\b") for text in [*shown, *missed]]
    told = jane.locator(".message[data-seq] .message-body")
    expect(told).to_have_text([*starts, "mine", "just now"])
    expect(jane.locator(".message[data-status]")).to_have_count(0)
    expect(box(jane)).to_have_value("half a thou")
    expect(box(jane)).to_be_focused()
    assert distance_to_end(jane) < NEAR
    arrivals, summaries = heard(jane)
    assert arrivals.count("polite") == 1  # the one that came live
    assert summaries[0] == f"{len(missed)} new messages while you were away."  # not jane's own
    stage.john.post(stage.chat_id, "live")
    expect(told).to_have_text([*starts, "mine", "just now", "live"])
    expect(jane.locator(".message")).to_have_count(len(starts) + 3)
    assert jane.evaluate("window.isSame")
    assert bodies(stage)[-3:] == ["mine", "just now", "live"]


@pytest.mark.parametrize("count", [3, LIMIT + 1])
def test_what_one_has_sent_meanwhile_hides_nothing_that_was_missed(
    enter: Opener, small: Server, small_stage: Stage, count: int
) -> None:
    """By REST, where the socket will not stand: it is stored after what was missed, and known before it."""
    shown = fill(small_stage, 1, 10)
    line = visit(enter, small, "jane", small_stage.path)
    jane = line.page
    line.cut()
    jane.evaluate(WATCH_LOG)
    missed = fill(small_stage, 11, 10 + count)
    jane.unroute(API)
    write(jane, "mine")
    expect(saying(jane, "mine")).to_have_attribute("data-seq", str(11 + count), timeout=20_000)
    line.mend()
    told = [re.compile(f"^{text}\\b") for text in [*shown, *missed]]
    expect(jane.locator(".message[data-seq] .message-body")).to_have_text([*told, "mine"])
    line.wait_for(lambda: heard(jane)[1])
    assert heard(jane)[1] == [f"{count} new messages while you were away."]


def test_the_place_is_kept_where_the_chat_is_loaded_anew(enter: Opener, small: Server, small_stage: Stage) -> None:
    fill(small_stage, 1, 40)
    line = visit(enter, small, "jane", small_stage.path)
    jane = line.page
    scroll_up(jane, 900)
    line.cut()
    text = first_shown(jane)
    before = place_of(jane, text)
    fill(small_stage, 41, 41 + LIMIT)
    line.mend()
    expect(saying(jane, f"number {41 + LIMIT}")).to_be_attached()
    assert abs(place_of(jane, text) - before) <= NEAR
    expect(jane.locator("#jump-latest")).to_have_text(f"{1 + LIMIT} new messages")


def test_the_reader_stays_where_they_are(enter: Opener, server: Server, stage: Stage) -> None:
    rows = [stage.john.post(stage.chat_id, f"number {count} of many") for count in range(1, 41)]
    lines = [visit(enter, server, "jane", stage.path) for _ in range(2)]
    reader, follower = (line.page for line in lines)
    scroll_up(reader, 600)
    follower.locator("#jump-latest").click()
    for line in lines:
        line.cut()
    text = first_shown(reader)
    before = place_of(reader, text)
    # One above the reader grows, and so does one below.
    longer = "\n\n".join(["and this"] * 10)
    for row in (rows[1], rows[-2]):
        stage.john.call("PATCH", f"/chats/{stage.chat_id}/messages/{row['id']}", {"body": longer})
    for count in range(41, 46):
        stage.john.post(stage.chat_id, f"number {count} of many")
    for line in lines:
        line.mend()
        expect(saying(line.page, "number 45 of many")).to_be_attached()
        expect(saying(line.page, "and this")).to_have_count(2)
    assert abs(place_of(reader, text) - before) <= NEAR
    expect(reader.locator("#jump-latest")).to_have_text("5 new messages")
    assert distance_to_end(follower) < NEAR
    expect(saying(follower, "number 45 of many")).to_be_in_viewport()


@pytest.mark.parametrize("was_connected", [True, False], ids=["again", "first"])
def test_the_chats_own_life_is_caught_up_with(enter: Opener, server: Server, stage: Stage, was_connected: bool) -> None:
    line = visit(enter, server, "jane", stage.path)
    jane = line.page
    line.cut()
    if not was_connected:
        jane.reload()
        expect(jane.locator(".member-list .member-item")).to_have_count(3)
    maria = stage.john.call("GET", "/users?search=maria")["results"][0]["id"]
    stage.john.call("PATCH", f"/chats/{stage.chat_id}", {"title": f"{stage.title} renamed"})
    stage.john.call("POST", f"/chats/{stage.chat_id}/members", {"user_ids": [maria]})
    stage.john.call("POST", f"/chats/{stage.chat_id}/close")
    line.mend()
    expect(jane.locator("#chat-header h1")).to_have_text(f"Task: {stage.title} renamed")
    expect(jane).to_have_title(re.compile("renamed"))
    expect(jane.locator(f".room[data-chat-id='{stage.chat_id}']")).to_contain_text("renamed")
    expect(jane.locator(f".member-item[data-user-id='{maria}']")).to_contain_text("Maria Ortiz")
    expect(jane.locator("#composer")).to_be_hidden()
    expect(jane.locator("#closed-note")).to_be_visible()


def test_presence_comes_anew_and_changes_wait_for_it(enter: Opener, server: Server, stage: Stage) -> None:
    held: list[Frame] = []

    def passes(frame: Frame) -> bool:
        is_snapshot = frame.get("action") == "watching"
        if is_snapshot:
            held.append(frame)
        return not is_snapshot and frame["type"] != "presence.count"  # the server counts fewer than is said below

    line = visit(enter, server, "john", stage.path)
    john = line.page
    shows(john, stage.jane, "offline")
    shows(john, stage.bob, "offline")
    line.cut()
    connected(open_page(enter, server, "jane", stage.path))
    line.passes_down = passes
    line.mend()
    line.wait_for(lambda: held)
    change: Frame = {"user_id": stage.bob.id, "display_name": "", "is_online": True, "last_seen": None}
    line.tell({"type": "presence.users", "users": [{**change, "version": FUTURE}]})
    line.tell({"type": "presence.count", "chat_id": stage.chat_id, "online_count": 3})
    john.wait_for_timeout(300)  # nothing may happen
    expect(item(john, stage.bob).locator(".presence-dot")).to_have_class("presence-dot unknown")
    expect(john.locator(".online-count")).to_be_hidden()
    line.passes_down = lambda frame: frame["type"] != "presence.count"
    for answer in held:  # the page may have asked again meanwhile
        line.tell(answer)
    shows(john, stage.bob, "online")
    shows(john, stage.jane, "online")
    expect(john.locator(".online-count")).to_have_text("3 online")


def test_read_in_one_tab_it_is_read_in_all(enter: Opener, server: Server, stage: Stage) -> None:
    one = connected(open_page(enter, server, "jane", "/notifications/"))
    line = visit(enter, server, "jane", "/notifications/")
    two = line.page
    count = f".room[data-chat-id='{stage.chat_id}'] .count"
    before = int(two.locator("#sidebar-list").get_attribute("data-total-unread") or 0)

    def shows_unread(page: Page, unread: int) -> None:
        total = before + unread
        if unread:
            expect(page.locator(count)).to_have_text(re.compile(f"^{unread}"))
        else:
            expect(page.locator(count)).to_be_hidden()
        shown = str(total) if total <= 99 else r"99\+"  # other tests leave unread messages, too
        expect(page).to_have_title(re.compile(rf"^\({shown}\) " if total else r"^[^(]"))

    stage.john.post(stage.chat_id, "one")
    stage.john.post(stage.chat_id, "two")
    for page in (one, two):
        shows_unread(page, 2)
    one.goto(stage.path)
    expect(saying(one, "two")).to_be_visible()
    for page in (one, two):
        shows_unread(page, 0)
    one.goto("/notifications/")
    connected(one)
    stage.john.post(stage.chat_id, "three")
    for page in (one, two):
        shows_unread(page, 1)
    line.cut()
    one.goto(stage.path)
    expect(saying(one, "three")).to_be_visible()
    shows_unread(one, 0)
    shows_unread(two, 1)  # nobody could tell it
    line.mend()
    shows_unread(two, 0)


def test_typing_is_told_in_words_and_ends_with_its_reason(enter: Opener, small: Server, small_stage: Stage) -> None:
    line, far = (visit(enter, small, name, small_stage.path) for name in ("john", "bob"))
    john, bob = line.page, far.page
    jane = connected(open_page(enter, small, "jane", small_stage.path))
    told = john.locator(".typing-indicator")
    box(john).press_sequentially("Me")
    maria: Frame = {
        "type": "chat.typing",
        "chat_id": small_stage.chat_id,
        "user_id": "x",
        "display_name": "Maria Ortiz",
    }
    line.tell({**maria, "user_id": small_stage.john.id, "display_name": "John Smith", "is_typing": True})
    box(jane).press_sequentially("Well")
    expect(told).to_have_text("Jane is typing...")
    box(bob).press_sequentially("So")
    expect(told).to_have_text("Jane and Bob are typing...")
    line.tell({**maria, "is_typing": True})
    expect(told).to_have_text("Several people are typing...")
    line.tell({**maria, "is_typing": False})
    expect(told).to_have_text("Jane and Bob are typing...")
    box(bob).blur()
    expect(told).to_have_text("Jane is typing...", timeout=2000)
    box(jane).press("Enter")
    expect(told).to_have_text("", timeout=2000)
    expect(saying(john, "Well")).to_be_visible()
    # Whoever loses the connection is offline soon.
    box(bob).press_sequentially("So then")
    expect(told).to_have_text("Bob is typing...")
    far.cut()
    expect(told).to_have_text("", timeout=GONE)
    # And who has none oneself is told nothing.
    box(jane).press_sequentially("Hm")
    expect(told).to_have_text("Jane is typing...")
    line.cut()
    expect(told).to_have_text("", timeout=500)
