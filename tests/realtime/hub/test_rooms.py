"""Rooms: each revision is fanned out once, and nobody who was removed hears what came later."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.broker.events import Audience, LayerEvent
from realtime.hub.revisions import RevisionLog
from realtime.hub.rooms import MAX_WAITING, Room
from realtime.protocol.frames import CloseCode, Priority
from tests.realtime.listeners import Listener

CHAT = uuid.UUID(int=1)


def event(text: str, *, revision: int = 0, access_version: int = 0, **fields: Any) -> LayerEvent:
    """Return an event of the chat."""
    return LayerEvent(
        group="chat",
        audience=Audience.CHAT,
        payload=text.encode(),
        chat_id=CHAT,
        revision=revision,
        access_version=access_version,
        **fields,
    )


def join(room: Room, *, is_live: bool = True) -> Listener:
    """Subscribe somebody; live, or still waiting for what they missed."""
    listener = Listener()
    subscription = room.subscribe(listener.connection)
    if is_live:
        subscription.release(0)
    return listener


def make_room() -> Room:
    """Return a room that knows the chat up to revision 0 and access version 0."""
    room = Room(CHAT)
    room.access_version = 0
    room.revisions.start_at(0)
    return room


async def test_each_revision_is_fanned_out_once_in_any_order() -> None:
    room = make_room()
    listener = join(room)
    for revision in (1, 3, 2, 3, 1, 2, 4):
        room.fan_out(event(str(revision), revision=revision))
    room.flush()
    assert listener.texts == ["1", "3", "2", "4"]


async def test_another_message_with_a_known_revision_is_fanned_out_and_the_same_one_is_not() -> None:
    room = make_room()
    listener = join(room)
    theirs, ours = uuid.uuid4(), uuid.uuid4()
    for text, message_id in (("theirs", theirs), ("ours", ours), ("ours again", ours), ("nobody's", None)):
        room.fan_out(event(text, revision=1, message_id=message_id))
    room.fan_out(event("next", revision=2, message_id=theirs))
    room.flush()
    assert listener.texts == ["theirs", "ours", "next"]


async def test_what_has_no_revision_is_always_fanned_out_but_not_to_whom_it_skips() -> None:
    room = make_room()
    writer, reader = join(room), join(room)
    for _ in range(2):
        room.fan_out(event("typing", priority=int(Priority.TYPING), skip_user_id=writer.connection.user_id))
    room.flush()
    assert writer.texts == []
    assert reader.texts == ["typing", "typing"]


async def test_a_new_subscriber_gets_what_was_held_back_if_it_is_newer_than_what_they_read() -> None:
    room = make_room()
    listener = join(room, is_live=False)
    for revision in (1, 2, 3):
        room.fan_out(event(str(revision), revision=revision))
    room.fan_out(event("renamed"))
    room.fan_out(event("typing", priority=int(Priority.TYPING)))
    room.flush()
    assert listener.texts == []
    room.subscriptions[listener.connection].release(2)
    assert listener.texts == ["3", "renamed"]


async def test_a_newer_access_version_waits_until_members_were_checked() -> None:
    room = make_room()
    removed, stays = join(room), join(room)
    room.presence.load({})
    later = event("after the removal", revision=2, access_version=1)
    room.require(later.access_version)
    assert room.needs_check
    room.waiting.append(later)
    room.unsubscribe(removed.connection)
    room.members_checked(1)
    assert removed.texts == []
    assert stays.texts == ["after the removal"]
    assert room.presence.online_count() is None, "whoever was removed may have been counted"
    assert not room.needs_check


async def test_a_removal_while_members_are_checked_keeps_waiting() -> None:
    room = make_room()
    listener = join(room)
    for version in (1, 2):
        room.require(version)
        room.waiting.append(event(str(version), access_version=version))
    room.members_checked(1)
    assert listener.texts == []
    assert room.needs_check
    room.members_checked(2)
    room.flush()
    assert listener.texts == ["1", "2"]


async def test_holding_back_is_bounded() -> None:
    room = make_room()
    listener = join(room, is_live=False)
    for revision in range(1, MAX_WAITING + 2):
        room.fan_out(event("x", revision=revision))
    room.flush()
    assert listener.ended == [CloseCode.SLOW_CONSUMER]


async def test_holding_back_is_bounded_in_bytes(settings: Any) -> None:
    settings.FLOWRA_OUTBOX_BYTES = 10_000
    room = make_room()
    listener, waits = join(room, is_live=False), join(room, is_live=False)
    for revision in range(1, 11):
        room.fan_out(event("é" * 500, revision=revision))
        room.flush()
    assert listener.ended == []
    room.subscriptions.pop(waits.connection).release(0)
    assert len(waits.texts) == 10
    room.fan_out(event("x", revision=11))
    room.flush()
    assert listener.ended == [CloseCode.SLOW_CONSUMER]
    assert not room.subscriptions[listener.connection].held


async def test_waiting_for_a_check_of_members_is_bounded_in_bytes(settings: Any) -> None:
    settings.FLOWRA_OUTBOX_BYTES = 10_000
    room = make_room()
    room.waiting.extend(event("x" * 1_000) for _ in range(10))
    assert not room.is_overloaded
    room.waiting.append(event("x"))
    assert room.is_overloaded


async def test_an_event_larger_than_may_wait_is_told_as_changed(settings: Any) -> None:
    settings.FLOWRA_OUTBOX_BYTES = 10_000
    room = make_room()
    live, late = join(room), join(room, is_live=False)
    room.fan_out(event("x" * 10_001, revision=1))
    room.flush()
    room.subscriptions[late.connection].release(0)
    for listener in (live, late):
        assert [json.loads(text)["reason"] for text in listener.texts] == ["too_large"]
    assert not room.revisions.admit(1)


@given(st.lists(st.integers(min_value=1, max_value=30), max_size=80), st.integers(min_value=0, max_value=30))
def test_the_revision_log_admits_each_revision_once_and_closes_up(revisions: list[int], start: int) -> None:
    log = RevisionLog()
    log.start_at(start)
    admitted = [revision for revision in revisions if log.admit(revision)]
    assert len(set(admitted)) == len(admitted)
    assert set(admitted) == {revision for revision in revisions if revision > start}
    seen = {*range(start + 1), *revisions}
    expected = next(number for number in range(start, 40) if number + 1 not in seen)
    assert log.contiguous == expected


@pytest.mark.parametrize(("known", "jump", "expected"), [(3, 5, 7), (0, 2, 2), (4, 9, 9)])
def test_the_revision_log_jumps_over_what_a_repair_covered(known: int, jump: int, expected: int) -> None:
    log = RevisionLog()
    log.start_at(known)
    for ahead in (6, 7):
        log.admit(ahead)
    log.advance_to(jump)
    assert log.contiguous == expected
    assert not log.admit(jump)
