"""Posts that come by way of pages and REST, counted in the bucket of the sockets (realtime/limits/shared.py)."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from uuid import UUID

from realtime.hub.hub import Hub, running_hub
from realtime.hub.supervisor import is_running_here
from realtime.limits.shared import post_buckets

LOOP_TIMEOUT = 2.0  # seconds that a thread waits for the event loop
# Where no hub runs, before the first socket of daphne or in a test, this process counts them for itself.
_buckets = post_buckets()
_lock = threading.Lock()


def take_post(user_id: UUID) -> float:
    """Count a post, from any thread; returns 0.0, or the seconds until the user may post again."""
    hub = running_hub()
    wait = None if hub is None else _take_in_loop(hub, user_id)
    if wait is not None:
        return wait
    with _lock:
        return _buckets.take(str(user_id))


def _take_in_loop(hub: Hub, user_id: UUID) -> float | None:
    """Count a post where the sockets' are counted; None where the event loop does not answer."""
    loop = hub.loop
    if loop is None:
        return None
    if is_running_here(loop):
        return hub.quota.take_post(user_id)
    answer: Future[float] = Future()

    def take() -> None:
        if answer.set_running_or_notify_cancel():
            answer.set_result(hub.quota.take_post(user_id))

    try:
        loop.call_soon_threadsafe(take)
        return answer.result(LOOP_TIMEOUT)
    except (RuntimeError, TimeoutError):  # it has ended, or is about to
        answer.cancel()
        return None
