"""Checks of Redis or Valkey: it answers, is recent enough, keeps its data, and passes events through the layer."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Iterator
from typing import Any

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from flowra.doctor.clock import compare_clocks
from flowra.doctor.data import MET_DAYS, list_met_limits
from flowra.doctor.report import Check, Finding, failed, ok, warning
from presence.exceptions import RegistryUnavailable
from presence.registry.current import get_registry
from presence.registry.installation import read_identity, running_database
from realtime.broker.channel_layers import get_layer, is_shared
from realtime.broker.installations import InstalledServer, list_prefixes, list_servers
from realtime.limits.store import QuotaStore, Request, StoreUnavailable

TIMEOUT = 2.0  # seconds for each answer
LAYER_TIMEOUT = 8.0  # seconds for an event to come back
SEND_EVERY = 0.5  # seconds: the subscription may take effect after the first event was sent
# redis-py sends HELLO, and scripts read the time before they write: Redis 6 has both.
OLDEST = (6, 0)
FULL = 0.9  # share of maxmemory
BROKER, REGISTRY, LIMITS, LAYER = "redis", "presence registry", "limits", "channel layer"
INSTALLATIONS = "installations"
_MEMORY_REMEDY = "CONFIG SET maxmemory-policy noeviction, and the same in the server's configuration file."


@contextlib.contextmanager
def own_client() -> Iterator[redis.Redis]:
    """Yield a client that makes one attempt with short time-outs."""
    try:
        client = redis.Redis.from_url(
            settings.REDIS_URL,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
    except ValueError:  # it may quote the password
        raise ValueError("REDIS_URL cannot be understood, see settings") from None
    try:
        yield client
    finally:
        client.close()


def _info(section: str) -> dict[str, Any]:
    with own_client() as client:
        info: dict[str, Any] = client.info(section)
    return info


def check_redis() -> Iterator[Finding]:
    """Redis answers, in a supported version."""
    if not settings.REDIS_URL:
        yield ok(BROKER, "REDIS_URL is not set: one process, without a broker")
        return
    info = _info("server")
    version = str(info["redis_version"])  # Valkey reports the Redis version that it is compatible with
    shown = f"Valkey {info['valkey_version']}" if "valkey_version" in info else f"Redis {version}"
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        yield failed(BROKER, f"{shown} is older than {oldest}", f"Update to Redis {oldest} or newer, or to Valkey.")
    else:
        yield ok(BROKER, shown)


def check_memory() -> Iterator[Finding]:
    """Redis does not evict keys: presence keys have no expiry, but the policies "allkeys-…" evict any key."""
    if not settings.REDIS_URL:
        return
    name, info = "redis memory", _info("memory")
    limit, used, policy = int(info["maxmemory"]), int(info["used_memory"]), str(info["maxmemory_policy"])
    detail = f"policy {policy}, {used // 1024:,} KiB used of {f'{limit // 1024:,} KiB' if limit else 'no limit'}"
    if limit and policy.startswith("allkeys"):
        yield failed(name, f"{detail}: when it is full, people seem to leave", _MEMORY_REMEDY)
    elif policy.startswith("allkeys"):
        yield warning(name, f"{detail}: harmless until maxmemory is set", _MEMORY_REMEDY)
    elif limit and used > FULL * limit:
        yield warning(name, f"{detail}: nearly full", "Raise maxmemory, or give Flowra a server of its own.")
    else:
        yield ok(name, detail)


def check_clock() -> Iterator[Finding]:
    """Redis' clock agrees with this machine's."""
    if not settings.REDIS_URL:
        return

    with own_client() as client:

        def ask() -> float:
            seconds, microseconds = client.time()
            return float(seconds) + float(microseconds) / 1e6

        client.ping()  # connect first, so that the first reading is not slower than the others
        yield compare_clocks("redis clock", ask)


def check_registry() -> Iterator[Finding]:
    """The account may run presence's scripts; an ACL may forbid them."""
    if not settings.FLOWRA_PRESENCE_ENABLED:
        yield ok(REGISTRY, "presence is switched off")
        return
    if not settings.REDIS_URL:
        yield ok(REGISTRY, "in the server's process")
        return
    try:
        processes = get_registry().processes()
    except RegistryUnavailable as error:
        if "cannot say" not in str(error):
            raise
        yield warning(REGISTRY, f"{error}", "It was emptied a moment ago; look again in a few seconds.")
        return
    yield ok(REGISTRY, f"{len(processes)} process{'' if len(processes) == 1 else 'es'} serving")


def check_limits() -> Iterator[Finding]:
    """The shared limits accept an exchange without entries. Also names the limits that refused somebody recently."""
    if not settings.FLOWRA_RATE_LIMITS:
        yield ok(LIMITS, "switched off")
        return
    if not settings.REDIS_URL:
        yield _told("counted in the server's process")
        return
    try:
        asyncio.run(_exchange())
    except StoreUnavailable as error:
        if isinstance(error.__cause__, redis.exceptions.ResponseError):
            raise
        remedy = "See what is between this machine and Redis: until it answers each process counts for itself."
        yield warning(LIMITS, f"{error}", remedy)
        return
    yield _told("counted together with the other processes")


