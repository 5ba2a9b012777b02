"""What was written goes out, once and in order, whatever becomes of the connection, the tab and the server."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Error, Page, Request, expect

from tests.browser.chat.test_live import BLANK, connected, write
from tests.browser.conftest import Opener, Stage
from tests.browser.support.lines import Frame, Line, bodies, box, open_page, saying, settled, stored, visit
from tests.support.processes import Server, wait_until

WAITING = "Waiting for the connection…"
MOST = 100  # messages that wait in one tab
BACK = 20_000  # ms: a server starts and the next try of a page comes, or a hundred messages go out
# Writes without the time that keys take.
WRITE_MANY = """
(texts) => {
  const form = document.getElementById("composer");
  for (const text of texts) {
    form.elements.body.value = text;
    form.requestSubmit();
  }
}
"""

# What the browser keeps of everybody, with IndexedDB as it is.
KEPT = """
() => new Promise((resolve, reject) => {
  const opening = indexedDB.open("flowra");
  opening.onerror = () => reject(opening.error);
  opening.onsuccess = () => {
    const asked = opening.result.transaction("outbox").objectStore("outbox").getAll();
    asked.onsuccess = () => {
      opening.result.close();
      resolve(asked.result.map(({ body }) => body));
    };
  };
})
"""


def pending(page: Page, *texts: str) -> None:
    """Wait until these messages are shown as waiting, in this order, and no others."""
    shown = page.locator(".message[data-status=pending]")
    expect(shown.locator(".message-body")).to_have_text(texts)
    expect(shown.locator(".message-note")).to_have_text([WAITING] * len(texts))


def keeps(page: Page, count: int) -> None:
    """Wait until the browser keeps so many messages for later."""
    for _ in range(500):
        if len(page.evaluate(KEPT)) == count:
            return
        page.wait_for_timeout(10)  # frames pass meanwhile
    raise AssertionError(f"The browser keeps {page.evaluate(KEPT)}.")


def test_what_is_written_without_a_server_goes_out_with_it(enter: Opener, mortal: Server, mortal_stage: Stage) -> None:
    john, jane = (visit(enter, mortal, name, mortal_stage.path).page for name in ("john", "jane"))
    write(john, "zero")
    settled(jane, "zero")
    mortal.kill()
    texts = ["one", "two", "three"]
    for text in texts:
        write(john, text)
    pending(john, *texts)
    expect(box(john)).to_have_value("")
    expect(box(john)).to_be_focused()
    mortal.start()
    for page in (john, jane):
        page.locator("#ws-status").click()
        settled(page, "zero", *texts, timeout=BACK)
    assert bodies(mortal_stage) == ["zero", *texts]
    keeps(john, 0)


def test_a_crash_of_the_tab_loses_nothing(enter: Opener, mortal: Server, mortal_stage: Stage) -> None:
    john = connected(open_page(enter, mortal, "john", mortal_stage.path))
    # Playwright gives up a page that crashed; the browser does not, and takes orders by this session.
    debugger = john.context.new_cdp_session(john)
    mortal.kill()
    write(john, "one")
    write(john, "two")
    pending(john, "one", "two")
    with pytest.raises(Error, match="chrome://crash"), john.expect_event("crash"):
        john.goto("chrome://crash")
    mortal.start()
    debugger.send("Page.reload")
    wait_until(lambda: bodies(mortal_stage) == ["one", "two"], BACK / 1000, "what was written before the crash")
    look = """[...document.querySelectorAll(".message")].map((node) =>
      node.dataset.seq + (node.dataset.status ?? "") + node.querySelector(".message-body").textContent.trim()).join()"""
    found: list[str] = []

    def is_shown() -> bool:
        found.append(debugger.send("Runtime.evaluate", {"expression": look})["result"].get("value", ""))
        return found[-1] == "1one,2two"

    wait_until(is_shown, 10, "the page after the crash")


def test_a_reload_loses_nothing(enter: Opener, server: Server, stage: Stage) -> None:
    line = visit(enter, server, "john", stage.path)
    john = line.page
    line.cut()
    write(john, "one")
    write(john, "two")
    john.reload()
    pending(john, "one", "two")
    write(john, "three")
    pending(john, "one", "two", "three")
    line.mend()
    settled(john, "one", "two", "three")
    john.reload()
    settled(john, "one", "two", "three")
    assert bodies(stage) == ["one", "two", "three"]


def test_it_goes_out_from_another_chats_page_and_drafts_stay(enter: Opener, server: Server, stage: Stage) -> None:
    line = visit(enter, server, "john", stage.path)
    john = line.page
    line.cut()
    write(john, "one")
    write(john, "two")
    pending(john, "one", "two")
    box(john).fill("half a thou")
    john.locator(".room", has_text="general").click()
    expect(john.locator("#chat-header h1")).to_contain_text("general")
    expect(john.locator("#composer-mention")).to_be_visible()  # the script is at work
    expect(box(john)).to_have_value("")
    expect(john.locator(".message[data-status]")).to_have_count(0)
    keeps(john, 2)
    line.mend()
    keeps(john, 0)
    assert bodies(stage) == ["one", "two"]
    john.goto(stage.path)
    settled(john, "one", "two")
    expect(box(john)).to_have_value("half a thou")


def lose_answers(line: Line) -> list[Frame]:
    """Lose from now on what tells that a message is stored: its ack and itself; returns what was lost so far."""
    lost: list[Frame] = []

    def passes(frame: Frame) -> bool:
        is_answer = frame.get("action") == "posted" or frame["type"] == "chat.message.posted"
        if is_answer:
            lost.append(frame)
        return not is_answer

    line.passes_down = passes
    return lost


def test_a_lost_answer_is_told_by_the_catch_up(enter: Opener, server: Server, stage: Stage) -> None:
    line = visit(enter, server, "john", stage.path)
    lost = lose_answers(line)
    write(line.page, "once")
    line.wait_for(lambda: any(frame["type"] == "ack" for frame in lost))
    expect(saying(line.page, "once")).to_have_attribute("data-status", "pending")
    expect(saying(line.page, "once").locator(".message-note")).to_have_text("Sending…")
    line.passes_down = lambda frame: True
    line.drop()
    settled(line.page, "once")
    keeps(line.page, 0)
    assert bodies(stage) == ["once"]


def test_a_lost_answer_is_asked_for_with_the_same_id(enter: Opener, server: Server, stage: Stage) -> None:
    line = visit(enter, server, "john", stage.path)
    john = line.page
    by_rest: list[Frame] = []  # where it took several tries to connect

    def asked(request: Request) -> None:
        if request.url.endswith(f"/chats/{stage.chat_id}/messages"):
            by_rest.append(request.post_data_json or {})

    john.on("request", asked)
    line.cut()
    write(john, "once")
    # On a page without chats no catch-up tells what became of it.
    john.goto("/notifications/")
    expect(john.locator("#main h1")).to_have_text("Notifications")
    lost = lose_answers(line)
    line.mend()
    line.wait_for(lambda: any(frame["type"] == "ack" for frame in lost))
    keeps(john, 1)
    line.passes_down = lambda frame: True
    line.drop()
    keeps(john, 0)
    posts = [*line.frames("chat.message.post"), *by_rest]
    assert len(posts) == 2
    assert posts[0]["client_id"] == posts[1]["client_id"]
    assert bodies(stage) == ["once"]
    john.goto(stage.path)
    settled(john, "once")


def test_refused_it_says_so_and_waits_for_a_person(enter: Opener, server: Server, stage: Stage) -> None:
    line = visit(enter, server, "john", stage.path)
    john = line.page
    line.cut()
    write(john, "into a closed chat")
    write(john, "another")
    stage.john.call("POST", f"/chats/{stage.chat_id}/close")
    line.mend()
    failed = john.locator(".message[data-status=failed]")
    expect(failed.locator(".message-body")).to_have_text(["into a closed chat", "another"])
    expect(failed.first.locator(".message-note")).to_contain_text(re.compile("Not sent. .*archived"))
    john.reload()
    expect(failed.locator(".message-body")).to_have_text(["into a closed chat", "another"])
    connected(john)
    stage.john.call("POST", f"/chats/{stage.chat_id}/reopen")
    # Whatever the connection does, nobody has asked for it.
    line.drop()
    connected(john)
    write(john, "afterwards")
    expect(saying(john, "afterwards")).to_have_attribute("data-seq", "1")
    expect(failed).to_have_count(2)
    saying(john, "into a closed chat").get_by_role("button", name="Try again").click()
    expect(saying(john, "into a closed chat")).to_have_attribute("data-seq", "2")
    saying(john, "another").get_by_role("button", name="Discard").click()
    settled(john, "afterwards", "into a closed chat")
    keeps(john, 0)
    john.reload()
    settled(john, "afterwards", "into a closed chat")
    assert bodies(stage) == ["afterwards", "into a closed chat"]


def test_a_refused_message_fails_and_lets_the_next_one_pass(enter: Opener, server: Server, stage: Stage) -> None:
    john = visit(enter, server, "john", stage.path).page
    write(john, BLANK)
    write(john, "short")
    expect(saying(john, "short")).to_have_attribute("data-seq", "1")
    failed = john.locator(".message[data-status=failed]")
    expect(failed.locator(".message-note")).to_contain_text("must not be empty")
    john.reload()
    expect(failed).to_have_count(1)
    failed.get_by_role("button", name="Discard").click()
    settled(john, "short")
    john.reload()
    settled(john, "short")


def test_put_off_by_the_server_it_is_tried_again_later(enter: Opener, server: Server, stage: Stage) -> None:
    line = visit(enter, server, "john", stage.path)
    john = line.page
    john.clock.install()
    john.clock.pause_at(john.evaluate("Date.now() + 1000") / 1000)
    refusals: list[Frame] = [{"code": "rate_limited", "retry_after": 3.0}, {"code": "internal"}]

    def passes(frame: Frame) -> bool:
        if frame["type"] != "chat.message.post" or not refusals:
            return True
        line.tell({"type": "error", "message": "Later.", "ref": frame["ref"], **refusals.pop(0)})
        return False

    line.passes_up = passes
    write(john, "patience")
    write(john, "follows")
    for posts, wait in enumerate((3000, 4000), start=1):  # what the server asked for; the doubled wait
        line.wait_for_frames("chat.message.post", posts)
        john.clock.run_for(wait - 200)
        expect(saying(john, "patience")).to_have_attribute("data-status", "pending")
        assert len(line.frames("chat.message.post")) == posts
        john.clock.run_for(400)
        line.wait_for_frames("chat.message.post", posts + 1)
    settled(john, "patience", "follows")
    ids = [frame["client_id"] for frame in line.frames("chat.message.post")]
    assert ids[0] == ids[1] == ids[2] != ids[3]
    assert bodies(stage) == ["patience", "follows"]


def test_there_is_room_for_a_hundred(enter: Opener, server: Server, stage: Stage) -> None:
    line = visit(enter, server, "john", stage.path)
    john = line.page
    line.cut()
    texts = [f"number {count}" for count in range(1, MOST + 1)]
    john.evaluate(WRITE_MANY, texts)
    write(john, "one too many")
    pending(john, *texts)
    toast = john.locator(".toast", has_text="100 messages are waiting for the connection.")
    expect(toast).to_contain_text("Yours stays in the box until some are sent.")
    expect(box(john)).to_have_value("one too many")
    john.reload()
    pending(john, *texts)
    expect(box(john)).to_have_value("one too many")
    line.mend()
    settled(john, *texts, timeout=BACK)
    box(john).press("Enter")
    settled(john, *texts, "one too many")
    assert [(row["seq"], row["body"]) for row in stored(stage)] == list(enumerate([*texts, "one too many"], start=1))


def test_a_failure_in_another_chat_is_told(enter: Opener, server: Server, stage: Stage) -> None:
    line = visit(enter, server, "john", stage.path)
    john = line.page
    line.cut()
    write(john, "too late")
    pending(john, "too late")
    john.locator(".room", has_text="general").click()
    expect(john.locator("#chat-header h1")).to_contain_text("general")
    stage.john.call("POST", f"/chats/{stage.chat_id}/close")
    line.mend()
    toast = john.locator(".toast", has_text="A message in another chat was not sent.")
    toast.get_by_role("link", name="Show").click()
    expect(john).to_have_url(re.compile(stage.path))
    expect(saying(john, "too late")).to_have_attribute("data-status", "failed")


def test_without_a_socket_for_good_it_goes_by_rest(enter: Opener, server: Server, stage: Stage) -> None:
    line = visit(enter, server, "john", stage.path)
    john = line.page
    line.drop(code=4400)
    expect(john.locator("#ws-status")).to_have_attribute("data-state", "disconnected")
    for text in ("one", "*two*", "three"):
        write(john, text)
    settled(john, "one", "two", "three")
    expect(saying(john, "two").locator("em")).to_have_text("two")
    assert not line.frames("chat.message.post")
    assert bodies(stage) == ["one", "*two*", "three"]
    john.locator("#ws-status").click()
    connected(john)
    stage.jane.post(stage.chat_id, "four")
    settled(john, "one", "two", "three", "four")


def test_written_while_looking_back_it_is_sent_and_shown_at_the_end(
    enter: Opener, server: Server, stage: Stage
) -> None:
    for count in range(1, 106):
        stage.jane.post(stage.chat_id, f"number {count}")
    line = visit(enter, server, "john", f"{stage.path}?at=5#message-5")
    john = line.page
    expect(john.locator("#message-5")).to_be_in_viewport()
    write(john, "Now")
    expect(john).to_have_url(re.compile(f"{stage.path}$"))
    expect(john.locator("#message-106")).to_be_in_viewport()
    expect(saying(john, "Now")).to_have_attribute("data-seq", "106")
    expect(john.locator(".message[data-status]")).to_have_count(0)
    # The same without a connection.
    john.goto(f"{stage.path}?at=5#message-5")
    line.cut()
    write(john, "Later")
    expect(john).to_have_url(re.compile(f"{stage.path}$"))
    pending(john, "Later")
    expect(saying(john, "Later")).to_be_in_viewport()
    line.mend()
    expect(saying(john, "Later")).to_have_attribute("data-seq", "107")
    assert bodies(stage)[-2:] == ["Now", "Later"]
