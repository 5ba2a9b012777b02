"""Two people write and switch chats while the server is killed again and again and frames get lost.

Every message comes once, in order, in the chat that it was written in; what is left in the box waits there.

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
from tests.browser.conftest import Opener, Stage, new_stage, signed_in
from tests.browser.support.lines import Frame, Line, box, stored, visit
from tests.support.processes import Server

EACH = 100  # messages of each of the two
KILLS = 5
AHEAD = 30  # messages that wait at a time: so every kill finds some, and some are written before, while and after
LOSS = 0.04  # of all frames, in both directions
CHATS = (
    4  # one is loaded with the page, the others when somebody comes to them for the first time, whatever is going on
)
SWITCH = 0.25  # how often somebody goes on to another chat, by messages
# The page's clock runs faster than the machine's, or a lost ack, which the page waits 10 s for, would take that long.
# The slowest that the page waits for, a start of the server, stays well within its ten tries.
FASTER = 6
DEADLINE = 180  # seconds; on a calm machine a run takes a fifth of it
# Where somebody is, "" while they are on their way, what is in the box, and the latest message that is shown as stored.
PLACE = """
() => {
  const { chatId } = document.getElementById("main").dataset;
  const here = location.pathname === `/chats/${chatId}/` ? chatId : "";
  const seqs = [...document.querySelectorAll(".message[data-seq]")].map(({ dataset }) => Number(dataset.seq));
  return [here, document.getElementById("composer-body").value, Math.max(0, ...seqs)];
}
"""
CLICK = "(chatId) => document.querySelector(`.sidebar a.room[data-chat-id='${chatId}']`).click()"
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
        self._stored: dict[str, int] = {}  # by chat the highest seq of which a page was told, or would have been
        # So many messages are stored when the server is killed next.
        self._kill_at = sorted(self.random.sample(range(5, 2 * EACH - 10), KILLS))
        self._restart: threading.Thread | None = None
        self._clock = time.monotonic()
        self.lost = 0
        self.is_ended = False
        self._asking: set[tuple[Line, str]] = set()  # line and chat: the page waits for the answer to a subscribe
        self._broken: set[Line] = set()  # let nothing through until the socket that stands is gone
        for line in lines:
            line.passes_up = functools.partial(self._passes_up, line)
            line.passes_down = functools.partial(self._passes_down, line)

    def _passes_up(self, line: Line, frame: Frame) -> bool:
        is_through = line not in self._broken and not self._is_lost()
        if is_through and frame["type"] == "subscribe":
            self._asking.add((line, frame["chat_id"]))
        return is_through

    def _passes_down(self, line: Line, frame: Frame) -> bool:
        chat_id = frame.get("chat_id") or ""
        self.note(chat_id, frame.get("seq") or frame.get("data", {}).get("seq") or 0)
        if line in self._broken:
            return False
        is_lost = self._is_lost()
        if (line, chat_id) in self._asking and frame["type"].startswith("chat.message.") and is_lost:
            # The broker loses an event; this one is part of an answer, which only a socket that breaks cuts short.
            self._broken.add(line)
        if frame.get("action") == "subscribed":
            self._asking.discard((line, chat_id))
        return not is_lost

    def _is_lost(self) -> bool:
        is_lost = self.random.random() < LOSS
        self.lost += is_lost
        return is_lost

    def note(self, chat_id: str, seq: int) -> None:
        """Note that a chat has so many messages: by a frame, or by a page, whose messages go by REST meanwhile."""
        self._stored[chat_id] = max(self._stored.get(chat_id, 0), seq)

    @property
    def stored(self) -> int:
        """How many messages are stored in all chats, as far as pages were told."""
        return sum(self._stored.values())

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
            self._asking = {(other, chat_id) for other, chat_id in self._asking if other is not line}
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


class Writer:
    """Somebody who writes their texts into whichever chat is open, and goes from one chat to another all the while."""

    def __init__(self, page: Page, texts: list[str], chats: list[str], chaos: Chaos) -> None:
        self.page = page
        self.left = list(texts)
        self.written: dict[str, list[str]] = {chat_id: [] for chat_id in chats}
        self.switches = 0
        self._drafts: dict[str, str] = {}
        self._chance = chaos.random
        self._note = chaos.note

    def go_on(self, *, may_write: bool) -> None:
        """Write a text, leave something in the box, switch: whatever chance has it."""
        here, words, latest = self.page.evaluate(PLACE)
        if here == "":
            return
        self._note(here, latest)
        assert words == self._drafts.get(here, ""), f"{here}: the box has {words!r}, left was {self._drafts}"
        if may_write and self.left and self._chance.random() < 0.8:
            write(self.page, self.left[0])
            self.written[here].append(self.left.pop(0))
            self._drafts.pop(here, None)
        if self.left and self._chance.random() < SWITCH:
            if self._chance.random() < 0.3:
                self._drafts[here] = f"Left after {self.written[here][-1:]}"
                box(self.page).fill(self._drafts[here])
            self.page.evaluate(CLICK, self._chance.choice([chat_id for chat_id in self.written if chat_id != here]))
            self.switches += 1


def is_settled(page: Page, stage: Stage, rows: list[Frame]) -> bool:
    """Return whether the page shows the chat's messages to the end as they are stored, and nothing else."""
    if page.evaluate(PLACE)[0] != stage.chat_id:
        return False
    shown = page.evaluate(SHOWN)
    expected = [["stored", row["seq"], row["body"]] for row in rows]
    return len(shown) >= min(len(rows), 40) and shown == expected[len(expected) - len(shown) :]


