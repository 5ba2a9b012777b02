"""When rooms have to look anew at whom they may write to directly.

A room with a thousand subscribers that asks each one, at every event, whether it may write to it spends as much on the
asking as a fifth of the writing. The answer changes seldom: connections come and go, fill up and drain. So whatever
changes it anywhere in the process counts here, and a room remembers its answer as long as nothing did.
"""

from __future__ import annotations

_changes = 0


def changed() -> None:
    """Note that some connection may be written to directly now, or may not any more."""
    global _changes
    _changes += 1


def changes() -> int:
    """Return how often that happened in this process; the same number again means that nothing did."""
    return _changes
