"""Primary keys: UUIDv7, which sort by time of creation and so keep B-tree inserts local."""

import uuid

from uuid_utils.compat import uuid7


def new_id() -> uuid.UUID:
    """Return a fresh UUIDv7 (RFC 9562)."""
    return uuid7()


def number_of(id: uuid.UUID) -> int:
    """Return 60 bits that rise with the time when a UUIDv7 was made: milliseconds, and what counts within one."""
    return (id.int >> 80) << 12 | (id.int >> 64) & 0xFFF
