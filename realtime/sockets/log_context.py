"""Ids that each log line carries, bound to the running task and the threads that it calls.

A middleware binds those of a request, a session those of its connection. The formatters in
flowra/observability/logs.py read them.
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
    """The ids of a request or a connection; `find_user` returns the user's, None if it was not read yet."""

    request_id: str | None = None
    connection_id: str | None = None
    find_user: Callable[[], object | None] = lambda: None

    def ids(self) -> dict[str, str]:
        """Return the known ones by their names in the log."""
        known = {"request_id": self.request_id, "connection_id": self.connection_id, "user_id": self.find_user()}
        return {name: str(value) for name, value in known.items() if value is not None}


_EMPTY = LogContext()
_current: ContextVar[LogContext] = ContextVar("flowra_log_context")


def bind(context: LogContext) -> Token[LogContext]:
    """Have log lines of this task carry these ids until `unbind`, or to its end."""
    return _current.set(context)


def unbind(token: Token[LogContext]) -> None:
    """Undo `bind`."""
    _current.reset(token)


def current() -> LogContext:
    """Return the context that is bound in this task."""
    return _current.get(_EMPTY)


def request_id_from(sent: str | None) -> str:
    """Return the id that a client sent if it is short and plain, else a new one: it is logged and sent back."""
    return sent if sent is not None and _SAFE.fullmatch(sent) else uuid.uuid4().hex
