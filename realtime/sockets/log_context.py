"""Whose log lines these are: ids that stand in each line, bound to the running task and the threads it calls.

Middleware binds the request, the consumer its connection; the formatters (flowra/observability/logs.py) read them.
"""

from __future__ import annotations

import dataclasses
import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar, Token

MAX_REQUEST_ID = 64
_SAFE = re.compile(rf"[A-Za-z0-9._-]{{1,{MAX_REQUEST_ID}}}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LogContext:
    """Ids of what is going on; `find_user` gives the user's, None while nobody has asked the database."""

    request_id: str | None = None
    connection_id: str | None = None
    find_user: Callable[[], object | None] = lambda: None

    def ids(self) -> dict[str, str]:
        """Return those that are known, by the names they have in the log."""
        known = {"request_id": self.request_id, "connection_id": self.connection_id, "user_id": self.find_user()}
        return {name: str(value) for name, value in known.items() if value is not None}


_NOBODY = LogContext()
_current: ContextVar[LogContext] = ContextVar("flowra_log_context")


def bind(context: LogContext) -> Token[LogContext]:
    """Have the lines of this task carry these ids until `unbind`, or for its life."""
    return _current.set(context)


def unbind(token: Token[LogContext]) -> None:
    """Undo `bind`."""
    _current.reset(token)


def current() -> LogContext:
    """Return what is bound here."""
    return _current.get(_NOBODY)


def request_id_from(sent: str | None) -> str:
    """Return the id that a caller sent if it is short and plain, else a new one: it goes into logs and back out."""
    return sent if sent is not None and _SAFE.fullmatch(sent) else uuid.uuid4().hex
