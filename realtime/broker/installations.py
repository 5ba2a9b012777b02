"""Which servers use a Redis: each writes its prefix and database there, for `manage.py doctor`."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
from dataclasses import dataclass
from itertools import islice
from typing import Any

import redis
import redis.asyncio
from django.conf import settings
from django.db import DatabaseError
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from presence.registry.installation import ROOT, InstallationUnknown, find_identity, running_database

logger = logging.getLogger(__name__)
WRITE_EVERY = 20.0  # seconds
KEEP = 60  # seconds after its last write for which a server counts as running
TIMEOUT = 1.0  # seconds for an answer of Redis
MOST_KEYS = 1_000  # that are read; others may use the Redis as well
PART = "{server}"


@dataclass(frozen=True, slots=True)
class InstalledServer:
    """A running server; `database` is equal for servers with the same database server."""

    prefix: str
    host: str
    pid: int
    version: str
    database: str


async def run_telling(origin: str) -> None:
    """Write this process's entry every WRITE_EVERY seconds, for ever; `origin` names the process."""
    client: Any = redis.asyncio.Redis.from_url(
        settings.REDIS_URL, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, retry=Retry(NoBackoff(), 0)
    )
    about = {"host": socket.gethostname(), "pid": os.getpid(), "version": settings.FLOWRA_VERSION}
    try:
        while True:
            try:
                prefix = (await find_identity()).prefix
                database = await asyncio.to_thread(running_database)
                await client.set(f"{prefix}:{PART}:{origin}", json.dumps({**about, "database": database}), ex=KEEP)
            except (RedisError, OSError, DatabaseError, InstallationUnknown) as error:
                logger.info("This server could not write its entry for the doctor: %s", str(error).partition("\n")[0])
            await asyncio.sleep(WRITE_EVERY)
    finally:
        await client.aclose()


def list_servers(client: redis.Redis) -> list[InstalledServer]:
    """Return the servers of all installations that use this Redis, at most MOST_KEYS; raises RedisError."""
    keys = sorted(islice(client.scan_iter(f"{ROOT}*:{PART}:*", count=1_000), MOST_KEYS))
    found: list[InstalledServer] = []
    for key, text in zip(keys, client.mget(keys) if keys else [], strict=True):
        if text is not None:
            found.append(InstalledServer(prefix=key.partition(f":{PART}:")[0], **json.loads(text)))
    return found


def list_prefixes(client: redis.Redis) -> set[str]:
    """Return the prefixes of all processes that receive, in any database number; raises RedisError."""
    channels = [str(channel) for channel in client.pubsub_channels(f"{ROOT}*specific.*")]
    return {channel.rpartition("specific.")[0] for channel in channels} | {one.prefix for one in list_servers(client)}
