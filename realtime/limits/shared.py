"""Limits that are a user's or an address's, wherever they are connected: sockets, handshakes, posts.

A handshake with a good credential is its user's, any other its address's: so those who share an address do not use up
each other's. That the database is asked about a credential has a bound all the same, see `look_at`.

This process counts for itself first. With a broker it settles with the others, all that is new in one exchange, and one
exchange at a time. A socket waits for it. A post does not, so that its `ack` never waits for the broker: what was
posted elsewhere lowers the bucket here a moment later, and what was too much is a debt. Without an answer each process
goes by its own counts.

Runs in the event loop's thread.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar
from uuid import UUID

from django.conf import settings

from realtime.limits import met
from realtime.limits.buckets import Buckets, SlidingWindow, TokenBucket
from realtime.limits.store import GRANTED, WINDOW, Knock, QuotaAway, Reply, Request, Store

logger = logging.getLogger(__name__)
BEAT = 2.0  # seconds between two exchanges, if there is nothing to say
TELL_AGAIN = 600.0  # seconds after which all counts are told again
RETRY_AFTER = 1.0  # seconds, while the table is away
BATCH = 500  # counts, asks, users in one exchange: some milliseconds of the broker's time
# Handshakes of one address that wait for their credential to be looked at, where it has used up its own: an office that
# comes back after a restart, and some more.
LONGEST_LINE = 1_000

T = TypeVar("T")


def post_buckets() -> Buckets[str, TokenBucket]:
    """Return a bucket per user for what they post."""
    return Buckets(lambda now: TokenBucket(settings.FLOWRA_POSTS_PER_SECOND, settings.FLOWRA_POSTS_BURST, now))


class Place:
    """A socket's place among those of its user and its address; `leave` gives it back."""

    __slots__ = ("_quota", "is_granted", "subjects")

    def __init__(self, quota: Quota, subjects: Mapping[str, int]) -> None:
        self._quota = quota
        self.subjects = subjects
        self.is_granted = False

    def leave(self) -> None:
        """Give the place back; once."""
        self._quota.give_back(self)


@dataclasses.dataclass(slots=True)
class _Line:
    """The handshakes of an address whose credentials are looked at one by one."""

    turn: asyncio.Lock = dataclasses.field(default_factory=asyncio.Lock)
    length: int = 0


@dataclasses.dataclass(slots=True)
class _Ask:
    knock: Knock
    place: Place
    answer: asyncio.Future[bool]