def settle(writer: Writer, stage: Stage, rows: list[Frame], deadline: float, what: str) -> None:
    """Go to a chat and wait until it is settled there."""
    writer.page.evaluate(CLICK, stage.chat_id)
    while not is_settled(writer.page, stage, rows):
        assert time.monotonic() < deadline, f"{what}: {writer.page.evaluate(SHOWN)} instead of {rows}"
        writer.page.clock.run_for(500)


def test_nothing_is_lost_doubled_or_mixed_up(enter: Opener, mortal: Server) -> None:
    seed = int(os.environ.get("FLOWRA_CHAOS_SEED") or random.randrange(10**6))  # noqa: S311
    print(f"FLOWRA_CHAOS_SEED={seed}")  # noqa: T201  # pytest shows it where the test fails
    names = ("john", "jane")
    with signed_in(mortal) as people:
        stages = [new_stage(people) for _ in range(CHATS)]
        lines = [visit(enter, mortal, name, stages[0].path) for name in names]
        for line in lines:
            line.page.clock.install()
        chaos = Chaos(seed, mortal, lines)
        chats = [stage.chat_id for stage in stages]
        texts = [[f"{name} {count}" for count in range(1, EACH + 1)] for name in names]
        writers = [Writer(line.page, mine, chats, chaos) for line, mine in zip(lines, texts, strict=True)]
        deadline = time.monotonic() + DEADLINE
        while not chaos.is_ended or sum(len(stored(stage)) for stage in stages) < 2 * EACH:
            left = [len(writer.left) for writer in writers]
            assert time.monotonic() < deadline, f"seed {seed}: {left} left, {chaos.stored} stored"
            for writer in writers:
                ahead = 2 * EACH - sum(len(each.left) for each in writers) - chaos.stored
                writer.go_on(may_write=ahead < AHEAD)
            chaos.go_on()
            if not any(writer.left for writer in writers) and chaos.is_over and not chaos.is_ended:
                chaos.end()
        switches = sum(writer.switches for writer in writers)
        for stage in stages:
            rows = stored(stage)
            assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
            for writer, name in zip(writers, names, strict=True):
                mine = [row["body"] for row in rows if row["author"]["username"] == name]
                assert mine == writer.written[stage.chat_id], f"{seed}: {name}"
                settle(writer, stage, rows, deadline, f"{seed}: {name}")
        for line in lines:
            expect(line.page.locator("#ws-status")).to_have_attribute("data-state", "connected")
        took = DEADLINE - deadline + time.monotonic()
        print(f"{KILLS} kills, {chaos.lost} frames lost, {switches} switches, {took:.0f} s")  # noqa: T201
