"""Limits that are a user's or an address's, in whatever process they are connected: sockets, handshakes, posts.

A handshake with a valid credential counts for its user, any other for its address, so that those who share an address
do not use up each other's. `check_credential` bounds how often the database is asked about credentials all the same.

This process counts for itself first. With a broker it exchanges what is new with the shared table, one exchange at a
time. A socket waits for the answer, a post does not (realtime/limits/posts.py). Without an answer each process goes by
its own counts.

Runs in the event loop's thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar
from uuid import UUID

from django.conf import settings

from realtime.limits import refusals
from realtime.limits.buckets import Buckets, SlidingWindow
from realtime.limits.posts import PostLimit
from realtime.limits.store import GRANTED, WINDOW, AdmissionRequest, QuotaStore, Reply, Request, StoreUnavailable

logger = logging.getLogger(__name__)
EXCHANGE_EVERY = 2.0  # seconds, if nothing is new: the lease must not expire
REPORT_ALL_EVERY = 600.0  # seconds after which all counts are sent again
RETRY_AFTER = 1.0  # seconds, while the table does not answer
BATCH = 500  # counts, admissions, users in one exchange: some milliseconds of the broker's time
# Handshakes of one address, beyond its limit, whose credentials wait to be checked: an office that comes back after a
# restart, and some more.
MAX_QUEUED = 1_000

T = TypeVar("T")


class Slot:
    """One socket among those that its user and its address may have; `release` frees it."""

    __slots__ = ("_quota", "is_granted", "subjects")

    def __init__(self, quota: Quota, subjects: Mapping[str, int]) -> None:
        self._quota = quota
        self.subjects = subjects  # most slots by subject
        self.is_granted = False

    def release(self) -> None:
        """Free the slot; to be called once."""
        self._quota.release(self)


@dataclasses.dataclass(slots=True)
class _CredentialQueue:
    """The handshakes of one address whose credentials are checked one by one."""

    turn: asyncio.Lock = dataclasses.field(default_factory=asyncio.Lock)
    length: int = 0


@dataclasses.dataclass(slots=True)
class _PendingRequest:
    """A socket that waits for the table's answer."""

    request: AdmissionRequest
    slot: Slot
    answer: asyncio.Future[bool]


