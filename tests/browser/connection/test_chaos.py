"""Two people write while the server is killed again and again and frames get lost: every message comes once, in order.

What happens is drawn from a seed, which the test prints; FLOWRA_CHAOS_SEED=… draws the same again. Machine and server
are real, so the moments differ by some milliseconds from run to run all the same.
"""

from __future__ import annotations

import functools
import os
import random
import threading
import time

from playwright.sync_api import Page, expect

from tests.browser.chat.test_live import write
from tests.browser.conftest import Opener, Stage
from tests.browser.support.lines import Frame, Line, stored, visit
from tests.support.processes import Server

EACH = 100  # messages of each of the two
KILLS = 5
AHEAD = 30  # messages that wait at a time: so every kill finds some, and some are written before, while and after
LOSS = 0.04  # of all frames, in both directions
# The page's clock runs faster than the machine's, or a lost ack, which the page waits 10 s for, would take that long.
# The slowest that the page waits for, a start of the server, stays well within its ten tries.
FASTER = 6
DEADLINE = 180  # seconds; on a calm machine a run takes a fifth of it
SHOWN = """
() => [...document.querySelectorAll(".message")].map((node) =>
  [node.dataset.status ?? "stored", Number(node.dataset.seq), node.querySelector(".message-body").textContent.trim()])
"""


class Chaos:
    """Loses frames on the lines and kills the server, by chance and as often as it is to."""

    def __init__(self, seed: int, server: Server, lines: list[Line]) -> None:
        self.random = random.Random(seed)  # noqa: S311  # chance that can be drawn again is the point
        self._server = server
        self._lines = lines
        self.stored = 0  # the highest seq of which a page was told, or would have been
        # So many messages are stored when the server is killed next.
        self._kill_at = sorted(self.random.sample(range(5, 2 * EACH - 10), KILLS))
        self._restart: threading.Thread | None = None
        self._clock = time.monotonic()
        self.lost = 0
        self.is_ended = False
        self._asking: set[Line] = set()  # their pages wait for the answer to a subscribe
        self._broken: set[Line] = set()  # let nothing through until the socket that stands is gone
        for line in lines:
            line.passes_up = functools.partial(self._passes_up, line)
            line.passes_down = functools.partial(self._passes_down, line)

    def _passes_up(self, line: Line, frame: Frame) -> bool:
        is_through = line not in self._broken and not self._is_lost()
        if is_through and frame["type"] == "subscribe":
            self._asking.add(line)
        return is_through

    def _passes_down(self, line: Line, frame: Frame) -> bool:
        self.stored = max(self.stored, frame.get("seq") or frame.get("data", {}).get("seq") or 0)
        if line in self._broken:
            return False
        is_lost = self._is_lost()
        if line in self._asking and frame["type"].startswith("chat.message.") and is_lost:
            # The broker loses an event; this one is part of an answer, which only a socket that breaks cuts short.
            self._broken.add(line)
        if frame.get("action") == "subscribed":
            self._asking.discard(line)
        return not is_lost

    def _is_lost(self) -> bool:
        is_lost = self.random.random() < LOSS
        self.lost += is_lost
        return is_lost

    @property
    def is_over(self) -> bool:
        """Whether the server was killed for the last time, and is up again."""
        return not self._kill_at and self._restart is None

    def go_on(self) -> None:
        """Kill the server when it is time, see to it when it is back, and let the pages' clocks run."""
        if self._restart is None and self._kill_at and self.stored >= self._kill_at[0]:
            self._kill_at.pop(0)
            self._server.kill()
            # In a thread: frames and pages go on meanwhile.
            self._restart = threading.Thread(target=self._server.start)
            self._restart.start()
        if self._restart is not None and not self._restart.is_alive():
            self._restart = None
            for line in self._lines:
                line.page.locator("#ws-status").click()
        for line in list(self._broken):
            line.drop()
            self._asking.discard(line)
            self._broken.discard(line)
        now = time.monotonic()
        for line in self._lines:
            line.page.clock.run_for(round((now - self._clock) * 1000 * (FASTER - 1)))
        self._clock = now

    def end(self) -> None:
        """Lose nothing more. What the last frames were, no page can know: on a real line they go with their socket."""
        self.is_ended = True
        for line in self._lines:
            line.passes_up = line.passes_down = lambda frame: True
            line.drop()


def is_settled(page: Page, count: int) -> bool:
    """Return whether the page shows so many messages, all of them stored."""
    shown = page.evaluate(SHOWN)
    return len(shown) == count and all(status == "stored" for status, _, _ in shown)


def test_nothing_is_lost_doubled_or_mixed_up(enter: Opener, mortal: Server, mortal_stage: Stage) -> None:
    seed = int(os.environ.get("FLOWRA_CHAOS_SEED") or random.randrange(10**6))  # noqa: S311
    print(f"FLOWRA_CHAOS_SEED={seed}")  # noqa: T201  # pytest shows it where the test fails
    names = ("john", "jane")
    lines = [visit(enter, mortal, name, mortal_stage.path) for name in names]
    pages = [line.page for line in lines]
    for page in pages:
        page.clock.install()
    chaos = Chaos(seed, mortal, lines)
    written = [[f"{name} {count}" for count in range(1, EACH + 1)] for name in names]
    left = [list(texts) for texts in written]
    deadline = time.monotonic() + DEADLINE
    while any(left) or not chaos.is_over or not all(is_settled(page, 2 * EACH) for page in pages):
        assert time.monotonic() < deadline, f"seed {seed}: {[page.evaluate(SHOWN) for page in pages]}"
        for page, texts in zip(pages, left, strict=True):
            ahead = 2 * EACH - sum(map(len, left)) - chaos.stored
            if texts and ahead < AHEAD and chaos.random.random() < 0.8:
                write(page, texts.pop(0))
        chaos.go_on()
        if not any(left) and chaos.is_over and not chaos.is_ended:
            chaos.end()
    print(f"{KILLS} kills, {chaos.lost} frames lost, {DEADLINE - deadline + time.monotonic():.0f} s")  # noqa: T201
    rows = stored(mortal_stage)
    assert [row["seq"] for row in rows] == list(range(1, 2 * EACH + 1))
    for page, name, texts in zip(pages, names, written, strict=True):
        assert page.evaluate(SHOWN) == [["stored", row["seq"], row["body"]] for row in rows], f"{seed}: {name}"
        assert [row["body"] for row in rows if row["author"]["username"] == name] == texts, f"{seed}: {name}"
        expect(page.locator("#ws-status")).to_have_attribute("data-state", "connected")
