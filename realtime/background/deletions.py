"""Deletes what is left of deleted chats and workspaces, a little at a time; see chats/services/deletion.py."""

from __future__ import annotations

import asyncio

from chats import services
from realtime.database import background_key, run_serialized

CHECK_INTERVAL = 10.0  # seconds between two runs when nothing is left
PAUSE = 0.05  # seconds between two transactions: other writers have about two thirds of the time


async def run() -> None:
    """Delete what is left, for ever; runs in the hub's loop."""
    while True:
        deleted = await run_serialized(background_key("deletions"), services.purge_some)
        await asyncio.sleep(PAUSE if deleted else CHECK_INTERVAL)
