"""How fast each user may post: one count for sockets, pages and REST of this process, asked from any thread."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from uuid import UUID

from django.conf import settings

from realtime.limits.buckets import Buckets, TokenBucket


class PostLimit:
    """A token bucket per user.

    An answer never waits for the other processes. While somebody shares what was counted (realtime/limits/shared.py),
    posts in other processes lower the bucket here a moment later, and one post too many is a debt.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: Buckets[str, TokenBucket] = Buckets(
            lambda now: TokenBucket(settings.FLOWRA_POSTS_PER_SECOND, settings.FLOWRA_POSTS_BURST, now)
        )
        self._unshared: Counter[str] = Counter()  # posts by user that other processes have not been told of
        self._counted: Callable[[], None] | None = None

    def take(self, user_id: UUID) -> float:
        """Count a post of this user; returns 0.0, or the seconds until the user may post again."""
        user = str(user_id)
        with self._lock:
            wait = self._buckets.take(user)
            counted = None if wait else self._counted
            if counted is not None:
                self._unshared[user] += 1
        if counted is not None:
            counted()
        return wait

    def share(self, counted: Callable[[], None] | None) -> None:
        """Keep posts for `pop_unshared` from now on, with a call of `counted`, in the poster's thread, after each.

        With None nothing is kept.
        """
        with self._lock:
            self._counted = counted

    @property
    def has_unshared(self) -> bool:
        """Whether there is anything for `pop_unshared`."""
        return bool(self._unshared)

    def pop_unshared(self, most: int) -> dict[str, int]:
        """Return numbers of posts by user that were counted since the last call, of at most `most` users."""
        with self._lock:
            users = list(self._unshared)[:most]
            return {user: self._unshared.pop(user) for user in users}

    def lower(self, levels: Iterable[tuple[str, float]]) -> None:
        """Lower users' buckets to these levels, where they are higher; a negative level is a debt."""
        with self._lock:
            for user, level in levels:
                bucket = self._buckets.get(user)
                if bucket is not None:
                    bucket.lower(level)


# One for the process and not the hub's, because pages and REST post before the first socket starts a hub.
post_limit = PostLimit()
