"""The server, the network or the page's version goes away while somebody goes from chat to chat."""

from __future__ import annotations

import json
from collections.abc import Callable

from playwright.sync_api import WebSocketRoute, expect

from tests.browser.chat.test_live import connected, write
from tests.browser.conftest import Caller, Opener, Stage, new_stage, signed_in
from tests.browser.navigation.switching import Costs, go_to, room, shows
from tests.support.processes import Server

WAITING = "Waiting for the connection…"


def test_the_server_is_killed_and_comes_back_during_a_switch(enter: Opener, mortal: Server) -> None:
    with signed_in(mortal) as people:
        first, second, third = (new_stage(people) for _ in range(3))
        jane = enter("jane", first.path, base_url=mortal.base_url, outage=True)
        connected(jane)
        costs = Costs(jane)
        go_to(jane, second)
        mortal.kill()
        room(jane, third).click()
        expect(jane.locator(".frame-note")).to_have_text(WAITING)
        write(jane, "Without a server")
        expect(jane.locator("[data-status=pending]", has_text="Without a server")).to_be_visible()
        go_to(jane, first)  # was open a moment ago: all that is known of it is there
        room(jane, third).click()
        expect(jane.locator(".frame-note")).to_have_text(WAITING)
        mortal.start()
        shows(jane, third)
        sent = jane.locator(".message.own[data-message-id]", has_text="Without a server")
        expect(sent).to_have_count(1, timeout=30_000)
        costs.take()
        # Away once more, by the browser's own word.
        jane.context.set_offline(True)
        go_to(jane, second)
        jane.context.set_offline(False)
        go_to(jane, third)
        connected(jane)
        assert [row["body"] for row in people["jane"].call("GET", f"/chats/{third.chat_id}/messages")["results"]] == [
            "Without a server"
        ]


def changed(**fields: object) -> Callable[[WebSocketRoute], None]:
    """Return a handler of sockets whose `welcome` says something else."""

    def handle(route: WebSocketRoute) -> None:
        server = route.connect_to_server()

        def to_page(message: str | bytes) -> None:
            frame = json.loads(message)
            route.send(json.dumps({**frame, **fields}) if frame["type"] == "welcome" else message)

        server.on_message(to_page)

    return handle


def test_a_new_version_is_loaded_with_the_next_chat(enter: Opener, stage: Stage, callers: dict[str, Caller]) -> None:
    other = new_stage(callers)
    jane = enter("jane")
    jane.route_web_socket("**/ws/", changed(version="another"))
    jane.goto(stage.path)
    connected(jane)
    jane.evaluate("window.isSamePage = true")
    jane.locator("#composer-body").fill("A draft")
    room(jane, other).click()
    shows(jane, other)
    assert jane.evaluate("window.isSamePage") is None
    jane.go_back()
    shows(jane, stage)
    expect(jane.locator("#composer-body")).to_have_value("A draft")


def test_a_server_with_room_for_few_chats_is_enough(enter: Opener, stage: Stage, callers: dict[str, Caller]) -> None:
    """It follows two at a time: the page lets the others go."""
    others = [new_stage(callers) for _ in range(3)]
    followed: set[str] = set()

    def handle(route: WebSocketRoute) -> None:
        server = route.connect_to_server()

        def to_server(message: str | bytes) -> None:
            frame = json.loads(message)
            if frame["type"] == "unsubscribe":
                followed.discard(frame["chat_id"])
            if frame["type"] == "subscribe":
                if len(followed | {frame["chat_id"]}) > 2:
                    error = {"type": "error", "code": "too_many", "message": "Too many.", "ref": frame["ref"]}
                    route.send(json.dumps(error))
                    return
                followed.add(frame["chat_id"])
            server.send(message)

        route.on_message(to_server)

    jane = enter("jane")
    jane.route_web_socket("**/ws/", handle)
    jane.goto(stage.path)
    connected(jane)
    costs = Costs(jane)
    for other in (*others, stage):
        go_to(jane, other)
        other.john.post(other.chat_id, "Heard")
        expect(jane.locator(".message", has_text="Heard")).to_be_visible()
    expect(jane.locator(".toast")).to_have_count(0)
    costs.take()
