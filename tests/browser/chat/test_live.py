"""Two people, two browsers: what one does, the other sees without a reload."""

from __future__ import annotations

import json
import re

from playwright.sync_api import Page, Route, WebSocketRoute, expect

from tests.browser.conftest import Opener, Stage

# How often the list of chats was shown anew.
COUNT_LISTS = """
let lists = 0;
new MutationObserver((records) => {
  for (const { addedNodes } of records) lists += [...addedNodes].filter(({ id }) => id === "sidebar-list").length;
  document.documentElement.dataset.lists = String(lists);
}).observe(document.getElementById("sidebar"), { childList: true });
"""
BLANK = "\u3164"  # draws nothing, which the server knows and the page does not: it refuses the message


def connected(page: Page) -> Page:
    """Return the page once its socket stands."""
    expect(page.locator("#ws-status")).to_have_attribute("data-state", "connected")
    return page


def write(page: Page, text: str) -> None:
    """Type into the composer and press Enter."""
    page.locator("textarea[name=body]").fill(text)
    page.locator("textarea[name=body]").press("Enter")


def hold_the_first(page: Page, path: str) -> list[Route]:
    """Hold the first request for `path` back, and let later ones through; returns what was asked so far."""
    asked: list[Route] = []

    def take(route: Route) -> None:
        asked.append(route)
        if len(asked) > 1:
            route.continue_()

    page.route(re.compile(path), take)
    return asked


def wait_for_routes(page: Page, asked: list[Route], count: int) -> None:
    """Wait until as many requests were made."""
    for _ in range(200):
        if len(asked) >= count:
            break
        page.wait_for_timeout(20)
    assert len(asked) == count


class Tap:
    """Stands between a page's socket and the server: sees what the one sends, speaks for the other."""

    def __init__(self, page: Page) -> None:
        self.sent: list[str] = []
        self._socket: WebSocketRoute | None = None
        page.route_web_socket(re.compile("/ws/"), self._opened)

    def _opened(self, socket: WebSocketRoute) -> None:
        self._socket = socket
        server = socket.connect_to_server()

        def pass_on(text: str | bytes) -> None:
            self.sent.append(str(text))
            server.send(text)

        socket.on_message(pass_on)

    @property
    def socket(self) -> WebSocketRoute:
        """The page's latest socket."""
        assert self._socket is not None, "The page has opened no socket yet."
        return self._socket

    @property
    def subscriptions(self) -> list[str]:
        """The frames with which the page has subscribed."""
        return [text for text in self.sent if '"subscribe"' in text]


def test_messages_arrive_both_ways(enter: Opener, stage: Stage) -> None:
    john, jane = connected(enter("john", stage.path)), connected(enter("jane", stage.path))
    write(john, "Is the **kettle** on?")
    expect(jane.locator(".message .message-body strong")).to_have_text("kettle")
    write(jane, "Two minutes.")
    answer = john.locator(".message", has_text="Two minutes.")
    expect(answer).to_have_attribute("data-seq", "2")
    expect(answer.locator(".message-author")).to_have_text("Jane Doe")
    own = john.locator(".message", has_text="Is the kettle on?")
    expect(own).to_have_count(1)
    expect(own).to_have_attribute("data-message-id", re.compile(".{36}"))
    assert own.get_attribute("data-status") is None
    john.reload()
    expect(john.locator(".message")).to_have_count(2)


def test_typing_shows_and_goes(enter: Opener, stage: Stage) -> None:
    john, jane = connected(enter("john", stage.path)), connected(enter("jane", stage.path))
    jane.locator("textarea[name=body]").press_sequentially("Well", delay=20)
    expect(john.locator(".typing-indicator")).to_have_text("Jane is typing...")
    expect(jane.locator(".typing-indicator")).to_have_text("")
    jane.locator("textarea[name=body]").press("Enter")
    expect(john.locator(".message", has_text="Well")).to_be_visible()
    expect(john.locator(".typing-indicator")).to_have_text("")
    jane.locator("textarea[name=body]").press_sequentially("No", delay=20)
    expect(john.locator(".typing-indicator")).to_have_text("Jane is typing...")
    jane.locator("textarea[name=body]").fill("")
    expect(john.locator(".typing-indicator")).to_have_text("", timeout=2500)


def test_an_edit_arrives(enter: Opener, stage: Stage) -> None:
    john, jane = connected(enter("john", stage.path)), connected(enter("jane", stage.path))
    write(john, "The frist draft")
    expect(jane.locator(".message", has_text="The frist draft")).to_be_visible()
    john.locator("textarea[name=body]").press("ArrowUp")
    editor = john.get_by_label("Edit message")
    expect(editor).to_have_value("The frist draft")
    editor.fill("The first draft")
    editor.press("Enter")
    edited = jane.locator(".message", has_text="The first draft")
    expect(edited.locator(".message-edited")).to_be_visible()
    expect(jane.locator(".message")).to_have_count(1)
    expect(john.locator(".message .message-body")).to_have_text("The first draft")