class Quota:
    """What this process counts per user and address, and settles with the others through `store`, if there is one."""

    def __init__(self, store: Store | None) -> None:
        self.is_shared = store is not None
        self._store = store
        self._taken: Counter[str] = Counter()  # places here, asked for or granted, by subject
        self._granted: Counter[str] = Counter()
        self._handshakes: Buckets[str, SlidingWindow] = Buckets(
            lambda now: SlidingWindow(settings.FLOWRA_HANDSHAKES_PER_MINUTE, WINDOW, now)
        )
        self._user_handshakes: Buckets[str, SlidingWindow] = Buckets(
            lambda now: SlidingWindow(settings.FLOWRA_HANDSHAKES_PER_USER, WINDOW, now)
        )
        self._lines: dict[str, _Line] = {}  # by address
        self._posts = post_buckets()
        self._asks: list[_Ask] = []
        self._changed: set[str] = set()  # subjects whose count the table may not have
        self._posted: Counter[str] = Counter()
        self._news = asyncio.Event()
        self._is_away = False

    # --- What is asked --------------------------------------------------------------------------

    async def look_at(self, address: str, look: Callable[[], Awaitable[T]]) -> T | None:
        """Return what `look()` finds out about a credential from this address; None where too many wait for that.

        Looking asks the database. Where an address has used up its handshakes that brought nothing good, one credential
        of it is looked at at a time: who tries many has one thread at most, and who has a good one still comes in.
        """
        full = self._handshakes.get(address)
        if not settings.FLOWRA_RATE_LIMITS or full is None or not full.is_full(time.monotonic()):
            return await look()
        line = self._lines.setdefault(address, _Line())
        if line.length >= LONGEST_LINE:
            met.note("FLOWRA_HANDSHAKES_PER_MINUTE", address)
            return None
        line.length += 1
        try:
            async with line.turn:
                return await look()
        finally:
            line.length -= 1
            if not line.length:
                del self._lines[address]

    def knock(self, address: str) -> bool:
        """Count here a handshake of this address that brought nothing good; returns whether it is to be heard."""
        if not settings.FLOWRA_RATE_LIMITS or not self._handshakes.take(address):
            return True
        met.note("FLOWRA_HANDSHAKES_PER_MINUTE", address)
        return False

    async def admit(self, address: str, user_id: UUID | None) -> Place | None:
        """Return a place for a socket, or None where there are too many; without a user only the handshake counts."""
        subjects: dict[str, int] = {}
        who, limit = address, settings.FLOWRA_HANDSHAKES_PER_MINUTE
        if user_id is not None:
            who, limit = f"user:{user_id}", settings.FLOWRA_HANDSHAKES_PER_USER
            subjects[who] = settings.FLOWRA_CONNECTIONS_PER_USER
            subjects[f"address:{address}"] = settings.FLOWRA_CONNECTIONS_PER_ADDRESS
        place = Place(self, subjects)
        is_limited = settings.FLOWRA_RATE_LIMITS
        if is_limited and user_id is not None and self._user_handshakes.take(who):
            self.knock(address)  # it was looked at, as those that are no good
            met.note("FLOWRA_HANDSHAKES_PER_USER", who)
            return None
        knock = Knock(who, limit, subjects)
        for number, (subject, places) in enumerate(subjects.items(), start=1):
            if is_limited and self._taken[subject] >= places:
                _note_met(knock, number)
                return None
        for subject in subjects:
            self._taken[subject] += 1
        if not is_limited or self._store is None or self._is_away:
            self._grant(place, is_known=False)
            return place
        ask = _Ask(knock, place, asyncio.get_running_loop().create_future())
        self._asks.append(ask)
        self._news.set()
        try:
            is_granted = await ask.answer
        except BaseException:
            place.leave()
            raise
        if is_granted:
            return place
        place.leave()
        return None

    def take_post(self, user_id: UUID) -> float:
        """Count a post; returns 0.0, or the seconds until the user may post again."""
        user = str(user_id)
        wait = self._posts.take(user)
        if not wait and self.is_shared and not self._is_away:
            self._posted[user] += 1
            self._news.set()
        return wait

    def give_back(self, place: Place) -> None:
        """See `Place.leave`."""
        for subject in place.subjects:
            _lower(self._taken, subject)
            if place.is_granted:
                _lower(self._granted, subject)
                self._note(subject)

    def _grant(self, place: Place, *, is_known: bool) -> None:
        place.is_granted = True
        for subject in place.subjects:
            self._granted[subject] += 1
            if not is_known:
                self._note(subject)

    def _note(self, subject: str) -> None:
        if self.is_shared:
            self._changed.add(subject)
            self._news.set()

    # --- Settling -------------------------------------------------------------------------------

    async def run(self) -> None:
        """Settle with the other processes, for ever."""
        loop = asyncio.get_running_loop()
        told_all_at = loop.time()
        self._changed.update(self._granted)
        while True:
            try:
                async with asyncio.timeout(BEAT):
                    await self._news.wait()
            except TimeoutError:
                if loop.time() - told_all_at > TELL_AGAIN:
                    told_all_at = loop.time()
                    self._changed.update(self._granted)
            self._news.clear()
            try:
                await self.settle()
            except QuotaAway as error:
                if not self._is_away:
                    logger.warning("Limits are counted by each process for itself: %s", error)
                self._is_away = True
                self._decide_alone(self._asks)
                self._asks = []
                await asyncio.sleep(RETRY_AFTER)
                self._news.set()

    async def settle(self) -> None:
        """Exchange once what is new; raises QuotaAway, after what was asked has been decided here."""
        if self._store is None:
            return
        asks, self._asks = self._asks[:BATCH], self._asks[BATCH:]
        asks = [ask for ask in asks if not ask.answer.done()]
        changed = [self._changed.pop() for _ in range(min(BATCH, len(self._changed)))]
        posts = {user: self._posted.pop(user) for user in list(self._posted)[:BATCH]}
        request = Request(
            counts={subject: self._granted[subject] for subject in changed},
            asks=[ask.knock for ask in asks],
            posts=posts,
        )
        try:
            reply = await self._store.exchange(request)
        except BaseException:
            # The table may have taken it or not: the counts are told again, whoever asked is let in.
            self._changed.update(changed)
            self._decide_alone(asks)
            raise
        if self._is_away:
            logger.info("Limits are counted together again.")
        self._is_away = False
        self._take(reply, asks, list(posts))
        if self._asks or self._changed or self._posted:
            self._news.set()

    def _take(self, reply: Reply, asks: list[_Ask], users: list[str]) -> None:
        if not reply.is_known:  # new there, or forgotten
            self._changed.update(self._granted)
        for ask, verdict in zip(asks, reply.verdicts, strict=True):
            if ask.answer.done():  # given up meanwhile
                for subject in ask.place.subjects:
                    self._note(subject)
                continue
            if verdict == GRANTED:
                self._grant(ask.place, is_known=True)
            else:
                _note_met(ask.knock, verdict)
            ask.answer.set_result(verdict == GRANTED)
        for user, level in zip(users, reply.levels, strict=True):
            bucket = self._posts.get(user)
            if bucket is not None:
                bucket.lower(level)

    def _decide_alone(self, asks: list[_Ask]) -> None:
        for ask in asks:
            if not ask.answer.done():
                self._grant(ask.place, is_known=False)
                ask.answer.set_result(True)

    async def stop(self) -> None:
        """Let whoever waits in, and take this process's counts out of the table; `run` has ended by then."""
        self._is_away = True  # nobody settles any more: whoever comes now must not wait
        self._decide_alone(self._asks)
        if self._store is not None:
            await self._store.leave()


def _note_met(knock: Knock, verdict: int) -> None:
    """Note the limit that refused somebody; `verdict` as in quota_store.Reply."""
    if not verdict:
        is_user = knock.who.startswith("user:")
        met.note("FLOWRA_HANDSHAKES_PER_USER" if is_user else "FLOWRA_HANDSHAKES_PER_MINUTE", knock.who)
        return
    subject = list(knock.subjects)[verdict - 1]
    is_user = subject.startswith("user:")
    met.note("FLOWRA_CONNECTIONS_PER_USER" if is_user else "FLOWRA_CONNECTIONS_PER_ADDRESS", subject)


def _lower(counter: Counter[str], subject: str) -> None:
    counter[subject] -= 1
    if counter[subject] <= 0:
        del counter[subject]