def _told(how: str) -> Finding:
    """Return how limits are counted, and as a warning which of them have refused somebody lately."""
    met = list_met_limits()
    if not met:
        return ok(LIMITS, how)
    shown = ", ".join(f"{setting} (last {when} UTC)" for setting, when in met)
    return warning(
        LIMITS,
        f"{how}; in the last {MET_DAYS} days somebody was refused by {shown}",
        "The log says who (realtime.met_limits). Many people behind one address (an office) need a higher limit; all "
        "people behind one address means that FLOWRA_TRUSTED_PROXIES lacks a proxy; else a client has gone wrong.",
    )


async def _exchange() -> None:
    """Exchange no entries with the shared limits, which stay unchanged; raises StoreUnavailable."""
    store = QuotaStore(settings.REDIS_URL)
    try:
        for tries_left in (2, 1, 0):  # the first one also connects
            try:
                await store.exchange(Request(counts={}, admissions=[], posts={}))
                return
            except StoreUnavailable:
                if not tries_left:
                    raise
    finally:
        await store.leave()


def check_installations() -> Iterator[Finding]:
    """No other database uses this installation's prefix. Also lists the other installations."""
    if not settings.REDIS_URL:
        return
    prefix, database = read_identity().prefix, running_database()
    with own_client() as client:
        servers, prefixes = list_servers(client), list_prefixes(client)
    strangers = [server for server in servers if server.prefix == prefix and server.database != database]
    if strangers:
        yield failed(
            INSTALLATIONS,
            f"{_hosts(strangers)} use the prefix {prefix} with another database: what happens there is shown here",
            "Give one of the two installations a FLOWRA_REDIS_PREFIX, the same for all its processes, and restart "
            "them. If PostgreSQL was restarted a moment ago, look again in a minute.",
        )
        return
    beside = [
        f"{name} ({_hosts([server for server in servers if server.prefix == name]) or 'in another database number'})"
        for name in sorted(prefixes - {prefix})
    ]
    yield ok(INSTALLATIONS, f"prefix {prefix}; " + ("beside it " + ", ".join(beside) if beside else "alone here"))


def _hosts(servers: list[InstalledServer]) -> str:
    return ", ".join(sorted({f"{server.host}/{server.pid}" for server in servers})[:5])


def check_layer() -> Iterator[Finding]:
    """An event that is sent to a group returns to a channel in it."""
    seconds = asyncio.run(_round_trip())
    where = "over the broker" if is_shared(get_layer()) else "in this process"
    yield ok(LAYER, f"an event came back within {seconds * 1000:.1f} ms {where}")


async def _round_trip() -> float:
    """Return the seconds that an event takes to a group and back; raises TimeoutError after LAYER_TIMEOUT."""
    layer, mark = get_layer(), secrets.token_hex(8)
    group, sent = f"doctor.{mark}", {}
    async with asyncio.timeout(LAYER_TIMEOUT):
        channel = await layer.new_channel()
        await layer.group_add(group, channel)

        async def send() -> None:
            for number in range(int(LAYER_TIMEOUT / SEND_EVERY)):
                sent[number] = time.monotonic()
                await layer.group_send(group, {"type": "doctor", "mark": mark, "number": number})
                await asyncio.sleep(SEND_EVERY)

        sending = asyncio.create_task(send())
        receiving = asyncio.create_task(layer.receive(channel))
        try:
            await asyncio.wait([sending, receiving], return_when=asyncio.FIRST_COMPLETED)
            if not receiving.done():
                sending.result()  # re-raises the sender's error
                raise TimeoutError("what was sent did not come back")
            message = receiving.result()
            return time.monotonic() - sent[message["number"]]
        finally:
            sending.cancel()
            receiving.cancel()
            await asyncio.gather(sending, receiving, return_exceptions=True)
            with contextlib.suppress(redis.exceptions.RedisError, OSError):
                await layer.group_discard(group, channel)


_RIGHTS = (
    "its ACL should be ~flowra:* resetchannels &flowra* -@all +@scripting +@pubsub +@read +@write +@connection "
    "+info +time +config|get."
)
_SCRIPTS = f"Let the account run scripts (EVAL, EVALSHA, SCRIPT) on keys that begin with flowra:; {_RIGHTS}"
_REACH = "See that the server at REDIS_URL runs, that this machine may connect, and the password, if it has one."
CHECKS = (
    Check(BROKER, check_redis, _REACH),
    Check("redis memory", check_memory, f"Let the account run INFO; {_RIGHTS}", needs=BROKER),
    Check("redis clock", check_clock, f"Let the account run TIME; {_RIGHTS}", needs=BROKER),
    Check(
        REGISTRY,
        check_registry,
        _SCRIPTS,
        needs=BROKER,
    ),
    Check(INSTALLATIONS, check_installations, f"Let the account SCAN and read keys; {_RIGHTS}", needs=BROKER),
    Check(
        LIMITS,
        check_limits,
        _SCRIPTS,
        needs=BROKER,
    ),
    Check(
        LAYER,
        check_layer,
        f"Let the account PUBLISH and SUBSCRIBE on channels beginning with flowra; {_RIGHTS} Or see what is between.",
        needs=BROKER,
    ),
)
