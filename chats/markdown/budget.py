"""What one message may cost: shared by the rules of its Markdown, which count here."""

from __future__ import annotations

from typing import Any

# Work of one body in rules that are quadratic or dear, in steps of about a microsecond each. With it a body of 10,000
# characters takes at most 0.08 s on a slow core, 0.05 s of which even the plainest rules may need.
MAX_WORK = 15_000


class TooMuchWork(Exception):
    """A body would take longer to parse than anything that people write."""


def spend(env: Any, kind: str, amount: int = 1) -> int:
    """Count work or bytes of this body, and return how much of the kind was counted."""
    env[kind] += amount
    spent: int = env[kind]
    return spent
