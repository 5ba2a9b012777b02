"""Deletes what is left of deleted chats and workspaces, a little at a time; see chats/services/deletion.py."""

from __future__ import annotations

import asyncio

from chats import services
from realtime.database import background_key, run_serialized

CHECK_INTERVAL = 10.0  # seconds between two looks for something to do
PAUSE = 0.05  # seconds between two transactions: about two thirds of the time are everybody else's


async def run() -> None:
    """Look and delete, for ever; runs in the hub's loop."""
    while True:
        deleted = await run_serialized(background_key("deletions"), services.purge_some)
        await asyncio.sleep(PAUSE if deleted else CHECK_INTERVAL)
