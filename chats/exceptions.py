"""What can go wrong in the domain.

ChatError
├── NotFound         there is no such thing, or the caller may not know of it; the two look the same
├── Forbidden        the caller sees it and may not do this to it
├── Invalid          a value is missing or wrong; `field` names it
│   └── TooLong      a text is longer than its limit
├── Closed           the chat takes no more messages
├── Conflict         the thing is not in a state in which this can be done
└── TooFast          the caller may do this again in `retry_after` seconds

Each has the protocol's error code (docs/protocol.md, "Error codes") or, where the socket never meets it, REST's.
"""

from typing import ClassVar


class ChatError(Exception):
    """Base of the tree; `str(error)` is a sentence for the person who caused it."""

    code: ClassVar[str] = "internal"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class NotFound(ChatError):
    code = "forbidden"


class Forbidden(ChatError):
    code = "forbidden"


class Invalid(ChatError):
    code = "invalid"


class TooLong(Invalid):
    code = "too_long"


class Closed(ChatError):
    code = "closed"


class Conflict(ChatError):
    code = "conflict"


class TooFast(ChatError):
    code = "rate_limited"

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after  # seconds
