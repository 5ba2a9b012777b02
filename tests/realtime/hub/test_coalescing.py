"""Joining: at once after quiet, together under load, never out of order, never more than a bound."""

from __future__ import annotations

import asyncio

import pytest

from realtime.hub import coalescing
from realtime.hub.coalescing import MAX_SIZE, WriteCoalescer


@pytest.fixture
def sent() -> list[list[str]]:
    """Give the list of what was sent together."""
    return []


async def written() -> None:
    """Let the event loop come to its next round, in which what was sent counts as written."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def until_sent(sent: list[list[str]], writes: int) -> None:
    """Wait until so much was written."""
    async with asyncio.timeout(10):
        while len(sent) < writes:  # noqa: ASYNC110  (a list knows of no event)
            await asyncio.sleep(0.001)


async def test_one_after_the_other_goes_at_once(sent: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coalescing, "COALESCE_FOR", 60.0)  # what waits would never come
    coalescer: WriteCoalescer[str] = WriteCoalescer(sent.append)
    coalescer.put("a", 1)
    assert sent == [["a"]]
    await written()
    coalescer.put("b", 1)
    assert sent == [["a"], ["b"]]


async def test_what_comes_meanwhile_goes_together_in_order(sent: list[list[str]]) -> None:
    coalescer: WriteCoalescer[str] = WriteCoalescer(sent.append)
    coalescer.put("a", 1)
    coalescer.put("b", 1)  # in the same round of the loop, before "a" was written
    await written()
    coalescer.put("c", 1)
    assert sent == [["a"]]
    await until_sent(sent, 2)
    assert sent == [["a"], ["b", "c"]]


async def test_a_busy_room_coalesces_until_it_was_quiet(sent: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coalescing, "COALESCE_FOR", 60.0)
    coalescer: WriteCoalescer[str] = WriteCoalescer(sent.append)
    for text in "abc":
        coalescer.put(text, 1)
    coalescer.flush()
    await written()
    coalescer.put("d", 1)
    assert sent == [["a"], ["b", "c"]], "still busy"
    coalescer.flush()
    await written()
    coalescer.put("e", 1)
    assert sent == [["a"], ["b", "c"], ["d"], ["e"]], "a write of one was the end of it"


async def test_much_does_not_wait(sent: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coalescing, "COALESCE_FOR", 60.0)
    coalescer: WriteCoalescer[str] = WriteCoalescer(sent.append)
    coalescer.put("a", 1)
    coalescer.put("b", MAX_SIZE)
    assert sent == [["a"]]
    coalescer.put("c", 1)
    assert sent == [["a"], ["b", "c"]]


async def test_what_is_large_goes_alone(sent: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coalescing, "COALESCE_FOR", 60.0)
    coalescer: WriteCoalescer[str] = WriteCoalescer(sent.append)
    for text, size in {"a": 1, "b": MAX_SIZE, "c": MAX_SIZE + 1, "d": MAX_SIZE, "e": MAX_SIZE}.items():
        coalescer.put(text, size)
    assert sent == [["a"], ["b"], ["c"], ["d", "e"]]


async def test_a_flush_of_nothing_sends_nothing(sent: list[list[str]]) -> None:
    coalescer: WriteCoalescer[str] = WriteCoalescer(sent.append)
    coalescer.flush()
    assert sent == []
