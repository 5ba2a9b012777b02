"""Who is online, as people see it: dots, counts, order and "last seen", live and after something went wrong."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, WebSocketRoute, expect

from tests.browser.chat.test_live import Tap, connected
from tests.browser.conftest import Caller, Opener, Stage
from tests.support.processes import Server, wait_until

GRACE = 5.0  # seconds: FLOWRA_PRESENCE_GRACE unless set
GONE = 12_000  # ms: the grace, and some more for a busy machine
FUTURE = 10**15  # a version above all that the server has given out
# Notes every look that the dot of one member takes from now on, also for a moment.
WATCH_DOT = """
(userId) => {
  window.looks = [];
  const root = document.getElementById("members");
  const note = () => {
    const dot = root.querySelector(`[data-user-id="${userId}"] .presence-dot`);
    if (dot !== null && window.looks.at(-1) !== dot.className) window.looks.push(dot.className);
  };
  note();
  new MutationObserver(note).observe(root, { subtree: true, childList: true, attributes: true });
}
"""


def item(page: Page, who: Caller) -> Locator:
    """Return somebody's item in the member list."""
    return page.locator(f".member-list .member-item[data-user-id='{who.id}']")


def shows(page: Page, who: Caller, look: str) -> None:
    """Wait until somebody is shown "online", "offline" or "unknown"."""
    dot = item(page, who).locator(".presence-dot")
    expect(dot).to_have_class(f"presence-dot {look}", timeout=GONE)
    expect(dot).to_have_text({"online": "Online", "offline": "Offline", "unknown": ""}[look])


def counts(page: Page, online: int) -> None:
    """Wait until title and header say how many are online."""
    expect(page.locator(".member-list .pane-title")).to_contain_text(f"Members ({online} online)", timeout=GONE)
    expect(page.locator(".online-count")).to_have_text(f"{online} online", timeout=GONE)


def in_order(page: Page, *names: str) -> None:
    """Wait until the members stand in this order."""
    expect(page.locator(".member-name")).to_have_text([re.compile(f"^{name}") for name in names], timeout=GONE)


def tapped(enter: Opener, stage: Stage, username: str = "john", **options: Any) -> tuple[Page, Tap]:
    """Return somebody's page of the chat, and the tap on its socket."""
    page = enter(username, "/notifications/", **options)
    tap = Tap(page)
    page.goto(stage.path)
    return connected(page), tap


def tell(tap: Tap, who: Caller, *, is_online: bool, version: int) -> None:
    """Let the page hear that somebody came or went."""
    user = {
        "user_id": who.id,
        "display_name": "",
        "is_online": is_online,
        "last_seen": None if is_online else "2026-03-01T12:00:00.000Z",
        "version": version,
    }
    frame = {"type": "presence.users", "users": [user]}
    tap.socket.send(json.dumps(frame))


def test_two_see_each_other_and_one_leaves(enter: Opener, stage: Stage) -> None:
    john = connected(enter("john", stage.path))
    shows(john, stage.john, "online")
    expect(item(john, stage.john).locator("small")).to_have_text("You")
    shows(john, stage.bob, "offline")
    jane = connected(enter("jane", stage.path))
    for page in (john, jane):
        shows(page, stage.john, "online")
        shows(page, stage.jane, "online")
        counts(page, 2)
        in_order(page, "Jane", "John", "Bob")
    expect(item(john, stage.jane).locator("small")).to_have_text("online")
    bob = connected(enter("bob", stage.path))
    for page in (john, jane, bob):
        shows(page, stage.bob, "online")
        counts(page, 3)
        in_order(page, "Bob", "Jane", "John")
    bob.close()
    jane.close()
    shows(john, stage.bob, "offline")
    shows(john, stage.jane, "offline")
    expect(item(john, stage.jane).locator("small")).to_have_text("last seen just now")
    counts(john, 1)
    in_order(john, "John", "Bob", "Jane")
    # Without scripts it is the same.
    plain = enter("john", f"{stage.path}members/", java_script_enabled=False)
    shows(plain, stage.jane, "offline")
    expect(item(plain, stage.jane).locator("small time")).to_have_attribute("datetime", re.compile("Z$"))


def test_the_last_tab_counts(enter: Opener, stage: Stage) -> None:
    john = connected(enter("john", stage.path))
    first = connected(enter("jane", stage.path))
    second = first.context.new_page()
    second.goto(stage.path)
    connected(second)
    shows(john, stage.jane, "online")
    john.evaluate(WATCH_DOT, stage.jane.id)
    first.close()
    time.sleep(GRACE + 2)  # nothing may happen, so there is nothing to wait for
    assert john.evaluate("window.looks") == ["presence-dot online"]
    second.close()
    shows(john, stage.jane, "offline")
    expect(item(john, stage.jane).locator("small")).to_contain_text("last seen")
    assert john.evaluate("window.looks") == ["presence-dot online", "presence-dot offline"]


