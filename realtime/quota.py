"""Limits that are a user's or an address's, wherever they are connected: sockets, handshakes, posts.

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
from collections import Counter
from collections.abc import Mapping
from uuid import UUID

from django.conf import settings

from realtime.limits import Buckets, SlidingWindow, TokenBucket
from realtime.quota_store import WINDOW, QuotaAway, Reply, Request, Store

logger = logging.getLogger(__name__)
BEAT = 5.0  # seconds between two exchanges, if there is nothing to say
TELL_AGAIN = 600.0  # seconds after which all counts are told again
RETRY_AFTER = 1.0  # seconds, while the table is away
BATCH = 500  # counts, asks, users in one exchange: some milliseconds of the broker's time


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
class _Ask:
    address: str
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
        self._posts = post_buckets()
        self._asks: list[_Ask] = []
        self._changed: set[str] = set()  # subjects whose count the table may not have
        self._posted: Counter[str] = Counter()
        self._news = asyncio.Event()
        self._is_away = False

    # --- What is asked --------------------------------------------------------------------------

    def knock(self, address: str) -> bool:
        """Count a handshake of this address here; returns whether it may go on."""
        return not settings.FLOWRA_RATE_LIMITS or not self._handshakes.take(address)

    async def admit(self, address: str, user_id: UUID | None) -> Place | None:
        """Return a place for a socket, or None where there are too many; without a user only the handshake counts."""
        subjects: dict[str, int] = {}
        if user_id is not None:
            subjects[f"user:{user_id}"] = settings.FLOWRA_CONNECTIONS_PER_USER
            subjects[f"address:{address}"] = settings.FLOWRA_CONNECTIONS_PER_ADDRESS
        place = Place(self, subjects)
        is_limited = settings.FLOWRA_RATE_LIMITS
        if is_limited and any(self._taken[subject] >= limit for subject, limit in subjects.items()):
            return None
        for subject in subjects:
            self._taken[subject] += 1
        if not is_limited or self._store is None or self._is_away:
            self._grant(place, is_known=False)
            return place
        ask = _Ask(address, place, asyncio.get_running_loop().create_future())
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
            asks=[(ask.address, ask.place.subjects) for ask in asks],
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
        for ask, is_granted in zip(asks, reply.granted, strict=True):
            if ask.answer.done():  # given up meanwhile
                for subject in ask.place.subjects:
                    self._note(subject)
                continue
            if is_granted:
                self._grant(ask.place, is_known=True)
            ask.answer.set_result(is_granted)
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


def _lower(counter: Counter[str], subject: str) -> None:
    counter[subject] -= 1
    if counter[subject] <= 0:
        del counter[subject]
