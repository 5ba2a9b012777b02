"""Limits of users and addresses, counted by several processes together and by each for itself."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import ANY

import pytest
import redis
from pytest_django import Settings

from realtime.limits.buckets import TokenBucket
from realtime.limits.posts import PostLimit
from realtime.limits.shared import Quota, Slot
from realtime.limits.store import TIMEOUT, QuotaStore, Request
from tests.support.processes import Valkey

Start = Callable[..., contextlib.AbstractAsyncContextManager[Quota]]
HERE, ELSEWHERE = "192.0.2.1", "192.0.2.2"
USER, OTHER = uuid.uuid4(), uuid.uuid4()


@pytest.fixture(autouse=True)
def _low(settings: Settings) -> None:
    settings.FLOWRA_RATE_LIMITS = True
    settings.FLOWRA_CONNECTIONS_PER_USER = 2
    settings.FLOWRA_CONNECTIONS_PER_ADDRESS = 3
    settings.FLOWRA_HANDSHAKES_PER_MINUTE = settings.FLOWRA_HANDSHAKES_PER_USER = 50
    settings.FLOWRA_POSTS_PER_SECOND, settings.FLOWRA_POSTS_BURST = 0.001, 4


@pytest.fixture
def start(valkey: Valkey) -> Start:
    """Give what starts a process that counts in a table of this test's own; killed, it leaves nothing but its lease."""
    prefix = f"test:{{{uuid.uuid4().hex}}}"

    @contextlib.asynccontextmanager
    async def process(*, lease: float = 20.0, killed: bool = False, url: str = valkey.url) -> AsyncIterator[Quota]:
        store = QuotaStore(url, prefix=prefix, lease=lease)
        quota = Quota(store, PostLimit())
        task = asyncio.create_task(quota.run())
        await asyncio.sleep(0)  # posts are shared once it runs
        try:
            yield quota
        finally:
            task.cancel()
            await asyncio.wait([task])
            if killed:
                await store._client.aclose()
            else:
                await quota.stop()

    return process


async def admit(quota: Quota, user: uuid.UUID = USER, address: str = HERE) -> Slot | None:
    """Ask for a slot, within a bounded time."""
    async with asyncio.timeout(4 * TIMEOUT):
        return await quota.admit(address, user)


async def until_admitted(quota: Quota, seconds: float = 10) -> Slot:
    """Ask until one is granted."""
    async with asyncio.timeout(seconds):
        while True:
            slot = await admit(quota)
            if slot is not None:
                return slot
            await asyncio.sleep(0.02)


async def settled(quota: Quota) -> None:
    """Return when the table has everything that was counted here: exchanges keep their order."""
    await quota.admit("198.51.100.1", None)
    await quota.admit("198.51.100.1", None)


async def test_sockets_of_a_user_are_counted_together(start: Start) -> None:
    async with start() as one, start() as two:
        first, second = await admit(one), await admit(two, address=ELSEWHERE)
        assert first is not None
        assert second is not None
        assert await admit(one) is None
        assert await admit(two) is None
        assert await admit(two, OTHER) is not None
        first.release()
        assert await until_admitted(two)
        assert await admit(one) is None


async def test_sockets_of_an_address_are_counted_together(start: Start) -> None:
    async with start() as one, start() as two:
        for quota in (one, two, one):
            assert await admit(quota, uuid.uuid4()) is not None
        assert await admit(two, uuid.uuid4()) is None
        assert await admit(two, uuid.uuid4(), ELSEWHERE) is not None


async def test_a_hundred_at_once_are_admitted_up_to_the_limit(start: Start) -> None:
    async with start() as one, start() as two:
        asked = [admit(quota, USER, f"10.0.0.{number}") for number in range(50) for quota in (one, two)]
        slots = [slot for slot in await asyncio.gather(*asked) if slot is not None]
        assert len(slots) == 2


async def test_handshakes_of_an_address_are_counted_together(start: Start, settings: Settings) -> None:
    settings.FLOWRA_HANDSHAKES_PER_MINUTE = 6
    async with start() as one, start() as two:
        came_in = [await quota.admit(HERE, None) is not None for _ in range(8) for quota in (one, two)]
        assert came_in.count(True) == 6
        assert await two.admit(ELSEWHERE, None) is not None
        assert [one.allow_handshake(HERE) for _ in range(7)] == [True] * 6 + [False]
        assert one.allow_handshake(ELSEWHERE)


