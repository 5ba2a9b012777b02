"""Buckets and windows that count in this process, and a bounded number of them by key."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar

K = TypeVar("K", bound=Hashable)

MAX_KEYS = 100_000


class TokenBucket:
    """Allows `burst` at once and `rate` per second in the long run."""

    __slots__ = ("_burst", "_level", "_rate", "_updated")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._level = burst
        self._updated = now

    def take(self, now: float) -> float:
        """Take one; returns 0.0, or the seconds until one can be taken."""
        self._level = min(self._burst, self._level + (now - self._updated) * self._rate)
        self._updated = now
        if self._level >= 1:
            self._level -= 1
            return 0.0
        return (1 - self._level) / self._rate

    def lower(self, level: float) -> None:
        """Hold no more than `level`, which may be a debt."""
        self._level = min(self._level, level)


class SlidingWindow:
    """Allows about `limit` in any `seconds`: those of this window, and the share of the last one that still counts."""

    __slots__ = ("_before", "_limit", "_seconds", "_taken", "_window")

    def __init__(self, limit: float, seconds: float, now: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._window = now // seconds
        self._taken = self._before = 0

    def take(self, now: float) -> float:
        """Take one; returns 0.0, or the seconds until the window ends. What is refused does not count."""
        window, passed = divmod(now, self._seconds)
        if window != self._window:
            self._before = self._taken if window == self._window + 1 else 0
            self._window, self._taken = window, 0
        if self._before * (1 - passed / self._seconds) + self._taken >= self._limit:
            return self._seconds - passed
        self._taken += 1
        return 0.0

    def is_full(self, now: float) -> bool:
        """Whether `take` would refuse."""
        window, passed = divmod(now, self._seconds)
        if window == self._window:
            return self._before * (1 - passed / self._seconds) + self._taken >= self._limit
        return window == self._window + 1 and self._taken * (1 - passed / self._seconds) >= self._limit


class Bucket(Protocol):
    """What `Buckets` holds."""

    def take(self, now: float) -> float:
        """Take one; returns 0.0, or the seconds until one can be taken."""


B = TypeVar("B", bound=Bucket)


class Buckets(Generic[K, B]):
    """A bucket per key; the least recently used are forgotten beyond MAX_KEYS."""

    def __init__(self, make: Callable[[float], B]) -> None:
        self._make = make
        self._buckets: OrderedDict[K, B] = OrderedDict()

    def get(self, key: K) -> B | None:
        """Return the bucket of `key`, if there is one."""
        return self._buckets.get(key)

    def take(self, key: K) -> float:
        """Take one from the bucket of `key`; returns 0.0, or the seconds until one can be taken."""
        now = time.monotonic()
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = self._make(now)
            if len(self._buckets) > MAX_KEYS:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        return bucket.take(now)
