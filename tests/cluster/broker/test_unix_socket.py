"""A broker that one process reaches through a Unix-domain socket, and another one by its address."""

from __future__ import annotations

from tests.cluster.conftest import SECRET_KEY, started
from tests.support.conversation import converse
from tests.support.processes import PostgreSQL, Server, Valkey


async def test_a_conversation_between_both(postgresql: PostgreSQL) -> None:
    with Valkey() as broker:
        shared = {"DATABASE_URL": postgresql.create_database(), "SECRET_KEY": SECRET_KEY}
        near = Server({**shared, "REDIS_URL": broker.unix_url})
        far = Server({**shared, "REDIS_URL": broker.url})
        with started(near, far):
            near.manage("doctor")
            await converse(near.base_url, far.base_url)
