"""Which limits have refused somebody: counted at /metrics, said in the log now and then, remembered for the doctor.

Only those that many people share by no fault of theirs, or that a client which has gone wrong meets: they are met
without a word otherwise. Whoever posts too fast is told so.
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
SAY_EVERY = 60.0  # seconds between two lines about one setting
REMEMBER_EVERY = 5.0  # seconds between two writes, if there is something to write

_lock = threading.Lock()
_refused: Counter[str] = Counter()  # by setting, since it was last said
_silent_until: dict[str, float] = {}  # by setting, on the monotonic clock
_unremembered: set[str] = set()


def note(setting: str, whom: str) -> None:
    """Note that the limit of this setting has refused `whom` (an address, or "user:" and an id); from any thread."""
    metrics.limits_met.labels(setting).inc()
    now = time.monotonic()
    with _lock:
        _unremembered.add(setting)
        _refused[setting] += 1
        if now < _silent_until.get(setting, now):
            return
        _silent_until[setting] = now + SAY_EVERY
        times = _refused.pop(setting)
    logger.warning(
        "%s is met (%s): %s was refused, %d times since this was last said.",
        setting,
        getattr(settings, setting),
        whom,
        times,
    )


async def run() -> None:
    """Write down what was met, for ever; runs in the hub's loop."""
    while True:
        await asyncio.sleep(REMEMBER_EVERY)
        with _lock:
            met = set(_unremembered)
            _unremembered.clear()
        if not met:
            continue
        try:
            await run_in_db_thread(remember, met)
        except BaseException:
            with _lock:
                _unremembered.update(met)
            raise


def remember(names: Collection[str]) -> None:
    """Store that these settings' limits were met just now."""
    rows = [MetLimit(setting=name, met_at=timezone.now()) for name in sorted(names)]
    MetLimit.objects.bulk_create(rows, update_conflicts=True, unique_fields=["setting"], update_fields=["met_at"])
