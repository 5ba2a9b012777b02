"""What /metrics tells of a conversation: counts that are right, and times on one clock."""

from __future__ import annotations

import asyncio
import re
import time
from types import SimpleNamespace
from typing import Any, cast

import httpx
from prometheus_client import REGISTRY

from realtime.background.gauges import Gauges
from realtime.broker.events import Audience, LayerEvent, from_layer, to_layer
from tests.realtime.conftest import Scene
from tests.support.processes import Server


async def read(server: Server, series: str) -> float:
    """Return the value of a series of /metrics, 0 where it has none."""
    async with httpx.AsyncClient(trust_env=False) as http:
        text = (await http.get(f"{server.base_url}/metrics")).text
    found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


async def test_a_post_is_counted_and_its_delivery_timed(demo_server: Server, scene: Scene) -> None:
    async with await scene.jane.subscribe(scene.chat_id) as jane, await scene.john.subscribe(scene.chat_id) as john:
        names = ('flowra_messages_total{change="posted"}', "flowra_delivery_seconds_count")
        before = [await read(demo_server, name) for name in names]
        slow = 'flowra_delivery_seconds_bucket{le="1.0"}'
        fast = await read(demo_server, slow)
        for number in range(5):
            await john.post(scene.chat_id, str(number))
            await jane.until("chat.message.posted")
        after = [await read(demo_server, name) for name in names]
        assert after[0] - before[0] == 5
        assert after[1] - before[1] >= 5
        assert await read(demo_server, slow) - fast >= 5  # of another clock the difference would be anything
    assert await read(demo_server, "flowra_sockets_opened_total") >= 2


async def test_requests_are_counted_by_route_and_class_of_status(demo_server: Server, scene: Scene) -> None:
    missing = 'flowra_http_requests_total{method="GET",route="none",status="4xx"}'
    async with httpx.AsyncClient(base_url=demo_server.base_url, trust_env=False) as http:
        for path in range(3):
            await http.get(f"/no-such-page-{path}/")
        await http.request("PROPFIND", "/accounts/login/")
        text = (await http.get("/metrics")).text
    assert await read(demo_server, missing) >= 3
    assert "no-such-page" not in text
    assert 'method="OTHER"' in text
    assert "PROPFIND" not in text
    assert scene.chat_id not in text
    assert scene.john.id not in text
    assert await read(
        demo_server, 'flowra_http_request_seconds_bucket{le="+Inf",method="OTHER",route="accounts:login"}'
    )


def value(name: str) -> float:
    """Return the value of a series of this process."""
    return REGISTRY.get_sample_value(name) or 0.0


async def test_what_alerts_count_is_there_before_it_happens(demo_server: Server) -> None:
    """Prometheus sees no increase in a series that comes with its first count, and such an alert would not fire."""
    async with httpx.AsyncClient(trust_env=False) as http:
        text = (await http.get(f"{demo_server.base_url}/metrics")).text
    for operation in ("publish", "join", "leave", "listen"):
        assert f'flowra_layer_failures_total{{operation="{operation}"}}' in text
    assert 'flowra_sockets_closed_total{code="4408"}' in text
    assert 'flowra_commands_refused_total{code="internal"} 0.0' in text
    assert 'flowra_limits_met_total{setting="FLOWRA_CONNECTIONS_PER_ADDRESS"} 0.0' in text
    assert len(re.findall(r'^flowra_tasks_restarted_total\{task="[\w-]+"\} 0\.0$', text, re.MULTILINE)) > 3


def test_the_way_through_the_layer_is_timed_by_the_publisher_alone() -> None:
    event = LayerEvent(group="chat.x", audience=Audience.CHAT, payload=b"x")
    message = to_layer(event, "here")
    before, sum_before = value("flowra_layer_round_trip_seconds_count"), value("flowra_layer_round_trip_seconds_sum")
    time.sleep(0.02)  # the way
    assert from_layer(message, "here") is None
    assert value("flowra_layer_round_trip_seconds_count") == before + 1
    assert 0.02 <= value("flowra_layer_round_trip_seconds_sum") - sum_before < 1


def test_an_event_of_another_machine_has_this_ones_time() -> None:
    event = LayerEvent(group="chat.x", audience=Audience.CHAT, payload=b"x", known_at=10.0**9)
    before = time.monotonic()
    received = from_layer(to_layer(event, "there"), "here")
    assert received is not None
    assert before <= received.known_at <= time.monotonic()
    assert received.payload == b"x"


def test_outboxes_are_summed() -> None:
    connections = [SimpleNamespace(outbox=SimpleNamespace(queued_bytes=size)) for size in (0, 10, 32)]
    gauges = Gauges(cast(Any, SimpleNamespace(connections=connections)))
    gauges.sum_outboxes()
    assert (value("flowra_outbox_bytes"), value("flowra_outbox_largest_bytes")) == (42, 32)
    connections.clear()
    gauges.sum_outboxes()
    assert (value("flowra_outbox_bytes"), value("flowra_outbox_largest_bytes")) == (0, 0)


async def test_a_blocked_event_loop_shows() -> None:
    gauges = Gauges(cast(Any, SimpleNamespace(connections=[])))
    before = value("flowra_event_loop_lag_seconds_sum")
    count = value("flowra_event_loop_lag_seconds_count")
    task = asyncio.create_task(gauges.run())
    await asyncio.sleep(0.5)
    time.sleep(1.0)  # noqa: ASYNC251  (the fault to be seen)
    while value("flowra_event_loop_lag_seconds_count") == count:  # noqa: ASYNC110  (a counter)
        await asyncio.sleep(0.01)
    task.cancel()
    assert value("flowra_event_loop_lag_seconds_sum") - before > 0.4
