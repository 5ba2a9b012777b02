"""Hundreds of switches leave nothing behind: no memory, nodes, listeners, timers or subscriptions.

`make proof-switching` makes 500 of them.

V8 compiles a function anew as it is called more often: in 3,000 switches the heap grows by 0.8 MB of machine code, less
and less, while its objects, closures, arrays and strings grow by 2 kB in 900. The browser of this test runs bytecode
only, so that what the heap gains is what the page keeps.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from tests.browser.chat.test_live import connected
from tests.browser.conftest import Opener, launch, signed_in
from tests.browser.navigation.switching import frames_sent
from tests.support.processes import Server

CHATS = 30  # more than are kept
MOST_FOLLOWED = 21  # the open one and 20 recent ones
MOST_GROWTH = 150_000  # bytes of the heap; measured were 80 kB in 60 switches, 100 kB in 500
BYTECODE_ONLY = "--js-flags=--no-opt --no-maglev --no-sparkplug"
SWITCHES = int(os.environ.get("SWITCHES", "60"))
# The timers that are set.
COUNT_TIMERS = """
(() => {
  const timers = new Set();
  window.timersSet = timers;
  const { setTimeout: set, clearTimeout: clear } = window;
  window.setTimeout = (callback, delay, ...rest) => {
    const id = set((...given) => {
      timers.delete(id);
      callback(...given);
    }, delay, ...rest);
    timers.add(id);
    return id;
  };
  window.clearTimeout = (id) => {
    timers.delete(id);
    clear(id);
  };
})();
"""
# Opens chats one after the other, as clicks do.
SWITCH = """
async (ids) => {
  for (const id of ids) {
    document.querySelector(`.sidebar .room[data-chat-id="${id}"]`).click();
    const isThere = () => JSON.parse(document.getElementById("bootstrap")?.textContent ?? "{}").chat_id === id;
    while (!isThere()) await new Promise(requestAnimationFrame);
  }
}
"""


@pytest.fixture(scope="module")
def chromium(chromium: Browser, pytestconfig: pytest.Config) -> Iterator[Browser]:
    """Give a browser whose heap holds no compiled code."""
    browser = launch(chromium.browser_type, pytestconfig, BYTECODE_ONLY)
    yield browser
    browser.close()


def way(chats: list[str], count: int) -> list[str]:
    """Return `count` chats to go to: three times one of a few, which are kept, then one that was not open for long."""
    few, others = chats[:10], chats[10:]
    return [others[number // 4 % len(others)] if number % 4 == 3 else few[number % 10] for number in range(count)]


def measure(session: CDPSession, page: Page) -> dict[str, float]:
    """Return what the page holds, after the garbage is collected."""
    for _ in range(3):
        session.send("HeapProfiler.collectGarbage")
    metrics = {entry["name"]: entry["value"] for entry in session.send("Performance.getMetrics")["metrics"]}
    names = {"heap": "JSHeapUsedSize", "nodes": "Nodes", "listeners": "JSEventListeners", "documents": "Documents"}
    held = {name: metrics[metric] for name, metric in names.items()}
    return {**held, "timers": page.evaluate("window.timersSet.size")}


def most_followed(sent: list[dict[str, Any]]) -> int:
    """Return how many chats were followed at a time."""
    followed: set[str] = set()
    most = 0
    for frame in sent:
        if frame["type"] == "subscribe":
            followed.add(frame["chat_id"])
        elif frame["type"] == "unsubscribe":
            followed.discard(frame["chat_id"])
        most = max(most, len(followed))
    return most


def test_switches_leave_nothing_behind(enter: Opener, mortal: Server) -> None:
    with signed_in(mortal) as people:
        john, writer = people["john"], people["jane"]
        workspace_id = john.call("GET", "/workspaces")["results"][0]["id"]
        chats = []
        for number in range(CHATS):
            body = {"workspace_id": workspace_id, "kind": "task", "title": f"Chat {number}", "member_ids": [writer.id]}
            chats.append(john.call("POST", "/chats", body)["id"])
            john.post(chats[-1], "A question")
            writer.post(chats[-1], "The answer")  # so that nothing is unread: a chat is the same each time it is opened
    jane = enter("jane", base_url=mortal.base_url)
    jane.add_init_script(COUNT_TIMERS)
    sent = frames_sent(jane)
    jane.goto(f"/chats/{chats[0]}/")
    connected(jane)
    session = jane.context.new_cdp_session(jane)
    session.send("Performance.enable")
    jane.evaluate(SWITCH, [*chats, *chats[-15:]])  # all are fetched and as many kept as ever; then some come back
    before = measure(session, jane)
    jane.evaluate(SWITCH, way(chats, SWITCHES))
    expect(jane.locator("#ws-status")).to_have_attribute("data-state", "connected")
    after = measure(session, jane)
    growth = {name: after[name] - before[name] for name in before}
    assert most_followed(sent) <= MOST_FOLLOWED
    assert growth["heap"] < MOST_GROWTH, growth
    assert growth["nodes"] <= 50, growth
    assert growth["listeners"] <= 20, growth
    assert growth["documents"] <= 1, growth
    assert growth["timers"] <= 3, growth