async def test_handshakes_of_a_user_are_counted_together_and_not_with_the_addresses(
    start: Start, settings: Settings
) -> None:
    settings.FLOWRA_HANDSHAKES_PER_USER, settings.FLOWRA_HANDSHAKES_PER_MINUTE = 6, 3
    async with start() as one, start() as two:
        came_in = 0
        for _ in range(5):
            for quota in (one, two):
                if (slot := await admit(quota)) is not None:
                    came_in += 1
                    slot.release()
                await settled(quota)
        assert came_in == 6
        assert await admit(two, OTHER) is not None
        assert await two.admit(HERE, None) is not None


async def test_credentials_of_an_address_over_its_limit_are_checked_one_by_one(settings: Settings) -> None:
    settings.FLOWRA_HANDSHAKES_PER_MINUTE = 2
    quota, at_once, most = Quota(None, PostLimit()), 0, 0

    async def look() -> str:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0)
        at_once -= 1
        return "good"

    async def look_from(address: str) -> list[str | None]:
        nonlocal most
        most = 0
        return await asyncio.gather(*(quota.check_credential(address, look) for _ in range(10)))

    assert (await look_from(HERE), most) == (["good"] * 10, 10)
    assert [quota.allow_handshake(HERE) for _ in range(3)] == [True, True, False]
    assert (await look_from(HERE), most) == (["good"] * 10, 1)
    assert (await look_from(ELSEWHERE), most) == (["good"] * 10, 10)
    assert not quota._credential_queues


