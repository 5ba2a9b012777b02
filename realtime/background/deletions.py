"""Deletes what is left of deleted chats and workspaces, a little at a time; see chats/services/deletion.py."""

from __future__ import annotations

import asyncio
from uuid import UUID

from chats import services
from realtime.database import post_lane, run_in_lane

CHECK_INTERVAL = 10.0  # seconds between two looks for something to do
PAUSE = 0.05  # seconds between two transactions: about two thirds of the time are everybody else's
_LANE_OF_NO_CHAT = UUID(int=0)


async def run() -> None:
    """Look and delete, for ever; runs in the hub's loop."""
    while True:
        # In a lane, because with SQLite it is a writer like all others.
        deleted = await run_in_lane(post_lane(_LANE_OF_NO_CHAT), services.purge_some)
        await asyncio.sleep(PAUSE if deleted else CHECK_INTERVAL)
