"""Many passwords at once, over two servers: each is counted before its hash is computed, for both together."""

from __future__ import annotations

import asyncio

import httpx

from tests.support.processes import Server

GUESSES = 60
LIMIT = 10


async def test_guesses_at_once_are_no_more_than_one_by_one(pair: tuple[Server, Server]) -> None:
    async with httpx.AsyncClient(timeout=60) as client:

        async def guess(number: int, username: str, password: str) -> int:
            url = f"{pair[number % 2].base_url}/api/v1/auth/token"
            return (await client.post(url, json={"username": username, "password": password})).status_code

        statuses = await asyncio.gather(*(guess(number, "john", f"wrong{number}") for number in range(GUESSES)))
        # The last of those that are tried is answered with the lock-out, as its failure is one too many.
        assert statuses.count(401) <= LIMIT, statuses
        assert statuses.count(429) >= GUESSES - LIMIT, statuses
        for number in range(2):
            assert await guess(number, "john", "demo") == 429
        assert await guess(1, "jane", "demo") == 200, "nobody else is concerned"
