"""Joining: at once after quiet, together under load, never out of order, never more than a bound."""

from __future__ import annotations

import asyncio
import time

import pytest

from realtime import joining
from realtime.joining import JOIN_SIZE, Joiner


@pytest.fixture
def sent() -> list[list[str]]:
    """Give the list of what was sent together."""
    return []


async def written() -> None:
    """Let the event loop come to its next round, in which what was sent counts as written."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_the_first_after_quiet_goes_at_once(sent: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "SOON", 0.0)
    joiner: Joiner[str] = Joiner(sent.append)
    joiner.put("a", 1)
    assert sent == [["a"]]
    await written()
    joiner.put("b", 1)
    assert sent == [["a"], ["b"]]


async def test_what_comes_soon_after_goes_together_in_order(
    sent: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining, "SOON", 60.0)
    joiner: Joiner[str] = Joiner(sent.append)
    joiner.put("a", 1)
    joiner.put("b", 1)  # in the same round of the loop, before "a" was written
    await written()
    joiner.put("c", 1)
    assert sent == [["a"]]
    began = time.monotonic()
    while len(sent) < 2:
        await asyncio.sleep(0.001)
        assert time.monotonic() - began < 10
    assert sent == [["a"], ["b", "c"]]
    joiner.put("d", 1)
    assert len(sent) == 2, "still busy"
    joiner.flush()
    assert sent == [["a"], ["b", "c"], ["d"]]


async def test_much_does_not_wait(sent: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "SOON", 60.0)
    joiner: Joiner[str] = Joiner(sent.append)
    joiner.put("a", 1)
    joiner.put("b", JOIN_SIZE)
    assert sent == [["a"]]
    joiner.put("c", 1)
    assert sent == [["a"], ["b", "c"]]


async def test_a_flush_of_nothing_sends_nothing(sent: list[list[str]]) -> None:
    joiner: Joiner[str] = Joiner(sent.append)
    joiner.flush()
    assert sent == []
