"""How many frames one connection may send."""

from __future__ import annotations

import time

from django.conf import settings

from realtime.limits.buckets import TokenBucket

# A client that sends only frames that cannot be decoded is closed with 4400 after this many error frames; one such
# frame per BAD_FRAME_SECONDS is always allowed. Not switched off by FLOWRA_RATE_LIMITS: no load test needs more.
BAD_FRAMES = 50
BAD_FRAME_SECONDS = 2.0
# Frames over the rate, each answered with rate_limited, before the socket is closed with 4429. The count falls as fast
# as frames are allowed: whoever sends more than twice as many is closed in the end, although now and then one of theirs
# is carried out.
FLOOD_FRAMES = 300


class ConnectionLimits:
    """Counts the frames of one connection, and those of them that cannot be decoded."""

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
        """Whether the client goes on although it was told to wait FLOOD_FRAMES times."""
        return self._is_flood

    def bad_frame(self) -> bool:
        """Count a frame that could not be decoded; returns whether that was one too many."""
        return self._bad.take(time.monotonic()) > 0