def test_a_reload_does_not_flicker(enter: Opener, stage: Stage) -> None:
    jane, john = connected(enter("jane", stage.path)), connected(enter("john", stage.path))
    shows(jane, stage.john, "online")
    jane.evaluate(WATCH_DOT, stage.john.id)
    for _ in range(3):
        john.reload()
        connected(john)
        shows(john, stage.john, "online")
    john.goto("/notifications/")
    connected(john)
    time.sleep(GRACE + 2)
    assert jane.evaluate("window.looks") == ["presence-dot online"]


def test_after_a_lost_connection_the_dots_are_right(enter: Opener, stage: Stage) -> None:
    is_down = False

    def opened(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        if is_down:
            socket.close(code=1011)
        else:
            socket.connect_to_server()

    sockets: list[WebSocketRoute] = []
    john = enter("john", "/notifications/")
    john.route_web_socket(re.compile("/ws/"), opened)
    john.goto(stage.path)
    connected(john)
    jane = connected(enter("jane", stage.path))
    shows(john, stage.jane, "online")
    is_down = True
    sockets[-1].close(code=1011)
    jane.close()
    # Nothing claims to be known meanwhile.
    for who in (stage.john, stage.jane, stage.bob):
        shows(john, who, "unknown")
    expect(john.locator(".member-list .pane-title")).to_contain_text("Members (3)")
    expect(john.locator(".online-count")).to_be_hidden()
    _wait_until_offline(stage, stage.jane)
    shows(john, stage.jane, "unknown")
    is_down = False
    shows(john, stage.jane, "offline")
    counts(john, 1)


def test_one_person_is_the_same_in_the_sidebar_the_header_and_the_list(enter: Opener, stage: Stage) -> None:
    chat = stage.john.call(
        "POST", "/chats", {"workspace_id": stage.workspace_id, "kind": "direct", "member_ids": [stage.bob.id]}
    )
    john = enter("john", "/notifications/")
    tap = Tap(john)
    asked: list[str] = []
    john.on("request", lambda request: asked.append(request.url))
    john.goto(f"/chats/{chat['id']}/")
    state = john.locator("#chat-header .peer-state")
    in_sidebar = john.locator(f"#sidebar .presence-dot[data-presence-of='{stage.bob.id}']")
    connected(john)
    expect(state).to_contain_text(re.compile("^(offline|last seen .*)$"))
    expect(state.locator(".presence-dot")).to_have_class("presence-dot offline")
    expect(in_sidebar).to_have_class("presence-dot offline")
    expect(john.locator(".online-count")).to_have_count(0)
    bob = connected(enter("bob", stage.path))
    expect(state).to_have_text("online")
    expect(state.locator(".presence-dot")).to_have_class("presence-dot online")
    expect(in_sidebar).to_have_class("presence-dot online")
    # In another chat of both, and back: nobody is asked over again, and one frame says whom to watch.
    told = len(tap.sent)
    john.locator(f"#sidebar a[href='{stage.path}']").click()
    shows(john, stage.bob, "online")
    counts(john, 2)
    john.go_back()
    expect(state).to_have_text("online")
    john.wait_for_timeout(1200)
    assert len([text for text in tap.sent[told:] if "presence.watch" in text]) <= 2
    bob.close()
    expect(state).to_have_text("last seen just now", timeout=GONE)
    expect(in_sidebar).to_have_class("presence-dot offline")
    john.go_forward()
    shows(john, stage.bob, "offline")
    counts(john, 1)
    assert not [url for url in asked if url.endswith("/presence")]
    plain = enter("john", f"/chats/{chat['id']}/", java_script_enabled=False)
    expect(plain.locator("#chat-header .peer-state")).to_have_text("last seen just now")


def _wait_until_offline(stage: Stage, who: Caller) -> None:
    def is_offline() -> bool:
        rows = stage.bob.call("GET", f"/chats/{stage.chat_id}/presence")
        return not next(row["is_online"] for row in rows if row["user_id"] == who.id)

    wait_until(is_offline, GONE / 1000, "somebody to be offline")


def test_unknown_while_nobody_can_say_and_healed_after(enter: Opener, stage: Stage) -> None:
    asked: list[float] = []
    is_away = True

    def opened(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def pass_on(text: str | bytes) -> None:
            frame = json.loads(text)
            if frame["type"] == "presence.watch":
                asked.append(time.monotonic())
                if is_away:
                    error = {"type": "error", "ref": frame["ref"], "code": "internal", "message": "not known"}
                    socket.send(json.dumps(error))
                    return
            server.send(text)

        socket.on_message(pass_on)

    john = enter("john", "/notifications/")
    john.route_web_socket(re.compile("/ws/"), opened)
    john.goto(stage.path)
    connected(john)
    for who in (stage.john, stage.jane, stage.bob):
        shows(john, who, "unknown")
    expect(john.locator(".member-list .pane-title")).to_contain_text("Members (3)")
    expect(john.locator(".online-count")).to_be_hidden()
    expect(item(john, stage.jane).locator("small")).to_have_text("@jane")
    is_away = False
    shows(john, stage.john, "online")
    shows(john, stage.bob, "offline")
    expect(john.locator(".online-count")).to_be_visible()
    assert asked[-1] - asked[-2] > 1.9


def test_frames_count_by_version(enter: Opener, stage: Stage) -> None:
    john, tap = tapped(enter, stage)
    shows(john, stage.bob, "offline")
    tell(tap, stage.bob, is_online=True, version=FUTURE + 2)
    tell(tap, stage.bob, is_online=False, version=FUTURE + 1)
    tell(tap, stage.bob, is_online=False, version=FUTURE + 2)
    shows(john, stage.bob, "online")
    tell(tap, stage.bob, is_online=False, version=FUTURE + 3)
    shows(john, stage.bob, "offline")
    expect(item(john, stage.bob).locator("small time")).to_have_attribute("datetime", "2026-03-01T12:00:00.000Z")


def test_typing_ends_when_somebody_goes(enter: Opener, stage: Stage) -> None:
    john, tap = tapped(enter, stage)
    tell(tap, stage.bob, is_online=True, version=FUTURE)
    frame = {"type": "chat.typing", "chat_id": stage.chat_id, "user_id": stage.bob.id, "display_name": "Bob Wilson"}
    tap.socket.send(json.dumps({**frame, "is_typing": True}))
    expect(john.locator(".typing-indicator")).to_have_text("Bob is typing...")
    tell(tap, stage.bob, is_online=False, version=FUTURE + 1)
    expect(john.locator(".typing-indicator")).to_have_text("", timeout=1500)


def test_nothing_moves_from_under_the_pointer(enter: Opener, stage: Stage) -> None:
    john, tap = tapped(enter, stage)
    tell(tap, stage.jane, is_online=False, version=FUTURE)
    in_order(john, "John", "Bob", "Jane")
    item(john, stage.john).hover()
    tell(tap, stage.jane, is_online=True, version=FUTURE + 1)
    shows(john, stage.jane, "online")
    in_order(john, "John", "Bob", "Jane")
    john.locator("#chat-header h1").hover()
    in_order(john, "Jane", "John", "Bob")
    # The same for the focus, which stays where it is.
    remove = item(john, stage.bob).get_by_role("link")
    remove.focus()
    tell(tap, stage.bob, is_online=True, version=FUTURE + 2)
    shows(john, stage.bob, "online")
    in_order(john, "Jane", "John", "Bob")
    expect(remove).to_be_focused()
    john.locator("textarea[name=body]").focus()
    in_order(john, "Bob", "Jane", "John")


def test_somebody_added_comes_with_their_presence(enter: Opener, stage: Stage) -> None:
    john, _ = tapped(enter, stage)
    connected(enter("maria", "/notifications/"))
    people = stage.john.call("GET", "/users?search=maria")["results"]
    maria = people[0]["id"]
    stage.john.call("POST", f"/chats/{stage.chat_id}/members", {"user_ids": [maria]})
    expect(john.locator(f".member-item[data-user-id='{maria}'] .presence-dot.online")).to_have_count(1)
    counts(john, 2)
    in_order(john, "John", "Maria", "Bob", "Jane")


@pytest.fixture(scope="module")
def bare() -> Iterator[Server]:
    """Give a server without presence and typing."""
    with Server({"FLOWRA_PRESENCE_ENABLED": "false", "FLOWRA_TYPING_ENABLED": "false"}, demo=True) as server:
        yield server


def test_switched_off_nothing_is_shown_or_asked(enter: Opener, bare: Server) -> None:
    asked: list[str] = []
    john = enter("john", "/", base_url=bare.base_url)
    tap = Tap(john)
    john.on("request", lambda request: asked.append(request.url))
    john.goto(john.url)
    connected(john)
    expect(john.locator(".member-list .pane-title")).to_contain_text(re.compile(r"Members \(\d+\)"))
    expect(john.locator(".presence-dot, .online-count")).to_have_count(0)
    expect(john.locator(".member-item small", has_text="@jane")).to_have_count(1)
    john.locator("textarea[name=body]").press_sequentially("Well", delay=20)
    frame = {"type": "chat.typing", "chat_id": john.url.split("/")[-2], "user_id": "x", "display_name": "Bob Wilson"}
    tap.socket.send(json.dumps({**frame, "is_typing": True}))
    john.wait_for_timeout(500)
    expect(john.locator(".typing-indicator")).to_have_text("")
    assert not [text for text in tap.sent if "chat.typing" in text or "presence.watch" in text]
    assert not [url for url in asked if url.endswith("/presence")]
