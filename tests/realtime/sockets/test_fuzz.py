"""A hundred thousand frames of any kind: each is answered once, nothing breaks, nothing grows, nobody else feels it."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from realtime.limits.connection import BAD_FRAMES
from tests.realtime.sockets.fuzzing import expected_answers, fill, frames, is_nonsense, mutate
from tests.support.clients import Person, Socket, make_chat
from tests.support.processes import Server

BATCHES, EXAMPLES_EACH, FRAMES_EACH = 50, 40, 2_050
LEAST_FRAMES = 100_000
WARM = 10  # batches until caches and pools have their size
MAY_GROW = 8 * 1024  # KiB of resident memory: about 100 bytes for each of the frames after that
ANSWERS = ("ack", "error", "pong")
CODES = {"bad_frame", "unknown_type", "invalid", "forbidden", "too_long"}


def shares(texts: list[str]) -> Iterator[list[str]]:
    """Cut a batch so that no socket sends more bad frames than it may before it is closed with 4400."""
    share: list[str] = []
    bad_frames = 0
    for text in texts:
        bad_frames += is_nonsense(text)
        if bad_frames > BAD_FRAMES:
            yield share
            share, bad_frames = [], 1
        share.append(text)
    yield share


class Target:
    """A server without rate limits, a chat on it, and somebody in the chat whose socket must not feel anything."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.runner = asyncio.Runner()
        self.sent = 0
        self.batches = 0
        self.warm_memory = 0

    async def prepare(self) -> None:
        """Sign people in and have one of them listen."""
        self.john, self.jane = [await Person.sign_in(self.server.base_url, name) for name in ("john", "jane")]
        self.chat_id: str = (await make_chat(self.john, self.jane))["id"]
        self.healthy: Socket = await self.jane.subscribe(self.chat_id)

    @property
    def memory(self) -> int:
        """The server's resident memory in KiB."""
        status = Path(f"/proc/{self.server.process.pid}/status").read_text()
        return int(status.split("VmRSS:", 1)[1].split()[0])

    async def feed(self, texts: list[str]) -> None:
        """Send all, a new socket for as much as one may send, and look whether anybody felt it."""
        for share in shares(texts):
            await self._feed_a_socket(share)
        async with asyncio.timeout(5):
            assert (await self.healthy.ask("ping"))["type"] == "pong"
        self.sent += len(texts)
        self.batches += 1
        if self.batches == WARM:
            self.warm_memory = self.memory

    async def _feed_a_socket(self, texts: list[str]) -> None:
        """Send all at once, and see each answered once, in order."""
        async with await self.john.connect() as socket:
            sending = asyncio.create_task(self._send(socket, texts))
            for text in texts:
                count, ref, code = expected_answers(text, self.chat_id)
                for _ in range(count):
                    answer = await self._next_answer(socket)
                    assert answer.get("ref") == ref, (text[:300], answer)
                    if code is not None:
                        assert answer.get("code") == code, (text[:300], answer)
                    assert answer["type"] != "error" or answer["code"] in CODES, (text[:300], answer)
            await sending
            last = await socket.frames_so_far()
            assert [frame for frame in last if frame["type"] in ANSWERS] == []

    async def _send(self, socket: Socket, texts: list[str]) -> None:
        for text in texts:
            await socket.send_raw(text)

    async def _next_answer(self, socket: Socket) -> dict[str, object]:
        while (frame := await socket.receive())["type"] not in ANSWERS:
            continue
        return frame


@pytest.fixture(scope="module")
def target(processes: None) -> Iterator[Target]:
    """Give the target; its event loop goes on from one batch to the next."""
    with Server({"FLOWRA_RATE_LIMITS": "false"}, demo=True) as server:
        target = Target(server)
        with target.runner:
            target.runner.run(target.prepare())
            yield target
            target.runner.run(target.healthy.close())


@settings(
    max_examples=BATCHES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # a batch that fails says which frame it was
    suppress_health_check=list(HealthCheck),
)
@given(batch=st.lists(frames, min_size=EXAMPLES_EACH, max_size=EXAMPLES_EACH), seed=st.integers(0, 2**32))
def test_every_frame_is_answered_once(target: Target, batch: list[str], seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  (to vary, not to hide)
    texts = [fill(text, chat_id=target.chat_id, token=target.john.token) for text in batch]
    short = [text for text in texts if len(text) < 2_000] or ["{}"]  # long ones come once: it is not their number
    texts += [mutate(chance, chance.choice(short)) for _ in range(FRAMES_EACH - len(texts))]
    chance.shuffle(texts)
    target.runner.run(target.feed(texts))


def test_afterwards_nothing_has_broken_or_grown(target: Target) -> None:
    assert target.sent >= LEAST_FRAMES
    output = target.server.output()
    assert "Traceback" not in output
    assert " ERROR " not in output
    metrics = httpx.get(f"{target.server.base_url}/metrics", timeout=20).text
    assert not re.findall(r"^flowra_tasks_restarted_total\{.*\} [^0]", metrics, re.MULTILINE)
    assert "flowra_connections 1.0" in metrics
    assert target.memory - target.warm_memory < MAY_GROW
