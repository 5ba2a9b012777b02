"""A broker that answers and refuses: told once in the log, not every second, and all heals when it lets us in."""

from __future__ import annotations

import asyncio
import re

import httpx
import redis

from tests.support.conversation import converse
from tests.support.processes import PostgreSQL, Server, Valkey, wait_until

TRIES = 3


def test_a_password_that_is_missing(postgresql: PostgreSQL) -> None:
    with Valkey() as broker, redis.Redis(port=broker.port) as admin:
        admin.config_set("requirepass", "secret")
        admin.auth("secret")
        with Server({"DATABASE_URL": postgresql.create_database(), "REDIS_URL": broker.url}) as server:
            server.manage("seed_demo")

            def times(operation: str) -> float:
                text = httpx.get(f"{server.base_url}/metrics").text
                found = re.search(rf"^flowra_{operation} (\S+)$", text, re.MULTILINE)
                return float(found[1]) if found else 0.0

            def has_tried() -> bool:
                return (
                    times('layer_failures_total{operation="listen"}') >= TRIES
                    and times("presence_registry_failures_total") >= TRIES
                )

            wait_until(has_tried, 20, "some tries")
            log = server.output()
            assert log.count("The broker does not let this process listen") == 1
            assert log.count("The registry of presence does not answer") == 1
            assert "answers again" not in log
            assert "died" not in log
            assert httpx.get(f"{server.base_url}/readyz").status_code == 503

            admin.config_set("requirepass", "")
            wait_until(lambda: httpx.get(f"{server.base_url}/readyz").status_code == 200, 20, "the broker to let it in")
            wait_until(lambda: "answers again" in server.output(), 20, "the registry to let it in")
            asyncio.run(converse(server.base_url))
