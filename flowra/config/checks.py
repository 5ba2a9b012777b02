"""System checks of the settings: each says what is wrong and how to fix it.

`manage.py check` and every other command run them. Errors prevent `serve` from starting.
"""

import contextlib
import difflib
import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps.config import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from redis.connection import parse_url

from flowra.config.environment import Environment
from flowra.server.proxies import MAX_HOPS, parse_networks, parse_proxies

TYPING_EVERY = 2.0  # seconds between two chat.typing of a client that types (docs/protocol.md)
SMALLEST_FRAME = 16 * 1024
LARGEST_MESSAGE_FRAME = 160 * 1024  # 10,000 emoji, each escaped as \ud83d\ude00, and the frame around them
SHORTEST_GRACE = 3.0  # seconds: after a restart clients reconnect within 2 s, then authenticate and subscribe
SLOWEST_WATCH = 0.8  # seconds: a revocation takes effect within a second, and the poll takes part of it
SPARE_CONNECTIONS = 2  # beside the sockets' threads: for pages, and for /readyz

POSITIVE = (
    "FLOWRA_PING_INTERVAL",
    "FLOWRA_PONG_TIMEOUT",
    "FLOWRA_PUBLISH_TIMEOUT",
    "FLOWRA_PUBLISH_QUEUE",
    "FLOWRA_REPAIR_INTERVAL",
    "FLOWRA_WATCH_INTERVAL",
    "FLOWRA_CATCHUP_LIMIT",
    "FLOWRA_CATCHUP_BYTES",
    "FLOWRA_PAGE_BYTES",
    "FLOWRA_REQUESTS_AT_ONCE",
    "FLOWRA_REQUESTS_PER_CALLER",
    "FLOWRA_RESPONSE_BYTES",
    "FLOWRA_WRITE_TIMEOUT",
    "FLOWRA_SOCKET_DB_THREADS",
    "FLOWRA_DRAIN_SECONDS",
    "FLOWRA_PRESENCE_HEARTBEAT",
    "FLOWRA_PRESENCE_LEASE",
    "FLOWRA_FRAMES_PER_SECOND",
    "FLOWRA_FRAMES_BURST",
    "FLOWRA_POSTS_PER_SECOND",
    "FLOWRA_POSTS_BURST",
    "FLOWRA_CONNECTIONS_PER_USER",
    "FLOWRA_CONNECTIONS_PER_ADDRESS",
    "FLOWRA_HTTP_CONNECTIONS_PER_ADDRESS",
    "FLOWRA_HANDSHAKES_PER_USER",
    "FLOWRA_HANDSHAKES_PER_MINUTE",
    "FLOWRA_SIGN_INS_PER_MINUTE",
    "FLOWRA_SUBSCRIPTIONS_PER_CONNECTION",
    "FLOWRA_ACCESS_TOKEN_SECONDS",
    "FLOWRA_REFRESH_TOKEN_SECONDS",
    "FLOWRA_SIGN_IN_SECONDS",
)


