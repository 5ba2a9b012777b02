"""The table in Redis that all processes count in: places of users and addresses, handshakes, posts.

A process exchanges everything in one script (quota.lua), one call at a time. Its counts hold as long as its lease, so
that a killed process takes them with it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import redis.asyncio
from django.conf import settings
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from presence.registry.installation import InstallationUnknown, find_identity

logger = logging.getLogger(__name__)
PART = "{limits}"  # after the installation's prefix; in braces, so that all keys are in one slot of a Redis cluster
TIMEOUT = 0.25  # seconds for an exchange; without an answer each process counts for itself
# Seconds that a process's counts hold when it is not heard of. Short, because the sockets of a killed one come back at
# once from the same addresses, and are counted twice until then; if it lives after all, it tells its counts again.
LEASE = 8.0
KEEP = 3600.0  # seconds that a count is kept; all are told again much sooner
WINDOW = 60.0  # seconds in which handshakes are counted
GRANTED = -1  # the table's verdict, see quota.lua
_SCRIPT = (Path(__file__).parent / "quota.lua").read_text()


class QuotaAway(Exception):
    """The table does not answer."""


@dataclasses.dataclass(frozen=True, slots=True)
class Knock:
    """Somebody wants in: who knocks, how often they may within WINDOW, and the places they would take."""

    who: str
    limit: int
    subjects: Mapping[str, int]  # how many places there are, by subject


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """What a process has to tell and to ask: its counts, who wants in, its posts."""

    counts: Mapping[str, int]
    asks: Sequence[Knock]
    posts: Mapping[str, int]


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """Whether the table still knew the process, what it says to each ask, and what is left in the posts' buckets.

    That is GRANTED, or which setting it met: 0 where who knocked did so too often, else the number of the subject that
    had no place left, counted from 1.
    """

    is_known: bool
    verdicts: Sequence[int]
    levels: Sequence[float]


class Store(Protocol):
    """What every table does."""

    async def exchange(self, request: Request) -> Reply:
        """Tell and ask; raises QuotaAway within TIMEOUT."""

    async def leave(self) -> None:
        """Take this process's counts out, if the table answers."""


class RedisStore:
    """The table on Redis or Valkey; see Store. Keys begin with `prefix`, or else with the installation's."""

    def __init__(self, url: str, *, prefix: str = "", lease: float = LEASE) -> None:
        self._prefix = prefix
        self._lease = lease
        self._incarnation = uuid.uuid4().hex
        self._client: Any = redis.asyncio.Redis.from_url(
            url,
            decode_responses=True,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 0),  # an exchange adds: it must not be sent twice
        )
        self._call: asyncio.Future[Any] | None = None  # the last one
        self._script = self._client.register_script(_SCRIPT)

    async def exchange(self, request: Request) -> Reply:
        """See Store."""
        asked = {
            "limits": {
                "window": WINDOW,
                "rate": settings.FLOWRA_POSTS_PER_SECOND,
                "burst": settings.FLOWRA_POSTS_BURST,
            },
            "counts": list(request.counts.items()),
            "asks": [(ask.who, ask.limit, list(ask.subjects.items())) for ask in request.asks],
            "posts": list(request.posts.items()),
        }
        arguments: list[str | int] = [self._incarnation, int(self._lease * 1000), int(KEEP * 1000), json.dumps(asked)]
        # Never cancelled: redis-py swallows a cancellation while it connects, and leaves what it has open. Its own
        # time-outs end the call.
        call = self._call = asyncio.ensure_future(self._run(arguments))
        call.add_done_callback(lambda done: done.cancelled() or done.exception())  # perhaps nobody else looks
        await asyncio.wait([call], timeout=TIMEOUT)
        if not call.done():
            raise QuotaAway(f"Redis does not answer within {TIMEOUT} s")
        try:
            known, verdicts, levels = call.result()
        except (RedisError, OSError) as error:
            raise QuotaAway(f"Redis does not answer: {error!r}") from error
        except InstallationUnknown as error:
            raise QuotaAway(str(error)) from error
        return Reply(bool(known), [int(verdict) for verdict in verdicts], [float(level) for level in levels])

    async def _run(self, arguments: list[str | int]) -> Any:
        if not self._prefix:
            self._prefix = f"{(await find_identity()).prefix}:{PART}"
        return await self._script(keys=[self._prefix], args=arguments)

    async def leave(self) -> None:
        """See Store."""
        if self._call is not None:
            await asyncio.wait([self._call], timeout=2 * TIMEOUT)
        try:
            if self._prefix:  # else nothing was ever told
                await self._client.delete(f"{self._prefix}:process:{self._incarnation}")
        except (RedisError, OSError):
            logger.info("Redis could not be told that this process ends; its lease runs out by itself.")
        await self._client.aclose()


def make_store() -> Store | None:
    """Return the table on REDIS_URL, or None where this is the only process or nothing is limited."""
    return RedisStore(settings.REDIS_URL) if settings.REDIS_URL and settings.FLOWRA_RATE_LIMITS else None
