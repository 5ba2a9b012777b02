"""Five hundred people behind one address, with the limits as they are by default: a restart keeps none of them out."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Iterator

import pytest

from tests.cluster.conftest import two_servers
from tests.support.crowd import Crowd, make_members
from tests.support.processes import PostgreSQL, Server, Valkey

logger = logging.getLogger(__name__)
PEOPLE = 510
BACK_WITHIN = (
    15.0  # seconds: some for all, on a machine that runs other tests beside; who is told 1013 waits for longer
)


@pytest.fixture(scope="module")
def servers(postgresql: PostgreSQL, broker: Valkey) -> Iterator[tuple[Server, Server]]:
    """Give two running servers with all limits as they are by default."""
    with two_servers(postgresql, broker, {}) as running:
        yield running


async def test_an_office_behind_one_address_is_back_after_a_restart(servers: tuple[Server, Server]) -> None:
    """They open some 1,300 sockets within a minute, which is more than one address may without a good credential."""
    chat_id, people = make_members(servers[0], PEOPLE)
    async with Crowd.gathered(people, 1, chat_id, [server.base_url for server in servers]) as crowd:
        for server in servers:
            assert await asyncio.to_thread(server.stop, signal.SIGTERM) == 0
            await asyncio.to_thread(server.start)
            await crowd.until_live(BACK_WITHIN)
        assert len(crowd.outages) >= PEOPLE
        logger.info("outages %s, at most %.1f s", crowd.close_codes, crowd.longest_outage)
        assert {code for follower in crowd.followers for code in follower.codes} == {1012}
        assert crowd.longest_outage <= BACK_WITHIN