@register()
def check_names(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterator[CheckMessage]:
    """Every FLOWRA_… variable is a setting: a mistyped one would silently be the default."""
    for name in sorted(os.environ.keys() - Environment.read):
        if not name.startswith("FLOWRA_"):
            continue
        similar = difflib.get_close_matches(name, Environment.read, n=1)
        yield Warning(
            f"{name} is set, and there is no such setting.",
            hint=f"{f'Is it {similar[0]}? ' if similar else ''}docs/operations.md has all of them.",
            id="flowra.W005",
        )


@register()
def check_positive(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Intervals, rates and sizes are positive; FLOWRA_RESYNC_WITHIN may be zero."""
    wrong: list[CheckMessage] = [
        Error(
            f"{name} is {getattr(settings, name)!r}; it must be above 0.",
            hint=f"Unset {name} for the default, or see docs/operations.md.",
            id="flowra.E001",
        )
        for name in POSITIVE
        if getattr(settings, name) <= 0
    ]
    if settings.FLOWRA_RESYNC_WITHIN < 0:
        wrong.append(Error("FLOWRA_RESYNC_WITHIN is negative.", hint="Use 0 or more seconds.", id="flowra.E001"))
    return wrong


@register()
def check_sizes(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterator[CheckMessage]:
    """The largest frame fits a message, and the outbox fits the largest frame."""
    frame, outbox = settings.FLOWRA_MAX_FRAME_BYTES, settings.FLOWRA_OUTBOX_BYTES
    if frame < SMALLEST_FRAME:
        yield Error(
            f"FLOWRA_MAX_FRAME_BYTES is {frame}; it must be at least {SMALLEST_FRAME}.",
            hint="Ordinary messages would close the socket of their author.",
            id="flowra.E002",
        )
    elif frame < LARGEST_MESSAGE_FRAME:
        yield Warning(
            f"FLOWRA_MAX_FRAME_BYTES is {frame}: not every message of 10,000 characters fits.",
            hint=f"Use {LARGEST_MESSAGE_FRAME} or more; a client escapes an emoji as 12 bytes.",
            id="flowra.W001",
        )
    if outbox < 2 * frame:
        yield Error(
            f"FLOWRA_OUTBOX_BYTES is {outbox}; it must be at least twice FLOWRA_MAX_FRAME_BYTES ({frame}).",
            hint="One large message would close the sockets of everybody who is not reading right now.",
            id="flowra.E003",
        )


@register()
def check_drain(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterator[CheckMessage]:
    """FLOWRA_DRAIN_HOLD leaves enough of FLOWRA_DRAIN_SECONDS for sockets and requests."""
    hold, drain = settings.FLOWRA_DRAIN_HOLD, settings.FLOWRA_DRAIN_SECONDS
    if hold < 0:
        yield Error("FLOWRA_DRAIN_HOLD is negative.", hint="Use 0 or more seconds.", id="flowra.E001")
    elif hold > drain / 2 > 0:
        yield Error(
            f"FLOWRA_DRAIN_HOLD is {hold}; it must be at most half of FLOWRA_DRAIN_SECONDS ({drain}).",
            hint="Sockets and running requests would be cut off.",
            id="flowra.E011",
        )


@register()
def check_typing(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterator[CheckMessage]:
    """The typing indicator lasts longer than the interval between two chat.typing frames."""
    if settings.FLOWRA_TYPING_TIMEOUT <= TYPING_EVERY:
        yield Error(
            f"FLOWRA_TYPING_TIMEOUT is {settings.FLOWRA_TYPING_TIMEOUT}; it must be above {TYPING_EVERY}.",
            hint="Clients say every 2 s that somebody is typing; the indicator would flicker.",
            id="flowra.E004",
        )


@register()
def check_presence(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterator[CheckMessage]:
    """A lease survives a late heartbeat, and the grace is long enough to navigate between pages."""
    heartbeat, lease = settings.FLOWRA_PRESENCE_HEARTBEAT, settings.FLOWRA_PRESENCE_LEASE
    if 0 < lease < 2 * heartbeat:
        yield Error(
            f"FLOWRA_PRESENCE_LEASE is {lease}; it must be at least twice FLOWRA_PRESENCE_HEARTBEAT ({heartbeat}).",
            hint="One late heartbeat would show everybody on that process as offline.",
            id="flowra.E009",
        )
    if settings.FLOWRA_PRESENCE_GRACE < 0:
        yield Error("FLOWRA_PRESENCE_GRACE is negative.", hint="Use 0 or more seconds.", id="flowra.E001")
    elif settings.FLOWRA_PRESENCE_GRACE < SHORTEST_GRACE:
        yield Warning(
            f"FLOWRA_PRESENCE_GRACE is {settings.FLOWRA_PRESENCE_GRACE}; people will seem to leave and come back.",
            hint=f"Use {SHORTEST_GRACE} seconds or more: a page that is reloaded is away for a moment.",
            id="flowra.W003",
        )


@register(Tags.security)
def check_watch(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterator[CheckMessage]:
    """Sockets do not outlive their credential by more than a second."""
    if settings.FLOWRA_WATCH_INTERVAL > SLOWEST_WATCH:
        yield Warning(
            f"FLOWRA_WATCH_INTERVAL is {settings.FLOWRA_WATCH_INTERVAL}: what was ended may go on for longer than 1 s.",
            hint=f"Use {SLOWEST_WATCH} or less; a look is two queries by an index.",
            id="flowra.W004",
        )


@register(Tags.security)
def check_origins(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Allowed origins are what a browser sends as Origin: scheme, host, port, and nothing after."""
    return [
        Error(
            f"FLOWRA_ALLOWED_ORIGINS contains {origin!r}, which is not an origin.",
            hint="Write them as https://chat.example.org or http://localhost:3000, separated by commas.",
            id="flowra.E005",
        )
        for origin in settings.FLOWRA_ALLOWED_ORIGINS
        if not is_origin(origin)
    ]


def is_origin(text: str) -> bool:
    """Return whether `text` is scheme://host[:port], as browsers write it."""
    try:
        parts = urlsplit(text)
        rebuilt = f"{parts.scheme}://{parts.netloc}"
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and "@" not in parts.netloc
            and not any(mark in parts.netloc for mark in "* \\")
            and (parts.port is None or parts.port > 0)
            and text == rebuilt
        )
    except ValueError:  # a port that is no number, or brackets that are no IPv6 address
        return False


@register(Tags.security)
def check_trusted_proxies(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterator[CheckMessage]:
    """Trusted proxies are networks, but not all addresses, or a number of hops."""
    names = settings.FLOWRA_TRUSTED_PROXIES
    try:
        parse_proxies(names)
    except ValueError as error:
        yield Error(
            f"FLOWRA_TRUSTED_PROXIES is {','.join(names)!r}: {error}.",
            hint=f"Write networks, as 10.0.0.0/8,127.0.0.1, or how many proxies a request passes: 1 to {MAX_HOPS}.",
            id="flowra.E010",
        )


@register(Tags.security)
def check_metrics_from(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterator[CheckMessage]:
    """FLOWRA_METRICS_FROM lists networks."""
    names = settings.FLOWRA_METRICS_FROM
    try:
        parse_networks(tuple(names))
    except ValueError as error:
        yield Error(
            f"FLOWRA_METRICS_FROM is {','.join(names)!r}: {error}.",
            hint="Write networks, as 10.0.0.0/8,127.0.0.1; 0.0.0.0/0,::/0 is everybody.",
            id="flowra.E013",
        )


@register(Tags.security, deploy=True)
def check_front(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterator[CheckMessage]:
    """If a proxy terminates TLS, FLOWRA_TRUSTED_PROXIES names it."""
    if settings.FLOWRA_HTTPS and not settings.FLOWRA_TRUSTED_PROXIES:
        yield Warning(
            "FLOWRA_HTTPS is on and FLOWRA_TRUSTED_PROXIES is not set: all people are one address to limits and "
            "lock-outs, and a proxy on another machine is not believed that a request came by TLS.",
            hint="Set FLOWRA_TRUSTED_PROXIES to the address of the proxy in front (127.0.0.1), and have serve listen "
            "where only the proxy reaches it.",
            id="flowra.W006",
        )


@register(Tags.security, deploy=True)
def check_sign_up(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterator[CheckMessage]:
    """FLOWRA_SIGNUP_ENABLED is set explicitly."""
    if settings.FLOWRA_SIGNUP_ENABLED and "FLOWRA_SIGNUP_ENABLED" not in os.environ:
        yield Warning(
            "Sign-up is open: anybody who finds this server can make an account.",
            hint="Set FLOWRA_SIGNUP_ENABLED=false and make accounts in the admin, or set it to true if that is meant.",
            id="flowra.W007",
        )


@register()
def check_mail(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterator[CheckMessage]:
    """EMAIL_USE_TLS and EMAIL_USE_SSL are not both set: Django would refuse when it sends the first mail."""
    if settings.EMAIL_USE_TLS and settings.EMAIL_USE_SSL:
        yield Error(
            "EMAIL_USE_TLS and EMAIL_USE_SSL are both on: no mail would leave.",
            hint="EMAIL_USE_TLS goes with port 587 (STARTTLS), EMAIL_USE_SSL with port 465.",
            id="flowra.E012",
        )


@register()
def check_redis_prefix(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterator[CheckMessage]:
    """The prefix is valid in keys, channels and the broker's ACL."""
    prefix = settings.FLOWRA_REDIS_PREFIX
    if prefix and not re.fullmatch(r"[A-Za-z0-9._:-]{1,60}", prefix):
        yield Error(
            f"FLOWRA_REDIS_PREFIX is {prefix!r}.",
            hint="Use 1 to 60 letters, digits, dots, dashes, underscores and colons, as in flowra:staging.",
            id="flowra.E014",
        )


@register()
def check_redis_url(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterator[CheckMessage]:
    """REDIS_URL is one that redis-py understands."""
    try:
        if settings.REDIS_URL:
            parse_url(settings.REDIS_URL)  # type: ignore[no-untyped-call]  # redis-py has no types for it
    except ValueError:  # its message is not repeated: it may quote the password
        yield Error(
            "REDIS_URL cannot be understood.",
            hint="For example redis://:password@127.0.0.1:6379/0, with %23 for a #; unset it to run as one process.",
            id="flowra.E006",
        )


@register()
def check_pool(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterator[CheckMessage]:
    """The PostgreSQL pool has a connection for each of the sockets' threads, and some for pages."""
    needed = settings.FLOWRA_SOCKET_DB_THREADS + SPARE_CONNECTIONS
    if settings.DATABASES["default"]["ENGINE"].endswith("postgresql") and needed > settings.FLOWRA_DB_POOL_SIZE:
        yield Error(
            f"FLOWRA_DB_POOL_SIZE is {settings.FLOWRA_DB_POOL_SIZE}; with FLOWRA_SOCKET_DB_THREADS="
            f"{settings.FLOWRA_SOCKET_DB_THREADS} it must be at least {needed}.",
            hint="Pages and sockets would wait for each other's connections.",
            id="flowra.E007",
        )


def _has_full_text_search() -> bool:
    """Whether this Python's SQLite has FTS5."""
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        return database.execute("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'").fetchone() is not None


@register()
def check_full_text_search(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterator[CheckMessage]:
    """Python's SQLite supports full-text search."""
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3") and not _has_full_text_search():
        yield Error(
            "The SQLite of this Python comes without FTS5, by which messages are found.",
            hint="Use a Python whose SQLite has it, as those of Debian and python.org do, or PostgreSQL.",
            id="flowra.E015",
        )


@register(Tags.security)
def check_production(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterator[CheckMessage]:
    """With DEBUG off, ALLOWED_HOSTS and FLOWRA_HTTPS are set."""
    if settings.DEBUG:
        return
    if not settings.ALLOWED_HOSTS:
        yield Error(
            "DEBUG is off and ALLOWED_HOSTS is empty: every page would answer 400.",
            hint="Set ALLOWED_HOSTS to the names that people type, separated by commas: chat.example.org",
            id="flowra.E008",
        )
    if not settings.FLOWRA_HTTPS:
        yield Warning(
            "DEBUG is off and FLOWRA_HTTPS is off: passwords and cookies travel in the clear.",
            hint="Put TLS in front and set FLOWRA_HTTPS=true (see docs/operations.md).",
            id="flowra.W002",
        )