def test_a_deletion_arrives(enter: Opener, stage: Stage) -> None:
    john, jane = connected(enter("john", stage.path)), connected(enter("jane", stage.path))
    write(john, "Forget this")
    at_jane = jane.locator(".message", has_text="Forget this")
    expect(at_jane).to_be_visible()
    own = john.locator(".message", has_text="Forget this")
    own.hover()
    own.get_by_role("link", name="Delete").click()
    john.get_by_role("button", name="Delete").click()
    expect(jane.locator(".message.deleted")).to_have_text(re.compile("This message was deleted"))
    expect(john.locator(".message.deleted")).to_have_count(1)
    expect(jane.get_by_text("Forget this")).to_have_count(0)


def test_a_reply_quotes_what_it_answers(enter: Opener, stage: Stage) -> None:
    john, jane = connected(enter("john", stage.path)), connected(enter("jane", stage.path))
    write(john, "Who takes the release?")
    asked = jane.locator(".message", has_text="Who takes the release?")
    asked.hover()
    asked.get_by_role("link", name="Reply").click()
    expect(jane.locator("#reply-bar")).to_contain_text("Replying to John Smith: Who takes the release?")
    write(jane, "I do.")
    answer = john.locator(".message", has_text="I do.")
    expect(answer.locator(".message-reply")).to_have_text(re.compile(r"John Smith\s+Who takes the release\?"))
    expect(jane.locator("#reply-bar")).to_be_hidden()


def test_the_bell_rings_for_a_mention(enter: Opener, stage: Stage) -> None:
    jane = connected(enter("jane", "/notifications/"))
    jane.get_by_role("button", name="Mark all as read").click()
    connected(jane)
    expect(jane.locator("#bell .badge")).to_have_count(0)
    stage.john.post(stage.chat_id, "@jane have a look")
    expect(jane.locator("#bell .badge")).to_have_text(re.compile("^1"))
    expect(jane.locator(".toast")).to_contain_text(f"John Smith mentioned you in Task: {stage.title}")
    jane.locator("#bell > summary").click()
    entry = jane.locator(".bell-panel .notification").first
    expect(entry).to_contain_text("@jane have a look")
    entry.click()
    expect(jane).to_have_url(re.compile(f"{stage.path}\\?at=1#message-1"))
    expect(jane.locator("#bell .badge")).to_have_count(0)
    expect(jane.locator(".message .mention.me")).to_have_text("@jane")


def test_unread_counts_move(enter: Opener, stage: Stage) -> None:
    jane = connected(enter("jane", "/notifications/"))
    room = jane.locator(f".room[data-chat-id='{stage.chat_id}']")
    expect(room.locator(".count")).to_be_hidden()
    before = int(jane.locator("#sidebar-list").get_attribute("data-total-unread") or 0)
    stage.john.post(stage.chat_id, "One")
    expect(room.locator(".count")).to_have_text(re.compile("^1"))
    stage.john.post(stage.chat_id, "@jane two")
    expect(room.locator(".count.mentions")).to_have_text(re.compile("^@ 1"))
    # Tests that ran before may have left her more unread messages than a badge counts.
    shown = before + 2 if before + 2 <= 99 else "99+"
    expect(jane).to_have_title(re.compile(rf"^{re.escape(f'({shown})')} "))
    other = connected(enter("jane", stage.path))
    expect(other.locator(".new-line")).to_be_visible()
    expect(room.locator(".count")).to_be_hidden()
    expect(other.locator(f".room[data-chat-id='{stage.chat_id}'] .count")).to_be_hidden()


def test_a_count_that_changes_while_the_list_is_fetched_stays(enter: Opener, stage: Stage) -> None:
    """The list on its way is older than what was counted meanwhile, and would take it back."""
    jane = enter("jane", "/notifications/")
    tap = Tap(jane)
    jane.reload()
    connected(jane)
    jane.evaluate(COUNT_LISTS)
    asked = hold_the_first(jane, "/sidebar/")
    tap.socket.send('{"type": "resync", "reason": "broker", "within": 0}')
    wait_for_routes(jane, asked, 1)
    answer = asked[0].fetch()
    stage.john.post(stage.chat_id, "Meanwhile")
    count = jane.locator(f".room[data-chat-id='{stage.chat_id}'] .count")
    expect(count).to_have_text(re.compile("^1"))
    asked[0].fulfill(response=answer)
    wait_for_routes(jane, asked, 2)
    expect(jane.locator("html")).to_have_attribute("data-lists", "2")
    expect(count).to_have_text(re.compile("^1"))