async def test_the_queue_of_an_address_over_its_limit_is_bounded(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.limits.shared.MAX_QUEUED", 3)
    settings.FLOWRA_HANDSHAKES_PER_MINUTE = 1
    quota, go = Quota(None, PostLimit()), asyncio.Event()

    async def look() -> str:
        await go.wait()
        return "good"

    assert quota.allow_handshake(HERE)
    waiting = [asyncio.create_task(quota.check_credential(HERE, look)) for _ in range(3)]
    await asyncio.sleep(0)
    assert await quota.check_credential(HERE, look) is None
    waiting[1].cancel()
    go.set()
    assert await asyncio.gather(*waiting, return_exceptions=True) == ["good", ANY, "good"]
    assert not quota._credential_queues


async def test_handshakes_over_a_users_limit_count_for_the_address(settings: Settings) -> None:
    """They have their credential looked at as strangers do, so that has the same bound."""
    settings.FLOWRA_HANDSHAKES_PER_USER, settings.FLOWRA_HANDSHAKES_PER_MINUTE = 1, 2
    quota = Quota(None, PostLimit())
    assert await admit(quota) is not None
    assert [await admit(quota) for _ in range(2)] == [None, None]
    assert not quota.allow_handshake(HERE)


async def test_counts_of_a_killed_process_expire(start: Start) -> None:
    async with start() as lives:
        async with start(lease=0.5, killed=True) as dies:
            assert await admit(dies) is not None
            assert await admit(dies) is not None
            assert await admit(lives) is None
        assert await until_admitted(lives)


async def test_a_process_that_stops_frees_its_slots_at_once(start: Start) -> None:
    async with start() as stays:
        async with start() as stops:
            assert await admit(stops) is not None
            assert await admit(stops) is not None
        assert await admit(stays) is not None


async def test_an_emptied_table_is_filled_again(start: Start, valkey: Valkey) -> None:
    async with start() as one, start() as two:
        assert await admit(one) is not None
        assert await admit(one) is not None
        redis.Redis.from_url(valkey.url).flushall()
        assert await one.admit(ELSEWHERE, None) is not None  # any exchange of this process notices
        await settled(one)
        assert await admit(two) is None


async def test_a_cancelled_admission_frees_its_slots(start: Start) -> None:
    async with start() as one, start() as two:
        for _ in range(20):
            task = asyncio.create_task(admit(one))
            await asyncio.sleep(0)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                slot = await task
                assert slot is not None
                slot.release()
        assert not one._held
        assert await until_admitted(two)
        assert await until_admitted(two)


@pytest.mark.parametrize("by", ["socket", "page"])
async def test_posts_of_a_user_are_counted_together(start: Start, by: str) -> None:
    async def post(quota: Quota) -> bool:
        if by == "socket":
            return quota.posts.take(USER) == 0
        return await asyncio.to_thread(quota.posts.take, USER) == 0

    async with start() as one, start() as two:
        went_through = 0
        for _ in range(10):
            for quota in (one, two):
                went_through += await post(quota)
                await settled(quota)
        assert went_through in (4, 5)  # the one that was refused last may have learnt of it by one post too many
        assert two.posts.take(OTHER) == 0.0


async def test_a_post_of_a_page_is_sent_to_the_others_at_once(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.limits.shared.EXCHANGE_EVERY", 3_600.0)
    async with start() as one:
        await settled(one)
        assert await asyncio.to_thread(one.posts.take, USER) == 0
        async with asyncio.timeout(5):
            while one.posts.has_unshared:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


def test_posts_of_many_threads_are_counted_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    inside: list[None] = []
    most = 0

    class SlowBucket(TokenBucket):
        def take(self, now: float) -> float:
            nonlocal most
            inside.append(None)
            most = max(most, len(inside))
            time.sleep(0.001)
            inside.pop()
            return super().take(now)

    monkeypatch.setattr("realtime.limits.posts.TokenBucket", SlowBucket)
    posts = PostLimit()
    posts.share(lambda: None)
    with ThreadPoolExecutor(8) as threads:
        waits = list(threads.map(lambda _: posts.take(USER), range(50)))
    assert most == 1
    assert waits.count(0.0) == 4
    assert posts.pop_unshared(10) == {str(USER): 4}
    assert not posts.has_unshared


def test_nothing_is_kept_for_others_while_nobody_shares_it() -> None:
    posts = PostLimit()
    assert posts.take(USER) == 0.0
    posts.share(lambda: None)
    posts.share(None)
    assert posts.take(USER) == 0.0
    assert posts.pop_unshared(10) == {}


async def test_posts_over_the_limit_are_a_bounded_debt(start: Start) -> None:
    async with start() as one, start() as two, start() as three:
        for quota in (one, two, three):
            assert [quota.posts.take(USER) > 0 for _ in range(5)] == [False] * 4 + [True]  # it knows of no others
        assert one._store is not None
        reply = await one._store.exchange(Request({}, [], {str(USER): 100}))
        assert reply.levels == [-4.0]


async def test_without_an_answer_of_the_table_a_process_decides_alone(start: Start) -> None:
    async def be_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(be_silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, start(url=f"redis://127.0.0.1:{port}/0") as alone:
        began = time.monotonic()
        assert await admit(alone) is not None
        assert await admit(alone) is not None
        assert time.monotonic() - began < 3 * TIMEOUT
        assert await admit(alone) is None  # its own counts hold


async def test_it_can_be_stopped_at_any_moment(valkey: Valkey) -> None:
    for moment in range(30):
        quota = Quota(QuotaStore(valkey.url, prefix=f"test:{{{uuid.uuid4().hex}}}"), PostLimit())
        task = asyncio.create_task(quota.run())
        for step in range(moment):
            await asyncio.sleep(0)
            if not step:
                quota.posts.take(USER)
        task.cancel()
        await asyncio.wait([task], timeout=5)
        assert task.cancelled()
        await quota.stop()
        async with asyncio.timeout(5):
            assert await admit(quota) is not None  # who comes after that does not wait for an answer


async def test_without_a_broker_a_process_counts_for_itself() -> None:
    quota = Quota(None, PostLimit())
    slots = [await admit(quota) for _ in range(3)]
    assert [slot is not None for slot in slots] == [True, True, False]
    assert slots[0] is not None
    slots[0].release()
    assert await admit(quota) is not None
    assert [quota.posts.take(USER) > 0 for _ in range(5)] == [False] * 4 + [True]


async def test_switched_off_nothing_is_counted(settings: Settings) -> None:
    settings.FLOWRA_RATE_LIMITS = False
    quota = Quota(None, PostLimit())
    assert all([await admit(quota) for _ in range(60)])
    assert all(quota.allow_handshake(HERE) for _ in range(60))