class Quota:
    """What this process counts per user and address, and exchanges with other processes by way of `store`, if any."""

    def __init__(self, store: QuotaStore | None, posts: PostLimit) -> None:
        self.posts = posts
        self.is_shared = store is not None
        self._store = store
        self._held: Counter[str] = Counter()  # slots here by subject, those that wait for an answer among them
        self._granted: Counter[str] = Counter()  # slots here by subject
        self._handshakes: Buckets[str, SlidingWindow] = Buckets(
            lambda now: SlidingWindow(settings.FLOWRA_HANDSHAKES_PER_MINUTE, WINDOW, now)
        )
        self._user_handshakes: Buckets[str, SlidingWindow] = Buckets(
            lambda now: SlidingWindow(settings.FLOWRA_HANDSHAKES_PER_USER, WINDOW, now)
        )
        self._credential_queues: dict[str, _CredentialQueue] = {}  # by address
        self._pending: list[_PendingRequest] = []
        self._changed: set[str] = set()  # subjects whose count the table may not have
        self._has_news = asyncio.Event()
        self._is_alone = False  # the table does not answer, or nobody exchanges any more

    # --- What is asked --------------------------------------------------------------------------

    async def check_credential(self, address: str, check: Callable[[], Awaitable[T]]) -> T | None:
        """Return what `check()`, which asks the database, returns; None where too many of the address wait for that.

        Where an address has used up its handshakes with bad credentials, one credential of it is checked at a time:
        whoever tries many has one thread at most, and whoever has a valid one is still admitted.
        """
        window = self._handshakes.get(address)
        if not settings.FLOWRA_RATE_LIMITS or window is None or not window.is_full(time.monotonic()):
            return await check()
        queue = self._credential_queues.setdefault(address, _CredentialQueue())
        if queue.length >= MAX_QUEUED:
            refusals.note("FLOWRA_HANDSHAKES_PER_MINUTE", address)
            return None
        queue.length += 1
        try:
            async with queue.turn:
                return await check()
        finally:
            queue.length -= 1
            if not queue.length:
                del self._credential_queues[address]

    def allow_handshake(self, address: str) -> bool:
        """Count here a handshake of this address without a valid credential; returns False where it has too many."""
        if not settings.FLOWRA_RATE_LIMITS or not self._handshakes.take(address):
            return True
        refusals.note("FLOWRA_HANDSHAKES_PER_MINUTE", address)
        return False

    async def admit(self, address: str, user_id: UUID | None) -> Slot | None:
        """Return a slot for a socket, or None where a limit is reached; without a user only the handshake counts."""
        limits: dict[str, int] = {}
        who, limit = address, settings.FLOWRA_HANDSHAKES_PER_MINUTE
        if user_id is not None:
            who, limit = f"user:{user_id}", settings.FLOWRA_HANDSHAKES_PER_USER
            limits[who] = settings.FLOWRA_CONNECTIONS_PER_USER
            limits[f"address:{address}"] = settings.FLOWRA_CONNECTIONS_PER_ADDRESS
        slot = Slot(self, limits)
        is_limited = settings.FLOWRA_RATE_LIMITS
        if is_limited and user_id is not None and self._user_handshakes.take(who):
            self.allow_handshake(address)  # its credential was checked, as those of bad ones are
            refusals.note("FLOWRA_HANDSHAKES_PER_USER", who)
            return None
        request = AdmissionRequest(who, limit, limits)
        for number, (subject, most) in enumerate(limits.items(), start=1):
            if is_limited and self._held[subject] >= most:
                _note_refusal(request, number)
                return None
        for subject in limits:
            self._held[subject] += 1
        if not is_limited or self._store is None or self._is_alone:
            self._grant(slot, is_counted=False)
            return slot
        pending = _PendingRequest(request, slot, asyncio.get_running_loop().create_future())
        self._pending.append(pending)
        self._has_news.set()
        try:
            is_granted = await pending.answer
        except BaseException:
            slot.release()
            raise
        if is_granted:
            return slot
        slot.release()
        return None

    def release(self, slot: Slot) -> None:
        """Free a slot of `admit`."""
        for subject in slot.subjects:
            _lower(self._held, subject)
            if slot.is_granted:
                _lower(self._granted, subject)
                self._note_change(subject)

    def _grant(self, slot: Slot, *, is_counted: bool) -> None:
        """Grant a slot that the table has counted already or not."""
        slot.is_granted = True
        for subject in slot.subjects:
            self._granted[subject] += 1
            if not is_counted:
                self._note_change(subject)

    def _note_change(self, subject: str) -> None:
        if self.is_shared:
            self._changed.add(subject)
            self._has_news.set()

    # --- Exchanges with the table ---------------------------------------------------------------

    async def run(self) -> None:
        """Exchange with the table, for ever."""
        loop = asyncio.get_running_loop()
        reported_at = loop.time()
        self._changed.update(self._granted)
        self._set_alone(False)
        while True:
            try:
                async with asyncio.timeout(EXCHANGE_EVERY):
                    await self._has_news.wait()
            except TimeoutError:
                if loop.time() - reported_at > REPORT_ALL_EVERY:
                    reported_at = loop.time()
                    self._changed.update(self._granted)
            self._has_news.clear()
            try:
                await self.exchange()
            except StoreUnavailable as error:
                if not self._is_alone:
                    logger.warning("Limits are counted by each process for itself: %s", error)
                self._set_alone(True)
                self._grant_all(self._pending)
                self._pending = []
                await asyncio.sleep(RETRY_AFTER)
                self._has_news.set()

    async def exchange(self) -> None:
        """Exchange once what is new; raises StoreUnavailable, after those who wait were granted their slots."""
        if self._store is None:
            return
        pending, self._pending = self._pending[:BATCH], self._pending[BATCH:]
        pending = [one for one in pending if not one.answer.done()]
        changed = [self._changed.pop() for _ in range(min(BATCH, len(self._changed)))]
        posts = self.posts.pop_unshared(BATCH)
        request = Request(
            counts={subject: self._granted[subject] for subject in changed},
            admissions=[one.request for one in pending],
            posts=posts,
        )
        try:
            reply = await self._store.exchange(request)
        except BaseException:
            # The table may have taken it or not: the counts are sent again.
            self._changed.update(changed)
            self._grant_all(pending)
            raise
        if self._is_alone:
            logger.info("Limits are counted together again.")
            self._set_alone(False)
        self._apply(reply, pending)
        self.posts.lower(zip(posts, reply.levels, strict=True))
        if self._pending or self._changed or self.posts.has_unshared:
            self._has_news.set()

    def _apply(self, reply: Reply, pending: list[_PendingRequest]) -> None:
        if not reply.is_known:  # the process is new to the table, or its lease has expired
            self._changed.update(self._granted)
        for one, verdict in zip(pending, reply.verdicts, strict=True):
            if one.answer.done():  # given up meanwhile, and counted by the table
                for subject in one.slot.subjects:
                    self._note_change(subject)
                continue
            if verdict == GRANTED:
                self._grant(one.slot, is_counted=True)
            else:
                _note_refusal(one.request, verdict)
            one.answer.set_result(verdict == GRANTED)

    def _grant_all(self, pending: list[_PendingRequest]) -> None:
        for one in pending:
            if not one.answer.done():
                self._grant(one.slot, is_counted=False)
                one.answer.set_result(True)

    def _set_alone(self, is_alone: bool) -> None:
        self._is_alone = is_alone
        loop = asyncio.get_running_loop()
        self.posts.share(None if is_alone else lambda: _wake(loop, self._has_news))

    async def stop(self) -> None:
        """Admit whoever waits, and take this process's counts out of the table; `run` has ended by then."""
        self._set_alone(True)  # nobody exchanges any more: whoever comes now must not wait
        self._grant_all(self._pending)
        if self._store is not None:
            await self._store.leave()


def _wake(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    """Set an event from any thread, unless its loop has been closed."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(event.set)


def _note_refusal(request: AdmissionRequest, verdict: int) -> None:
    """Note the limit that refused somebody; `verdict` as in Reply."""
    if not verdict:
        is_user = request.who.startswith("user:")
        refusals.note("FLOWRA_HANDSHAKES_PER_USER" if is_user else "FLOWRA_HANDSHAKES_PER_MINUTE", request.who)
        return
    subject = list(request.slots)[verdict - 1]
    is_user = subject.startswith("user:")
    refusals.note("FLOWRA_CONNECTIONS_PER_USER" if is_user else "FLOWRA_CONNECTIONS_PER_ADDRESS", subject)


def _lower(counter: Counter[str], subject: str) -> None:
    counter[subject] -= 1
    if counter[subject] <= 0:
        del counter[subject]
