"""What a room tells of presence: each change once, in order, with a count that is right."""

from __future__ import annotations

import json
import uuid

from hypothesis import given
from hypothesis import strategies as st

from presence.changes import PresenceEntry
from presence.registry.base import UserState
from realtime.frames.presence import presence_event
from realtime.hub.room_presence import RoomPresence
from realtime.outbox.presence import fold
from realtime.protocol.frames import Priority

CHAT = uuid.UUID(int=9)
JANE, JOHN, BOB = (uuid.UUID(int=number) for number in (1, 2, 3))


def change(user_id: uuid.UUID, version: int, *, is_online: bool = True) -> PresenceEntry:
    """Return a change of a user."""
    seen = None if is_online else "2026-11-22T20:58:11.402Z"
    return PresenceEntry(user_id=user_id, display_name="Jane", is_online=is_online, last_seen=seen, version=version)


def state(version: int, *, is_online: bool) -> UserState:
    """Return a user's state in a snapshot."""
    return UserState(is_online, version, None)


def make(**states: UserState) -> RoomPresence:
    """Return a room's presence that knows Jane, John and Bob."""
    presence = RoomPresence()
    names = {"jane": JANE, "john": JOHN, "bob": BOB}
    presence.load({user_id: states.get(name, state(0, is_online=False)) for name, user_id in names.items()})
    return presence


def versions(presence: RoomPresence) -> list[list[int]]:
    """Return the versions of what is to be told, by round."""
    return [[change.version for change in some] for some in presence.pop_rounds()]


def test_a_change_is_told_once_and_an_older_one_never() -> None:
    presence = make()
    for version in (5, 5, 4):
        presence.add(change(JANE, version), 0)
    assert versions(presence) == [[5]]
    presence.add(change(JANE, 5), 0)
    assert not presence.has_changes
    assert presence.online_count() == 1


def test_two_changes_of_a_user_are_told_one_after_the_other() -> None:
    presence = make(jane=state(1, is_online=True))
    presence.add(change(JANE, 2, is_online=False), 0)
    presence.add(change(JOHN, 3), 0)
    presence.add(change(JANE, 4), 0)
    assert versions(presence) == [[2, 3], [4]]


def test_what_the_snapshot_knew_is_told_all_the_same() -> None:
    """Somebody may have subscribed before it was read."""
    presence = make(jane=state(7, is_online=True))
    presence.add(change(JANE, 7), 0)
    assert versions(presence) == [[7]]
    assert presence.online_count() == 1


def test_a_snapshot_that_is_older_than_what_was_heard_changes_nothing() -> None:
    presence = make()
    presence.add(change(JANE, 7), 0)
    presence.load({JANE: state(6, is_online=False), JOHN: state(0, is_online=False)})
    assert presence.online_count() == 1


def test_who_is_no_member_any_more_is_not_counted() -> None:
    presence = make(jane=state(7, is_online=True), john=state(8, is_online=True))
    presence.load({JOHN: state(8, is_online=True)})
    assert presence.online_count() == 1


def test_the_count_is_unknown_without_a_snapshot_and_after_it_became_doubtful() -> None:
    presence = RoomPresence()
    assert presence.online_count(including=JANE) is None
    presence.load({JANE: state(1, is_online=False), JOHN: state(2, is_online=True)})
    assert (presence.online_count(), presence.online_count(including=JANE)) == (1, 2)
    presence.invalidate()
    assert presence.online_count() is None


def test_one_change_is_a_changed_frame_and_several_are_a_diff() -> None:
    one = json.loads(presence_event(CHAT, [change(JANE, 7)], online_count=1, access_version=3).payload)
    assert one == {
        "type": "presence.changed",
        "chat_id": str(CHAT),
        "user_id": str(JANE),
        "display_name": "Jane",
        "is_online": True,
        "last_seen": None,
        "version": 7,
        "online_count": 1,
    }
    event = presence_event(CHAT, [change(JANE, 7), change(JOHN, 8, is_online=False)], online_count=1, access_version=3)
    two = json.loads(event.payload)
    assert (two["type"], two["chat_id"], two["online_count"]) == ("presence.diff", str(CHAT), 1)
    assert [entry["version"] for entry in two["online"]] == [7]
    assert [entry["last_seen"] for entry in two["offline"]] == ["2026-11-22T20:58:11.402Z"]
    assert set(two["online"][0]) == {"user_id", "display_name", "is_online", "last_seen", "version"}
    assert (event.priority, event.access_version) == (Priority.PRESENCE, 3)


@given(st.lists(st.tuples(st.sampled_from([JANE, JOHN, BOB]), st.booleans()), max_size=12), st.randoms())
def test_whatever_the_order_and_however_often_it_ends_as_it_is(
    edges: list[tuple[uuid.UUID, bool]], random: object
) -> None:
    changes = [change(user_id, 10 + place, is_online=online) for place, (user_id, online) in enumerate(edges)]
    shuffled = [*changes, *changes[::2]]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    presence = make()
    told: list[int] = []
    for one in shuffled:
        presence.add(one, 0)
        told += [version for some in versions(presence) for version in some]
    last = {one.user_id: one for one in changes}
    assert len(told) == len(set(told))
    assert {one.version for one in last.values()} <= set(told)
    assert presence.online_count() == sum(one.is_online for one in last.values())


def test_folded_frames_say_how_things_are() -> None:
    texts = [
        presence_event(CHAT, [change(JANE, 7)], online_count=1, access_version=0).payload,
        presence_event(CHAT, [change(JOHN, 8), change(BOB, 9)], online_count=3, access_version=0).payload,
        presence_event(CHAT, [change(JANE, 10, is_online=False)], online_count=2, access_version=0).payload,
        presence_event(uuid.UUID(int=8), [change(JANE, 10, is_online=False)], online_count=0, access_version=0).payload,
    ]
    first, second = (json.loads(text) for text in fold(texts))
    assert (first["type"], first["chat_id"], first["online_count"]) == ("presence.diff", str(CHAT), 2)
    assert [entry["version"] for entry in first["online"]] == [8, 9]
    assert [entry["version"] for entry in first["offline"]] == [10]
    assert (second["chat_id"], second["online_count"]) == (str(uuid.UUID(int=8)), 0)
