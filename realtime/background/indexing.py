"""Indexes messages that are not in the search index yet; see chats/services/indexing/backfill.py."""

from __future__ import annotations

import asyncio
import datetime

from django.utils import timezone

from chats.services.indexing import backfill
from realtime.database import background_key, run_serialized

CHECK_INTERVAL = 30.0  # seconds between two runs when nothing is left
PAUSE = 0.05  # seconds between two transactions: other writers have most of the time
# Seconds that a run goes back beyond the start of the last one: as long as a transaction lasts and clocks differ.
OVERLAP = 60.0
AT_FIRST = 3_600.0  # seconds that the first run goes back


async def run() -> None:
    """Index what is not indexed, for ever; runs in the hub's loop."""
    key = background_key("indexing")
    await run_serialized(key, backfill.fill_all_keys)
    since = timezone.now() - datetime.timedelta(seconds=AT_FIRST)
    while True:
        began = timezone.now()
        more = await run_serialized(key, backfill.index_since, since) == backfill.BATCH
        if not more:
            since = began - datetime.timedelta(seconds=OVERLAP)
            more = await run_serialized(key, backfill.index_some) > 0
        await asyncio.sleep(PAUSE if more else CHECK_INTERVAL)
