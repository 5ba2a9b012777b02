"""Budget of work and bytes for one message, in which all its Markdown rules count."""

from __future__ import annotations

from typing import Any

# Work of one body in quadratic or expensive rules, in steps of about a microsecond. A body of 10,000 characters then
# takes at most 0.08 s on a slow core, 0.05 s of them in the other rules.
MAX_WORK = 15_000


class TooMuchWork(Exception):
    """A body exceeds the budget, which no text written by people does."""


def spend(env: Any, kind: str, amount: int = 1) -> int:
    """Count `amount` of work or bytes of this body; returns the total of this kind."""
    env[kind] += amount
    spent: int = env[kind]
    return spent
