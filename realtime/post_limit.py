"""Posts that come by way of pages and REST, counted in the bucket of the sockets (realtime/quota.py)."""

from __future__ import annotations

import threading
from uuid import UUID

from realtime.hub import running_hub
from realtime.quota import post_buckets

# Where no hub runs, before the first socket of daphne or in a test, this process counts them for itself.
_buckets = post_buckets()
_lock = threading.Lock()


def take_post(user_id: UUID) -> float:
    """Count a post, from any thread; returns 0.0, or the seconds until the user may post again."""
    hub = running_hub()
    wait = None if hub is None else hub.take_post(user_id)
    if wait is not None:
        return wait
    with _lock:
        return _buckets.take(str(user_id))
