"""Many threads publish at once, and a process at the other end of a real broker counts."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import pytest
from pytest_django import Settings

from realtime import metrics
from realtime.broker.channel_layers import RedisLayer
from realtime.broker.events import EVERYBODY, Audience, LayerEvent, from_layer
from realtime.broker.publisher import Publisher
from tests.support.processes import Valkey

THREADS, EACH = 20, 25  # 500 events: of those, Channels' own in-process layer drops 400
WITHIN = 20.0  # seconds for all of them


@asynccontextmanager
async def publishing(layer: RedisLayer) -> AsyncIterator[Publisher]:
    """Give a publisher that runs."""
    publisher = Publisher(layer, "here")
    running = asyncio.create_task(publisher.run())
    try:
        yield publisher
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


def sent() -> list[str]:
    """Return what each thread sends, thread by thread."""
    return [f"{thread:02}.{number:02}" for thread in range(THREADS) for number in range(EACH)]


async def publish_from_threads(publisher: Publisher) -> None:
    """Put everything, from THREADS threads at once, as views and services do."""
    loop = asyncio.get_running_loop()

    def put(thread: int) -> None:
        for number in range(EACH):
            event = LayerEvent(group="chat.x", audience=Audience.CHAT, payload=f"{thread:02}.{number:02}".encode())
            loop.call_soon_threadsafe(publisher.put, event)

    with ThreadPoolExecutor(THREADS) as pool:
        await asyncio.gather(*(loop.run_in_executor(pool, put, thread) for thread in range(THREADS)))


async def test_everything_arrives_and_each_threads_events_in_order(valkey: Valkey) -> None:
    layer = RedisLayer([valkey.url], prefix="publishing")
    channel = await layer.new_channel()
    await layer.group_add("chat.x", channel)
    before = metrics.events_unannounced._value.get()
    async with asyncio.timeout(WITHIN), publishing(layer) as publisher:
        await publish_from_threads(publisher)
        arrived = [from_layer(await layer.receive(channel), "there") for _ in sent()]
    texts = [event.payload.decode() for event in arrived if event is not None]
    assert sorted(texts) == sent()
    for thread in range(THREADS):
        own = [text for text in texts if text.startswith(f"{thread:02}.")]
        assert own == sorted(own)
    assert metrics.events_unannounced._value.get() == before


async def test_over_the_bound_events_are_counted_not_lost_in_silence(valkey: Valkey, settings: Settings) -> None:
    settings.FLOWRA_PUBLISH_QUEUE = 100
    publisher = Publisher(RedisLayer([valkey.url], prefix="bounded"), "here")  # nobody runs it
    before = metrics.events_unannounced._value.get()
    await publish_from_threads(publisher)
    async with asyncio.timeout(WITHIN):
        while metrics.events_unannounced._value.get() < before + THREADS * EACH - 100:  # noqa: ASYNC110  (a counter)
            await asyncio.sleep(0)
    assert metrics.events_unannounced._value.get() == before + THREADS * EACH - 100


@pytest.mark.parametrize("bound", [1, 100])
async def test_whoever_dropped_something_has_everybody_load_again(
    valkey: Valkey, settings: Settings, bound: int
) -> None:
    settings.FLOWRA_PUBLISH_QUEUE = bound
    layer = RedisLayer([valkey.url], prefix=f"dropped{bound}")
    channel = await layer.new_channel()
    await layer.group_add(EVERYBODY, channel)
    async with asyncio.timeout(WITHIN), publishing(layer) as publisher:
        for _ in range(bound + 1):
            publisher.put(LayerEvent(group="chat.x", audience=Audience.CHAT, payload=b"one too many"))
        event = from_layer(await layer.receive(channel), "there")
        assert event is not None
        assert event.audience is Audience.RESYNC
