"""PostgreSQL goes away and comes back: whoever looks at /metrics hears of it, and no background task counts as dead."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import httpx
import pytest

from tests.realtime.conftest import make_scene, sign_in_all
from tests.support.processes import PostgreSQL, Server, wait_until

NOTICED_WITHIN = 30.0  # seconds; it looks every 5 s, and what it asks has its time-outs


@pytest.fixture
def own_postgresql(processes: None) -> Iterator[PostgreSQL]:
    """Give a PostgreSQL of this test's own, to be stopped."""
    with PostgreSQL(durable=True) as running:  # what was stored before it stopped is there afterwards
        yield running


def series(server: Server) -> dict[str, float]:
    """Return all series of /metrics."""
    text = httpx.get(f"{server.base_url}/metrics").text
    return {name: float(number) for name, number in re.findall(r"^(flowra_\S+) (\S+)$", text, re.MULTILINE)}


async def test_metrics_and_log_tell_of_a_database_that_is_away(own_postgresql: PostgreSQL) -> None:
    database_ready = 'flowra_ready{part="database"}'
    internal = 'flowra_commands_refused_total{code="internal"}'
    with Server({"DATABASE_URL": own_postgresql.create_database()}) as server:
        await asyncio.to_thread(server.manage, "seed_demo")
        scene = await make_scene(await sign_in_all(server.base_url))
        await asyncio.to_thread(wait_until, lambda: series(server).get(database_ready) == 1, NOTICED_WITHIN, "ready")
        assert series(server)[internal] == 0
        assert series(server)['flowra_database_pool_connections{state="open"}'] >= 1
        async with await scene.john.subscribe(scene.chat_id) as john:
            await asyncio.to_thread(own_postgresql.stop)
            refused = await john.post(scene.chat_id, "into the void")
            assert refused["code"] == "internal"
            await asyncio.to_thread(wait_until, lambda: series(server)[database_ready] == 0, NOTICED_WITHIN, "0")
            assert series(server)[internal] == 1
            await asyncio.to_thread(own_postgresql.start)
            await asyncio.to_thread(wait_until, lambda: series(server)[database_ready] == 1, NOTICED_WITHIN, "1")
            async with asyncio.timeout(NOTICED_WITHIN):
                while (answer := await john.post(scene.chat_id, "heard again"))["type"] == "error":
                    assert answer["code"] == "internal"  # a thread may hold a connection of before
        restarted = {name: number for name, number in series(server).items() if "tasks_restarted" in name}
        assert restarted
        assert set(restarted.values()) == {0}
        log = server.output()
    assert "waits for the database" in log
    assert "The database does not answer" in log
    assert "The database answers again" in log
    assert "died" not in log
