"""What connects the processes goes on whatever a read from the broker ends with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from redis.asyncio.client import PubSub
from redis.asyncio.connection import AbstractConnection

from realtime.broker.channel_layers import RedisLayer
from tests.support.processes import Valkey


def fail_once(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return a coroutine function that raises Python's own TimeoutError, and from then on does what `original` does."""
    failures = [TimeoutError("a read took too long")]

    async def read(*args: Any, **kwargs: Any) -> Any:
        if failures:
            raise failures.pop()
        return await original(*args, **kwargs)

    return read


@pytest.mark.parametrize(
    ("library", "name"),
    [(AbstractConnection, "read_response"), (PubSub, "handle_message"), (PubSub, "get_message")],
    ids=["in the connection", "in a message", "in the reader"],
)
async def test_the_reader_outlives_pythons_own_timeout(
    valkey: Valkey, monkeypatch: pytest.MonkeyPatch, library: type, name: str
) -> None:
    monkeypatch.setattr("realtime.broker.channel_layers.RESTART_DELAY", 0.01)
    layer = RedisLayer([valkey.url], prefix=f"timeout.{name}")
    told = asyncio.Event()
    layer.on_reconnected(told.set)
    channel = await layer.new_channel()
    await layer.group_add("chat.x", channel)
    monkeypatch.setattr(library, name, fail_once(getattr(library, name)))
    async with asyncio.timeout(10):
        await told.wait()  # something may have been lost, so clients resync
        await layer.group_send("chat.x", {"type": "event"})
        assert await layer.receive(channel) == {"type": "event"}
