"""Log formats, plain and JSON, and filters. Neither format contains messages or credentials.

JSON is written by a formatter here and not by structlog: every library already uses `logging`, and the fields are few.
"""

from __future__ import annotations

import datetime
import json
import logging
import time
import traceback
from types import TracebackType
from typing import Any, Literal

from django.http import HttpRequest

from flowra.observability.request_log import PROBE, route_of
from realtime.sockets.log_context import current

LONGEST_REASON = 200  # characters of an exception's message
RATE_LIMIT_SECONDS = 10.0  # seconds
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class RedactPathFilter(logging.Filter):
    """Replaces paths in Django's own lines by the route: paths of invites and password resets contain secrets."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite a record that has a request; drop those of probes.

        Django logs each 503 as ERROR, also those of /readyz, whose reasons flowra.observability.probes logs.
        """
        request = getattr(record, "request", None)
        if isinstance(request, HttpRequest) and PROBE in request.META:
            return False
        if isinstance(request, HttpRequest) and isinstance(record.args, tuple):
            path = request.path
            escaped = path.encode("unicode_escape").decode("ascii")
            record.args = tuple(route_of(request) if arg in (path, escaped) else arg for arg in record.args)
        return True


class RateLimitFilter(logging.Filter):
    """Limits repetitive lines: of a pool without its database, and of scanners that send any Host."""

    def __init__(self) -> None:
        super().__init__()
        self._next: dict[tuple[str, int], float] = {}  # on the monotonic clock, for each logger and level

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the first record of a logger and level, and then one every RATE_LIMIT_SECONDS seconds."""
        now, key = time.monotonic(), (record.name, record.levelno)
        if now < self._next.get(key, now):
            return False
        self._next[key] = now + RATE_LIMIT_SECONDS
        return True


def describe_exception(error: BaseException) -> str:
    """Return a traceback without the data that an error quotes.

    Databases quote the row that they refuse, and parsers the text, after the first line of the message. The first line
    is shortened, because it may be a quotation too.
    """
    lines: list[str] = []
    for link in _chain(error):
        if link.__traceback__ is not None:
            lines.append("Traceback (most recent call last):")
            lines.extend(line.rstrip("\n") for line in traceback.format_tb(link.__traceback__))
        lines.append(f"{type(link).__module__}.{type(link).__qualname__}: {_reason(link)}")
        if isinstance(link, BaseExceptionGroup):
            lines.extend(describe_exception(part) for part in link.exceptions)
    return "\n".join(lines)


def _chain(error: BaseException) -> list[BaseException]:
    """Return an error and its causes, the first cause first."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return chain[::-1]


def _reason(error: BaseException) -> str:
    return str(error).partition("\n")[0][:LONGEST_REASON]


class PlainFormatter(logging.Formatter):
    """`time level logger message`, with a traceback below."""

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname} {name} {message}", style="{")

    def formatException(self, ei: ExcInfo) -> str:
        """Return the traceback of `ei`."""
        return "" if ei[1] is None else describe_exception(ei[1])


class JSONFormatter(logging.Formatter):
    """One JSON object per line."""

    def __init__(self, style: Literal["%"] = "%") -> None:
        super().__init__(style=style)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line: time (UTC), level, logger, message, the known ids, `http`, `audit`, `exception`."""
        fields: dict[str, Any] = {
            "time": datetime.datetime.fromtimestamp(record.created, datetime.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **current().ids(),
        }
        for name in ("http", "audit"):
            if (details := getattr(record, name, None)) is not None:
                fields[name] = details
        if record.exc_info and record.exc_info[1] is not None:
            fields["exception"] = describe_exception(record.exc_info[1])
        if record.stack_info:
            fields["stack"] = record.stack_info
        # ASCII only: no character in the data can end the line or fail to be encoded.
        return json.dumps(fields, ensure_ascii=True, default=str)
