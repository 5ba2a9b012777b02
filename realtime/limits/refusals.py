"""Which limits have refused somebody: counted at /metrics, logged now and then, and stored for the doctor.

Only limits that refuse without a word to the user: those that many people share, and those that a faulty client
reaches. Whoever posts too fast is told so.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Collection

from django.conf import settings
from django.utils import timezone

from realtime import metrics
from realtime.database import run_in_db_thread
from realtime.models import MetLimit

logger = logging.getLogger("realtime.met_limits")  # documented: docs/operations.md
LOG_EVERY = 60.0  # seconds between two lines about one setting
STORE_EVERY = 5.0  # seconds between two writes, if there is something to write

_lock = threading.Lock()
_refused: Counter[str] = Counter()  # by setting, since it was last logged
_next_log: dict[str, float] = {}  # by setting, on the monotonic clock
_unstored: set[str] = set()


def note(setting: str, whom: str) -> None:
    """Record that the limit of this setting has refused `whom` (an address, or "user:" and an id); from any thread."""
    metrics.limits_met.labels(setting).inc()
    now = time.monotonic()
    with _lock:
        _unstored.add(setting)
        _refused[setting] += 1
        if now < _next_log.get(setting, now):
            return
        _next_log[setting] = now + LOG_EVERY
        times = _refused.pop(setting)
    logger.warning(
        "%s is met (%s): %s was refused, %d times since this was last said.",
        setting,
        getattr(settings, setting),
        whom,
        times,
    )


async def run() -> None:
    """Store which limits refused somebody, for ever; runs in the hub's loop."""
    while True:
        await asyncio.sleep(STORE_EVERY)
        with _lock:
            met = set(_unstored)
            _unstored.clear()
        if not met:
            continue
        try:
            await run_in_db_thread(store, met)
        except BaseException:
            with _lock:
                _unstored.update(met)
            raise


def store(names: Collection[str]) -> None:
    """Store that these settings' limits refused somebody just now."""
    rows = [MetLimit(setting=name, met_at=timezone.now()) for name in sorted(names)]
    MetLimit.objects.bulk_create(rows, update_conflicts=True, unique_fields=["setting"], update_fields=["met_at"])
