"""Token buckets and the typing gate, with time given to them."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from chats.models import BODY_MAX_LENGTH, CHAT_MEMBERS_PER_CALL, NAME_MAX_LENGTH, TITLE_MAX_LENGTH
from realtime.limits import buckets as limits
from realtime.limits.buckets import Buckets, SlidingWindow, TokenBucket
from realtime.limits.connection import BAD_FRAMES, FLOOD_FRAMES, ConnectionLimits
from realtime.limits.typing import TYPING_SECONDS, TypingGate


def test_a_bucket_allows_a_burst_and_then_its_rate() -> None:
    bucket = TokenBucket(rate=2, burst=3, now=0)
    assert [bucket.take(0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert bucket.take(0.5) == 0
    assert bucket.take(0.5) > 0
    assert [bucket.take(100) for _ in range(4)] == [0, 0, 0, 0.5]


def test_buckets_forget_the_least_recently_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_KEYS", 2)
    buckets: Buckets[str, TokenBucket] = Buckets(lambda now: TokenBucket(0.001, 1, now))
    assert buckets.take("a") == 0
    assert buckets.take("b") == 0
    assert buckets.take("a") > 0
    assert buckets.take("c") == 0  # forgets b
    assert buckets.take("b") == 0


def test_a_flood_is_refused_before_it_is_closed(settings: Settings) -> None:
    settings.FLOWRA_FRAMES_BURST, settings.FLOWRA_FRAMES_PER_SECOND = 5, 0.001
    connection = ConnectionLimits()
    assert all(connection.frame() == 0 for _ in range(5))
    for _ in range(FLOOD_FRAMES):
        assert connection.frame() > 0
        assert not connection.is_flood
    connection.frame()
    assert connection.is_flood


def test_a_flood_is_closed_although_a_frame_is_allowed_now_and_then(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FLOWRA_FRAMES_BURST, settings.FLOWRA_FRAMES_PER_SECOND = 5, 20
    now = 0.0
    monkeypatch.setattr("realtime.limits.connection.time.monotonic", lambda: now)
    hasty, impatient = ConnectionLimits(), ConnectionLimits()
    for number in range(4_000):
        now = number / 100  # five times as many as are allowed, so that one of five gets through
        hasty.frame()
        if number % 3 == 0:  # a third more than are allowed
            impatient.frame()
    assert hasty.is_flood
    assert not impatient.is_flood


def test_limits_are_those_of_the_documents_unless_set(settings: Settings) -> None:
    assert (settings.FLOWRA_FRAMES_PER_SECOND, settings.FLOWRA_FRAMES_BURST) == (20, 60)
    assert (settings.FLOWRA_POSTS_PER_SECOND, settings.FLOWRA_POSTS_BURST) == (5, 20)
    assert settings.FLOWRA_SUBSCRIPTIONS_PER_CONNECTION == 200
    assert (settings.FLOWRA_CONNECTIONS_PER_USER, settings.FLOWRA_CONNECTIONS_PER_ADDRESS) == (50, 1_000)
    assert settings.FLOWRA_HANDSHAKES_PER_MINUTE == 600
    assert TYPING_SECONDS == 1
    assert (BODY_MAX_LENGTH, TITLE_MAX_LENGTH, NAME_MAX_LENGTH, CHAT_MEMBERS_PER_CALL) == (10_000, 200, 80, 100)


def test_rate_limits_can_be_switched_off(settings: Settings) -> None:
    settings.FLOWRA_RATE_LIMITS = False
    connection = ConnectionLimits()
    assert all(connection.frame() == 0 for _ in range(10_000))


@pytest.mark.parametrize("limited", [True, False])
def test_only_many_bad_frames_are_abuse(settings: Settings, limited: bool) -> None:
    settings.FLOWRA_RATE_LIMITS = limited
    connection = ConnectionLimits()
    assert not any(connection.bad_frame() for _ in range(BAD_FRAMES))
    assert connection.bad_frame()


async def test_typing_passes_once_a_second_and_the_last_state_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.limits.typing.TYPING_SECONDS", 0.02)
    passed: list[bool] = []
    done = asyncio.Event()

    def pass_on(is_typing: bool) -> None:
        passed.append(is_typing)
        if not is_typing:
            done.set()

    gate, user, chat = TypingGate(), uuid.uuid4(), uuid.uuid4()
    for state in (True, True, True, False):
        gate.offer(user, chat, state, pass_on)
    assert passed == [True]
    await asyncio.wait_for(done.wait(), 5)
    assert passed == [True, False]


async def test_a_gate_that_was_stopped_passes_nothing_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.limits.typing.TYPING_SECONDS", 0.01)
    passed: list[bool] = []
    gate, user, chat = TypingGate(), uuid.uuid4(), uuid.uuid4()
    gate.offer(user, chat, True, passed.append)
    gate.offer(user, chat, False, passed.append)
    gate.stop()
    await asyncio.sleep(0.05)
    assert passed == [True]


async def test_typing_of_different_people_and_chats_does_not_mix() -> None:
    passed: list[str] = []
    gate, chat = TypingGate(), uuid.uuid4()
    for name in ("jane", "bob"):
        gate.offer(uuid.uuid4(), chat, True, lambda _, name=name: passed.append(name))  # type: ignore[misc]
    assert passed == ["jane", "bob"]


@given(limit=st.integers(1, 5), pauses=st.lists(st.sampled_from([0.0, 1.0, 7.0, 30.0, 61.0, 130.0]), max_size=40))
def test_a_window_is_full_exactly_when_it_would_refuse(limit: int, pauses: list[float]) -> None:
    now = 0.0
    window = SlidingWindow(limit, 60.0, now)
    for pause in pauses:
        now += pause
        assert window.is_full(now) == (window.take(now) > 0)
