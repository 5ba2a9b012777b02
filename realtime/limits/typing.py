"""At most one typing frame per second for each user and chat, and the last word is never lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import UUID

from realtime.limits.buckets import MAX_KEYS

TYPING_SECONDS = 1.0  # docs/protocol.md, "Typing": one per second, user and chat
Key = tuple[UUID, UUID]  # user and chat


class TypingGate:
    """Passes a state on at once, or when the second since the last one is over, then only if it still differs."""

    def __init__(self) -> None:
        self._passed: dict[Key, bool] = {}  # state last passed on, for keys whose second runs
        self._latest: dict[Key, tuple[bool, Callable[[bool], None]]] = {}

    def offer(self, user_id: UUID, chat_id: UUID, is_typing: bool, pass_on: Callable[[bool], None]) -> None:
        """Call `pass_on(is_typing)` now, or later, or never if it has been overtaken by then."""
        key = (user_id, chat_id)
        if key in self._passed:
            self._latest[key] = (is_typing, pass_on)
        elif len(self._passed) < MAX_KEYS:
            self._pass(key, is_typing, pass_on)

    def _pass(self, key: Key, is_typing: bool, pass_on: Callable[[bool], None]) -> None:
        self._passed[key] = is_typing
        pass_on(is_typing)
        asyncio.get_running_loop().call_later(TYPING_SECONDS, self._second_is_over, key)

    def _second_is_over(self, key: Key) -> None:
        before = self._passed.pop(key)
        latest = self._latest.pop(key, None)
        # "Typing" again and again is refreshed by the client; only a changed state must not be lost.
        if latest is not None and latest[0] != before:
            self._pass(key, *latest)
