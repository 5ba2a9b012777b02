"""At most one typing event per second for each user and chat; the last state is never lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import UUID

from realtime.limits.buckets import MAX_KEYS

TYPING_SECONDS = 1.0  # docs/protocol.md, "Typing": one per second, user and chat
Key = tuple[UUID, UUID]  # user and chat


class TypingGate:
    """Passes a state on at once, or a second after the last one, then only if it differs from that."""

    def __init__(self) -> None:
        self._passed: dict[Key, tuple[bool, asyncio.TimerHandle]] = {}  # the last state, during the second after it
        self._latest: dict[Key, tuple[bool, Callable[[bool], None]]] = {}

    def offer(self, user_id: UUID, chat_id: UUID, is_typing: bool, pass_on: Callable[[bool], None]) -> None:
        """Call `pass_on(is_typing)` now, or later, or never if a later state replaces it by then."""
        key = (user_id, chat_id)
        if key in self._passed:
            self._latest[key] = (is_typing, pass_on)
        elif len(self._passed) < MAX_KEYS:
            self._pass(key, is_typing, pass_on)

    def _pass(self, key: Key, is_typing: bool, pass_on: Callable[[bool], None]) -> None:
        timer = asyncio.get_running_loop().call_later(TYPING_SECONDS, self._end_second, key)
        self._passed[key] = (is_typing, timer)
        pass_on(is_typing)

    def _end_second(self, key: Key) -> None:
        before, _ = self._passed.pop(key)
        latest = self._latest.pop(key, None)
        # A client repeats "typing" while it goes on; only a changed state must not be lost.
        if latest is not None and latest[0] != before:
            self._pass(key, *latest)

    def stop(self) -> None:
        """Pass nothing on any more."""
        for _, timer in self._passed.values():
            timer.cancel()
        self._passed.clear()
        self._latest.clear()
