"""How much one client may ask for: what is counted in this process.

All of it is off with FLOWRA_RATE_LIMITS=false but for nonsense: no load test needs more of it.

What is counted per user or address is settled between the processes by `realtime/limits/shared.py`.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar

from django.conf import settings

K = TypeVar("K", bound=Hashable)

# A client that sends nothing but nonsense is told so this often before it is closed with 4400, and may go on at
# one such frame per BAD_FRAME_SECONDS.
BAD_FRAMES = 50
BAD_FRAME_SECONDS = 2.0
# Frames over the rate, each answered with rate_limited, before the socket is closed with 4429. They are forgotten as
# fast as frames are allowed: whoever sends more than twice as many is cut off in the end, although every now and then
# one of theirs gets through.
FLOOD_FRAMES = 300
TYPING_SECONDS = 1.0  # docs/protocol.md, "Typing": one per second, user and chat
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


class Taken(Protocol):
    """What one can take from, see `TokenBucket.take`."""

    def take(self, now: float) -> float: ...


B = TypeVar("B", bound=Taken)


class Buckets(Generic[K, B]):
    """A bucket per key; the least recently used are forgotten beyond MAX_KEYS."""

    def __init__(self, make: Callable[[float], B]) -> None:
        self._make = make
        self._buckets: OrderedDict[K, B] = OrderedDict()

    def get(self, key: K) -> B | None:
        """Return the bucket of `key`, if there is one."""
        return self._buckets.get(key)

    def take(self, key: K) -> float:
        """Take one from the bucket of `key`, see `TokenBucket.take`."""
        now = time.monotonic()
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = self._make(now)
            if len(self._buckets) > MAX_KEYS:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        return bucket.take(now)


class ConnectionLimits:
    """What one connection may send."""

    def __init__(self) -> None:
        now = time.monotonic()
        self._frames = TokenBucket(settings.FLOWRA_FRAMES_PER_SECOND, settings.FLOWRA_FRAMES_BURST, now)
        self._bad = TokenBucket(1 / BAD_FRAME_SECONDS, BAD_FRAMES, now)
        self._refused = TokenBucket(settings.FLOWRA_FRAMES_PER_SECOND, FLOOD_FRAMES, now)
        self._is_flood = False

    def frame(self) -> float:
        """Count a frame; returns 0.0, or the seconds to wait before the next one."""
        if not settings.FLOWRA_RATE_LIMITS:
            return 0.0
        now = time.monotonic()
        wait = self._frames.take(now)
        if wait and self._refused.take(now):
            self._is_flood = True
        return wait

    @property
    def is_flood(self) -> bool:
        """Whether the client goes on and on although it is told to wait."""
        return self._is_flood

    def bad_frame(self) -> bool:
        """Count a frame that made no sense; returns whether that was one too many."""
        return self._bad.take(time.monotonic()) > 0
