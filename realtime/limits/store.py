"""The table in Redis that all processes count in: slots of users and addresses, handshakes, posts.

A process exchanges everything in one script (quota.lua), one call at a time. Its counts hold as long as its lease, so
that those of a killed process expire.

The `limits` package (5.8) cannot take the script's place. It counts events in windows and not what is held, so it has
no slots that end with a process's lease, and it asks Redis once for each limit and key: three round trips for a
socket, where one exchange carries up to 500 sockets and users with all their limits, decided together.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import redis.asyncio
from django.conf import settings
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from presence.registry.installation import InstallationUnknown, find_identity

logger = logging.getLogger(__name__)
PART = "{limits}"  # after the installation's prefix; in braces, so that all keys are in one slot of a Redis cluster
TIMEOUT = 0.25  # seconds for an exchange; without an answer each process counts for itself
# Seconds that a process's counts hold without an exchange. Short, because the sockets of a killed one come back at once
# from the same addresses, and are counted twice until then. A process whose lease has expired sends its counts again.
LEASE = 8.0
KEEP = 3600.0  # seconds that a count is kept; all are sent again much sooner
WINDOW = 60.0  # seconds in which handshakes are counted
GRANTED = -1  # a verdict, see Reply
_SCRIPT = (Path(__file__).parent / "quota.lua").read_text()


class StoreUnavailable(Exception):
    """The table does not answer within TIMEOUT."""


@dataclasses.dataclass(frozen=True, slots=True)
class AdmissionRequest:
    """A socket that wants to be admitted: whose it is, how many handshakes they have within WINDOW, and its slots."""

    who: str
    limit: int
    slots: Mapping[str, int]  # the most that there may be, by subject


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """What a process sends: granted slots by subject, sockets to be admitted, new posts by user."""

    counts: Mapping[str, int]
    admissions: Sequence[AdmissionRequest]
    posts: Mapping[str, int]


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """Whether the table knew the process; a verdict for each admission; the level of the bucket for each user.

    A verdict is GRANTED, 0 where there were too many handshakes, or the number, from 1, of the subject in `slots` that
    had no free slot.
    """

    is_known: bool
    verdicts: Sequence[int]
    levels: Sequence[float]


class QuotaStore:
    """The table on Redis or Valkey. Keys begin with `prefix`, or else with the installation's."""

    def __init__(self, url: str, *, prefix: str = "", lease: float = LEASE) -> None:
        self._prefix = prefix
        self._lease = lease  # seconds
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
        """Send what is new and return the answers; raises StoreUnavailable within TIMEOUT."""
        sent = {
            "limits": {
                "window": WINDOW,
                "rate": settings.FLOWRA_POSTS_PER_SECOND,
                "burst": settings.FLOWRA_POSTS_BURST,
            },
            "counts": list(request.counts.items()),
            "admissions": [(one.who, one.limit, list(one.slots.items())) for one in request.admissions],
            "posts": list(request.posts.items()),
        }
        arguments: list[str | int] = [self._incarnation, int(self._lease * 1000), int(KEEP * 1000), json.dumps(sent)]
        # Never cancelled: redis-py swallows a cancellation while it connects, and leaves what it has open. Its own
        # time-outs end the call.
        call = self._call = asyncio.ensure_future(self._run(arguments))
        call.add_done_callback(lambda done: done.cancelled() or done.exception())  # perhaps nobody else looks
        await asyncio.wait([call], timeout=TIMEOUT)
        if not call.done():
            raise StoreUnavailable(f"Redis does not answer within {TIMEOUT} s")
        try:
            known, verdicts, levels = call.result()
        except (RedisError, OSError) as error:
            raise StoreUnavailable(f"Redis does not answer: {error!r}") from error
        except InstallationUnknown as error:
            raise StoreUnavailable(str(error)) from error
        return Reply(bool(known), [int(verdict) for verdict in verdicts], [float(level) for level in levels])

    async def _run(self, arguments: list[str | int]) -> Any:
        if not self._prefix:
            self._prefix = f"{(await find_identity()).prefix}:{PART}"
        return await self._script(keys=[self._prefix], args=arguments)

    async def leave(self) -> None:
        """Take this process's counts out of the table, if it answers, and close the connections."""
        if self._call is not None:
            await asyncio.wait([self._call], timeout=2 * TIMEOUT)
        try:
            if self._prefix:  # else nothing was ever sent
                await self._client.delete(f"{self._prefix}:process:{self._incarnation}")
        except (RedisError, OSError):
            logger.info("Redis could not be told that this process ends; its lease expires by itself.")
        await self._client.aclose()


def make_store() -> QuotaStore | None:
    """Return the table on REDIS_URL, or None where this is the only process or nothing is limited."""
    return QuotaStore(settings.REDIS_URL) if settings.REDIS_URL and settings.FLOWRA_RATE_LIMITS else None
