"""A third server's machine is lost in the middle of a transaction that holds the chat: nobody tells PostgreSQL."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from flowra.config.tcp_keepalive import POSTGRESQL_OPTIONS
from tests.faults.support.outcome import Outcome
from tests.faults.support.stage import Stage, set_stage
from tests.faults.support.traffic import Traffic

HELD_AT_MOST = 15.0  # seconds


async def happen(stage: Stage) -> Outcome:
    """Let it happen on this stage."""
    url = stage.servers[0].env["DATABASE_URL"]
    async with Traffic.flowing(stage.addresses) as traffic:
        with psycopg.connect(url, **POSTGRESQL_OPTIONS) as lost:
            lost.execute("SELECT id FROM chats_chat WHERE id = %s FOR UPDATE", [traffic.chat_id])
            async with traffic.fault(), asyncio.timeout(HELD_AT_MOST):
                await _readable(lost)
            with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
                lost.execute("SELECT 1")
        return await traffic.settle("A server's machine lost while it stores a message", within=40)


async def _readable(connection: psycopg.Connection) -> None:
    """Wait until PostgreSQL says something by itself."""
    heard = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(connection.fileno(), heard.set)
    try:
        await heard.wait()
    finally:
        loop.remove_reader(connection.fileno())


def run() -> Outcome:
    """Let it happen on a stage of its own."""
    with set_stage() as stage:
        return asyncio.run(happen(stage))


async def test_the_chat_is_held_only_for_a_while(stage: Stage) -> None:
    outcome = await happen(stage)
    assert (outcome.lost, outcome.doubled) == (0, 0)
    assert not outcome.close_codes
    assert not outcome.presence_wrong
    assert outcome.slowest_ack < HELD_AT_MOST
