"""What can go wrong in the domain.

ChatError
├── NotFound         it does not exist or the caller may not see it; the two look the same
├── Forbidden        the caller may see it but not do this
├── Invalid          a value is missing or wrong; `field` names it
│   └── TooLong      a text is longer than its limit
├── Closed           the chat is closed to new messages
├── Conflict         its present state does not allow this
└── TooFast          the caller may do this again in `retry_after` seconds

Each has a code of the protocol (docs/protocol.md, "Error codes"), or of REST where sockets never send it.
"""

from typing import ClassVar


class ChatError(Exception):
    """Base of the tree; `str(error)` is a sentence for the user."""

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