def test_a_new_chat_and_its_life_show_up(enter: Opener, stage: Stage) -> None:
    jane = connected(enter("jane", stage.path))
    chat = stage.john.call(
        "POST",
        "/chats",
        {
            "workspace_id": stage.workspace_id,
            "kind": "bug",
            "title": f"{stage.title} leaks",
            "member_ids": [stage.jane.id],
        },
    )
    expect(jane.locator(f".room[data-chat-id='{chat['id']}']")).to_contain_text(f"{stage.title} leaks")
    stage.john.call("PATCH", f"/chats/{stage.chat_id}", {"title": f"{stage.title} renamed"})
    expect(jane.locator("#chat-header h1")).to_have_text(f"Task: {stage.title} renamed")
    expect(jane).to_have_title(re.compile("renamed"))
    stage.john.call("POST", f"/chats/{stage.chat_id}/close")
    expect(jane.locator("#composer")).to_be_hidden()
    expect(jane.locator("#closed-note")).to_be_visible()
    stage.john.call("POST", f"/chats/{stage.chat_id}/reopen")
    expect(jane.locator("#composer")).to_be_visible()


def test_what_changes_while_the_header_is_fetched_is_fetched_again(enter: Opener, stage: Stage) -> None:
    """The answer to the first change would show the chat as closed for ever."""
    jane = connected(enter("jane", stage.path))
    asked = hold_the_first(jane, "/header/$")
    with jane.expect_request(re.compile(r"/header/$")):
        stage.john.call("POST", f"/chats/{stage.chat_id}/close")
    expect(jane.locator("#composer")).to_be_hidden()
    answer = asked[0].fetch()
    stage.john.call("POST", f"/chats/{stage.chat_id}/reopen")
    expect(jane.locator("#composer")).to_be_visible()
    asked[0].fulfill(response=answer)
    wait_for_routes(jane, asked, 2)
    expect(jane.locator("#chat-header")).not_to_have_attribute("data-closed", "")
    expect(jane.locator("#composer")).to_be_visible()


def test_members_come_and_go(enter: Opener, stage: Stage) -> None:
    jane = connected(enter("jane", stage.path))
    expect(jane.locator(".member-list .member-item")).to_have_count(3)
    people = stage.john.call("GET", "/users?search=maria")["results"]
    stage.john.call("POST", f"/chats/{stage.chat_id}/members", {"user_ids": [people[0]["id"]]})
    expect(jane.locator(f".member-item[data-user-id='{people[0]['id']}']")).to_contain_text("Maria Ortiz")
    stage.john.call("DELETE", f"/chats/{stage.chat_id}/members/{people[0]['id']}")
    expect(jane.locator(".member-list .member-item")).to_have_count(3)
    stage.john.call("DELETE", f"/chats/{stage.chat_id}/members/{stage.jane.id}")
    expect(jane.locator("#closed-note")).to_have_text("You are no longer in this chat.")
    expect(jane.locator("#composer")).to_be_hidden()
    expect(jane.locator(f".room[data-chat-id='{stage.chat_id}']")).to_have_count(0)


def test_nothing_is_lost_between_rendering_and_subscribing(enter: Opener, stage: Stage) -> None:
    jane = enter("jane", "/notifications/")
    jane.route(re.compile(r"/static/js/app(\.[^/]*)?\.js"), lambda route: _post_then_go_on(stage, route))
    jane.goto(stage.path)
    expect(jane.locator(".message")).to_have_text(re.compile("In the gap"))


def _post_then_go_on(stage: Stage, route: Route) -> None:
    stage.john.post(stage.chat_id, "In the gap")
    route.continue_()


def test_after_a_lost_connection_it_catches_up(enter: Opener, stage: Stage) -> None:
    jane = enter("jane", "/notifications/")
    tap = Tap(jane)
    jane.goto(stage.path)
    connected(jane)
    stage.john.post(stage.chat_id, "Before")
    expect(jane.locator(".message", has_text="Before")).to_be_visible()
    before = len(tap.subscriptions)
    tap.socket.close(code=1012)  # what the dot shows of it, test_connection.py tests: a blink of under 1 s, nothing
    stage.john.post(stage.chat_id, "Meanwhile")
    expect(jane.locator(".message", has_text="Meanwhile")).to_be_visible()
    connected(jane)
    assert len(tap.subscriptions) == before + 1


