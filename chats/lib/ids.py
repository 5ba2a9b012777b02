"""Primary keys: UUIDv7, which sort by time of creation and so keep B-tree inserts local."""

import uuid

from uuid_utils.compat import uuid7


def new_id() -> uuid.UUID:
    """Return a fresh UUIDv7 (RFC 9562)."""
    return uuid7()
