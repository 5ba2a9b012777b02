"""Hundreds of switches leave nothing behind: no memory, nodes, listeners, timers or subscriptions.

`make proof-switching` makes 500 of them.
"""

from __future__ import annotations

import os
from typing import Any

from playwright.sync_api import CDPSession, Page, expect

from tests.browser.chat.test_live import connected
from tests.browser.conftest import Opener, signed_in
from tests.browser.navigation.switching import frames_sent
from tests.support.processes import Server

CHATS = 30  # more than are kept
MOST_FOLLOWED = 21  # the open one and 20 recent ones
WARM_UP = 45  # switches until as much is kept as ever will be
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
# Opens one chat after the other as clicks do: three times among a few, then one that was not open for long.
SWITCH = """
async ([ids, from, count]) => {
  for (let number = from; number < from + count; number += 1) {
    const id = number % 4 === 3 ? ids[10 + (number >> 2) % (ids.length - 10)] : ids[number % 10];
    document.querySelector(`.sidebar .room[data-chat-id="${id}"]`).click();
    const isThere = () => JSON.parse(document.getElementById("bootstrap")?.textContent ?? "{}").chat_id === id;
    while (!isThere()) await new Promise(requestAnimationFrame);
  }
}
"""


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
        john, jane_id = people["john"], people["jane"].id
        workspace_id = john.call("GET", "/workspaces")["results"][0]["id"]
        chats = []
        for number in range(CHATS):
            body = {"workspace_id": workspace_id, "kind": "task", "title": f"Chat {number}", "member_ids": [jane_id]}
            chats.append(john.call("POST", "/chats", body)["id"])
            for line in range(3):
                john.post(chats[-1], f"Line {line}")
    jane = enter("jane", base_url=mortal.base_url)
    jane.add_init_script(COUNT_TIMERS)
    sent = frames_sent(jane)
    jane.goto(f"/chats/{chats[0]}/")
    connected(jane)
    session = jane.context.new_cdp_session(jane)
    session.send("Performance.enable")
    jane.evaluate(SWITCH, [chats, 0, WARM_UP])
    before = measure(session, jane)
    jane.evaluate(SWITCH, [chats, WARM_UP, SWITCHES // 4 * 4])
    expect(jane.locator("#ws-status")).to_have_attribute("data-state", "connected")
    after = measure(session, jane)
    growth = {name: after[name] - before[name] for name in before}
    assert most_followed(sent) <= MOST_FOLLOWED
    assert growth["heap"] < 1_500_000, growth
    assert growth["nodes"] < 0.1 * before["nodes"], growth
    assert growth["listeners"] < 0.1 * before["listeners"], growth
    assert growth["documents"] <= 1, growth
    assert growth["timers"] <= 6, growth