def test_a_message_is_posted_without_a_socket_too(enter: Opener, stage: Stage) -> None:
    jane = enter("jane", "/notifications/")
    jane.route_web_socket(re.compile("/ws/"), lambda socket: socket.close(code=4400))
    jane.goto(stage.path)
    expect(jane.locator("#ws-status")).to_have_attribute("data-state", "disconnected")
    write(jane, "By *another* way")
    expect(jane.locator(".message[data-seq='1'] em")).to_have_text("another")


def test_the_server_can_ask_to_load_again_and_say_something(enter: Opener, stage: Stage) -> None:
    jane = enter("jane", "/notifications/")
    tap = Tap(jane)
    jane.goto(stage.path)
    connected(jane)
    stage.john.post(stage.chat_id, "One")
    expect(jane.locator(".message", has_text="One")).to_be_visible()
    before = len(tap.subscriptions)
    with jane.expect_response(lambda response: "/sidebar/" in response.url):
        tap.socket.send('{"type": "resync", "reason": "broker", "within": 0}')
    tap.socket.send('{"type": "notice", "level": "warning", "text": "We restart at noon."}')
    expect(jane.locator(".toast[data-level=warning]")).to_contain_text("We restart at noon.")
    assert len(tap.subscriptions) == before + 1
    assert '"since":1' in tap.subscriptions[-1]


def test_older_states_of_a_message_change_nothing(enter: Opener, stage: Stage) -> None:
    jane = enter("jane", "/notifications/")
    tap = Tap(jane)
    jane.goto(stage.path)
    connected(jane)
    posted = stage.john.post(stage.chat_id, "First")
    path = f"/chats/{stage.chat_id}/messages/{posted['id']}"
    edited = stage.john.call("PATCH", path, {"body": "Second"})
    expect(jane.locator(".message-body", has_text="Second")).to_be_visible()
    for kind, data in (("posted", posted), ("edited", {**edited, "html": "<p>Equal</p>"})):
        frame = {"type": f"chat.message.{kind}", "chat_id": stage.chat_id, "data": data}
        tap.socket.send(json.dumps(frame))
    stage.john.post(stage.chat_id, "Later")
    expect(jane.locator(".message .message-body")).to_have_text(["Second", "Later"])


def test_signed_out_elsewhere_is_said_and_not_tried_again(enter: Opener, stage: Stage) -> None:
    jane = enter("jane", "/notifications/")
    jane.route_web_socket(re.compile("/ws/"), lambda socket: socket.close(code=4401))
    jane.goto(stage.path)
    expect(jane.locator("#ws-status")).to_have_attribute("data-state", "disconnected")
    expect(jane.locator("#ws-status")).to_have_accessible_name("Signed out - sign in again")
    expect(jane.locator(".toast").get_by_role("link", name="Sign in")).to_have_attribute(
        "href", re.compile("^/accounts/login/\\?next=")
    )


def test_a_message_that_cannot_be_sent_says_so(enter: Opener, stage: Stage) -> None:
    jane = connected(enter("jane", stage.path))
    write(jane, BLANK)
    failed = jane.locator(".message[data-status=failed]")
    expect(failed).to_contain_text("Not sent.")
    failed.get_by_role("button", name="Discard").click()
    expect(failed).to_have_count(0)


def test_at_midnight_today_becomes_yesterday(enter: Opener, stage: Stage) -> None:
    john = enter("john", "/notifications/")
    john.clock.install()
    john.goto(stage.path)
    connected(john)
    write(john, "before midnight")
    days = john.locator("#messages .day")
    expect(days).to_have_text(["Today"])
    john.clock.fast_forward("24:00:00")
    expect(days).to_have_text(["Yesterday"])
    john.clock.fast_forward("24:00:00")
    expect(days).not_to_have_text(["Yesterday"])
    expect(days).to_have_count(1)


def test_removing_somebody_asks_first(enter: Opener, stage: Stage) -> None:
    john = connected(enter("john", stage.path))
    bob = john.locator(f".member-item[data-user-id='{stage.bob.id}']")
    dialog = john.locator("#dialog")
    for key in ("Escape", "Enter"):
        bob.hover()
        bob.get_by_role("link", name="Remove Bob Wilson from this chat").click()
        expect(dialog.get_by_role("heading")).to_have_text(re.compile(f"Remove Bob Wilson from “.*{stage.title}”"))
        expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
        john.keyboard.press(key)
        expect(dialog).to_be_hidden()
    expect(bob).to_have_count(1)
    bob.hover()
    bob.get_by_role("link", name="Remove Bob Wilson from this chat").click()
    dialog.get_by_role("button", name="Remove Bob Wilson").click()
    expect(john.locator(".member-item")).to_have_count(2)
    expect(bob).to_have_count(0)
