"""Where the reader is in a long chat: unread messages, landing, both ends, and back to the place."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.browser.chat.test_live import connected, write
from tests.browser.conftest import Opener, Stage
from tests.browser.support.reading import distance_to_end, first_shown, place_of
from tests.support.processes import Server

# Of a message: whether it stands in the middle third of the timeline, and nothing lies over its middle and its ends.
LANDED = """
(seq) => {
  const row = document.querySelector(`.message[data-seq="${seq}"]`);
  if (row === null) return "not there";
  const view = document.getElementById("timeline").getBoundingClientRect();
  const box = row.getBoundingClientRect();
  const middle = (box.top + box.bottom) / 2;
  const third = view.height / 3;
  if (middle < view.top + third || middle > view.bottom - third) return `${middle} of ${view.top}, ${view.bottom}`;
  const isFree = (y) => row.contains(document.elementFromPoint((box.left + box.right) / 2, y));
  return [box.top + 2, middle, box.bottom - 2].every(isFree) ? "landed" : "covered";
}
"""


def fill(stage: Stage, first: int, last: int) -> None:
    """Post numbered messages of John and Bob."""
    for number in range(first, last + 1):
        (stage.john, stage.bob)[number % 3 == 0].post(stage.chat_id, f"Message number {number}.")


def until(page: Page, look: Callable[[], Any], wanted: Any) -> None:
    """Wait until something is as it should be."""
    for _ in range(150):
        if look() == wanted:
            break
        page.wait_for_timeout(20)
    assert look() == wanted


def landed(page: Page, seq: int) -> None:
    """Expect a message in the middle third."""
    until(page, lambda: page.evaluate(LANDED, seq), "landed")


def seqs(page: Page) -> list[int]:
    """Return the messages that are in the document."""
    found: list[int] = page.locator(".message[data-seq]").evaluate_all(
        "nodes => nodes.map((node) => +node.dataset.seq)"
    )
    return found


def read_up_to(stage: Stage) -> int:
    """Return how far Jane has read."""
    chat: dict[str, Any] = stage.jane.call("GET", f"/chats/{stage.chat_id}")
    return int(chat["last_read_seq"])


def test_a_chat_opens_at_its_first_unread_message(enter: Opener, stage: Stage) -> None:
    fill(stage, 1, 160)
    stage.jane.call("POST", f"/chats/{stage.chat_id}/read", {"seq": 40})
    jane = connected(enter("jane", stage.path))
    landed(jane, 41)
    expect(jane.locator(".new-line + .message")).to_have_attribute("data-seq", "41")
    bar = jane.locator(".unread-bar")
    expect(bar).to_have_text(re.compile(r"^\s*120 new since \d\d:\d\d\s+·\s+Mark as read\s*$"))
    expect(jane.locator("#jump-latest")).to_have_text("Jump to the latest")
    # Only what is on the screen is read.
    until(jane, lambda: 41 <= read_up_to(stage) < 80, True)
    jane.locator("#jump-latest").click()
    expect(jane.locator(".message[data-seq='160']")).to_be_in_viewport()
    stage.john.post(stage.chat_id, "Message number 161.")
    expect(jane.locator(".message[data-seq='161']")).to_be_in_viewport()
    expect(bar).to_contain_text("121 new since")
    jane.wait_for_timeout(1500)
    assert read_up_to(stage) < 80
    jane.keyboard.press("Control+k")
    jane.keyboard.press("Escape")
    expect(bar).to_be_visible()
    bar.get_by_role("button", name="121 new since").click()
    landed(jane, 41)
    expect(jane.locator(".message[data-seq='41']")).to_be_focused()
    # What is read elsewhere is read here: in another program, and in another tab.
    other = jane.context.new_page()
    other.goto(stage.path)
    connected(other)
    stage.jane.call("POST", f"/chats/{stage.chat_id}/read", {"seq": 100})
    for tab in (jane, other):
        expect(tab.locator(".unread-bar")).to_contain_text("61 new since")
        expect(tab.locator(".new-line + .message")).to_have_attribute("data-seq", "101")
    jane.keyboard.press("Escape")
    for tab in (jane, other):
        expect(tab.locator(".unread-bar")).to_be_hidden()
        expect(tab.locator(".new-line")).to_have_count(0)
        expect(tab.locator(f".room[data-chat-id='{stage.chat_id}'] .count")).to_be_hidden()
    expect(jane.locator(f".room[data-chat-id='{stage.chat_id}'] .count")).to_be_hidden()
    until(jane, lambda: read_up_to(stage), 161)


# Scrolls to one end of the chat, and tells what was seen on the way, how far the message in the middle ever jumped, and
# how many rows the document ever had.
WALK = """
async ([id, step]) => {
  const timeline = document.getElementById("timeline");
  const rows = () => [...document.querySelectorAll(".message[data-seq]")];
  const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  const seen = new Set();
  let [jump, most, stood] = [0, 0, 0];
  while (stood < 200) {
    const view = timeline.getBoundingClientRect();
    const isShown = (box) => box.bottom > view.top && box.top < view.bottom;
    const shown = rows().filter((row) => isShown(row.getBoundingClientRect()));
    for (const row of shown) seen.add(Number(row.dataset.seq));
    most = Math.max(most, rows().length);
    const watched = shown[Math.floor(shown.length / 2)];
    const from = watched.getBoundingClientRect().top;
    timeline.scrollTop += step;
    const to = watched.getBoundingClientRect().top;
    if (to === from && document.getElementById(id) === null) break;
    stood = to === from ? stood + 1 : 0;
    await frame();
    if (watched.isConnected) jump = Math.max(jump, Math.abs(watched.getBoundingClientRect().top - to));
  }
  return { seen: [...seen].sort((one, other) => one - other), jump, most, stood };
}
"""

MANY = """
import datetime
from django.utils import timezone
from chats.models import Chat, Message
from chats.lib.ids import new_id
chat = Chat.objects.get(pk="{chat_id}")
authors = [row.user for row in chat.memberships.all()]
start = timezone.now() - datetime.timedelta(hours=30)
Message.objects.bulk_create(
    Message(chat=chat, author=authors[seq // 4 % 3], seq=seq, revision=seq, posted_revision=seq, client_id=new_id(),
            body=f"Message number {{seq}}.", html="<p>" + f"Message number {{seq}}.<br>" * (1 + seq % 3) + "</p>")
    for seq in range(1, 1001)
)
Message.objects.filter(chat=chat).update(created_at=start)
for seq in range(1, 1001, 50):
    Message.objects.filter(chat=chat, seq__gte=seq).update(created_at=start + datetime.timedelta(minutes=seq))
Chat.objects.filter(pk=chat.pk).update(seq=1000, revision=1000)
chat.memberships.update(last_read_seq=1000)
"""


def test_a_long_chat_is_read_both_ways_without_a_jump(enter: Opener, server: Server, stage: Stage) -> None:
    server.manage("shell", "-c", MANY.format(chat_id=stage.chat_id))
    jane = connected(enter("jane", f"{stage.path}?at=800#message-800"))
    landed(jane, 800)
    expect(jane.locator(".message[data-seq='800']")).to_be_focused()
    expect(jane.locator(".message[data-seq='800']")).to_have_class(re.compile("found"))
    expect(jane.locator(".message.found")).to_have_count(0)  # after a moment
    down = jane.evaluate(WALK, ["newer", 550])
    assert down["seen"] == list(range(down["seen"][0], 1001))
    expect(jane.locator("#newer")).to_have_count(0)
    expect(jane.locator("#jump-latest")).to_be_hidden()
    up = jane.evaluate(WALK, ["older", -550])
    assert up["seen"] == list(range(1, 1001))
    for walk in (down, up):
        assert walk["most"] <= 320
        assert walk["jump"] < 1
    assert seqs(jane) == list(range(1, 1 + len(seqs(jane))))
    expect(jane.locator("#messages")).to_have_attribute("aria-live", "polite")
    # What one edits stays, however far one goes.
    own = jane.locator(".message.own").first
    own.hover()
    own.get_by_role("link", name="Edit").click()
    own.locator("textarea").fill("half a thou")
    jane.locator("#jump-latest").click()
    expect(jane.locator(".message[data-seq='1000']")).to_be_in_viewport()
    expect(own.locator("textarea")).to_have_count(0)
    up = jane.evaluate(WALK, ["older", -600])
    expect(own.locator("textarea")).to_have_value("half a thou")


def test_nothing_is_missing_or_doubled_where_the_page_becomes_live(enter: Opener, stage: Stage) -> None:
    fill(stage, 1, 120)
    stage.jane.call("POST", f"/chats/{stage.chat_id}/read", {"seq": 120})
    jane = connected(enter("jane", f"{stage.path}?at=20#message-20"))
    landed(jane, 20)
    assert seqs(jane) == list(range(1, 101))
    stage.john.post(stage.chat_id, "Message number 121.")
    expect(jane.locator("#jump-latest")).to_have_text("1 new message")
    held: list[Route] = []
    jane.route(re.compile("/lines/\\?after="), lambda route: held.append(route))
    jane.evaluate("document.getElementById('timeline').scrollTop = 0")
    until(jane, lambda: len(held), 1)
    answer = held[0].fetch()
    stage.bob.post(stage.chat_id, "Message number 122.")
    last = stage.bob.post(stage.chat_id, "Message number 123.")
    stage.bob.call("PATCH", f"/chats/{stage.chat_id}/messages/{last['id']}", {"body": "changed"})
    expect(jane.locator("#jump-latest")).to_have_text("3 new messages")
    expect(jane.locator(".unread-bar")).to_contain_text("3 new since")
    held[0].fulfill(response=answer)
    expect(jane.locator(".message[data-seq='123']")).to_contain_text("changed")
    assert seqs(jane) == list(range(1, 124))
    expect(jane.locator(".new-line + .message")).to_have_attribute("data-seq", "121")
    # Far up again, what one writes stands at the end, in the same page.
    jane.evaluate("window.isSame = true")
    jane.goto(f"{stage.path}?at=20#message-20")
    landed(jane, 20)
    jane.evaluate("window.isSame = true")
    write(jane, "From far above")
    expect(jane.locator(".message.own", has_text="From far above")).to_be_in_viewport()
    expect(jane.locator(".message[data-seq='124']")).to_contain_text("From far above")
    assert seqs(jane)[-1] == 124
    assert distance_to_end(jane) < 2
    assert jane.evaluate("window.isSame")


def test_every_way_to_a_message_lands_in_sight(enter: Opener, stage: Stage) -> None:
    fill(stage, 1, 59)
    stage.john.post(stage.chat_id, f"@jane the needle of {stage.title}")
    fill(stage, 61, 120)
    said = stage.john.call("GET", f"/chats/{stage.chat_id}/messages?before=13&limit=1")["results"][0]
    stage.bob.post(stage.chat_id, "As you said", reply_to=said["id"])
    stage.jane.call("POST", f"/chats/{stage.chat_id}/read", {"seq": 121})
    jane = connected(enter("jane", stage.path))
    jane.evaluate("window.isSame = true")
    jane.locator("#timeline").evaluate("timeline => { timeline.scrollTop = -40 }")
    before = place_of(jane, "As you said")
    jane.locator(".message[data-seq='121'] .message-reply").click()
    landed(jane, 12)
    expect(jane.locator(".message[data-seq='12']")).to_be_focused()
    expect(jane.locator(".message.found")).to_have_attribute("data-seq", "12")
    assert jane.url.endswith(f"{stage.path}?at=12#message-12")
    jane.go_back()
    expect(jane.locator(".message[data-seq='121']")).to_be_in_viewport()
    until(jane, lambda: place_of(jane, "As you said"), before)
    jane.keyboard.press("Control+k")
    jane.keyboard.type(f"needle {stage.title}")
    expect(jane.locator("#jump-results .jump-item.active")).to_contain_text("the needle")
    jane.keyboard.press("Enter")
    landed(jane, 60)
    expect(jane.locator(".message[data-seq='60']")).to_be_focused()
    jane.locator(".message[data-seq='62']").hover()
    jane.locator(".message[data-seq='62'] .message-time").click()
    landed(jane, 62)
    assert jane.url.endswith("#message-62")
    assert jane.evaluate("window.isSame")
    # A message that was removed from the database has a place, too; and without motion there is a mark.
    jane.emulate_media(reduced_motion="reduce")
    jane.goto("/notifications/")
    jane.locator(".notification", has_text=f"the needle of {stage.title}").click()
    landed(jane, 60)
    mark = jane.locator(".message[data-seq='60']")
    assert mark.evaluate("row => getComputedStyle(row).animationName") == "none"
    expect(jane.locator(".message.found")).to_have_count(0)


def test_a_chat_is_found_again_where_it_was_left(enter: Opener, stage: Stage) -> None:
    fill(stage, 1, 70)
    stage.jane.call("POST", f"/chats/{stage.chat_id}/read", {"seq": 70})
    jane = connected(enter("jane", stage.path))
    jane.locator("#timeline").evaluate("timeline => { timeline.scrollTop = -1501 }")
    expect(jane.locator("#jump-latest")).to_be_visible()
    text = first_shown(jane)
    before = place_of(jane, text)
    jane.locator(".room", has_text="general").click()
    expect(jane.locator("#chat-header h1")).to_contain_text("general")
    stage.john.post(stage.chat_id, "While she was away")
    expect(jane.locator(f".room[data-chat-id='{stage.chat_id}'] .count")).to_contain_text("1")
    jane.locator(f".room[data-chat-id='{stage.chat_id}']").click()
    expect(jane.locator("#chat-header h1")).to_contain_text(stage.title)
    expect(jane.locator(".unread-bar")).to_contain_text("1 new since")
    assert abs(place_of(jane, text) - before) < 1
    jane.reload()
    connected(jane)
    until(jane, lambda: abs(place_of(jane, text) - before) < 1, True)
    assert read_up_to(stage) == 70
    jane.locator("#jump-latest").click()
    expect(jane.locator(".unread-bar")).to_be_hidden()
    until(jane, lambda: read_up_to(stage), 71)
