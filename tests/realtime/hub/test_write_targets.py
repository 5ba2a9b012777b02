"""A room keeps its write targets. Whatever happens meanwhile, each frame reaches each subscriber once and in order."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.broker.events import Audience, LayerEvent
from realtime.credentials import Credential
from realtime.hub.connections import ConnectionRegistry
from realtime.hub.rooms import Subscription
from realtime.outbox.connection import Connection
from realtime.outbox.frame import Frame, text_frame
from realtime.outbox.outbox import Outbox
from realtime.outbox.transports import PreframedTransport
from realtime.protocol.frames import Priority

CHATS = [uuid.uuid4(), uuid.uuid4()]
CHAT = CHATS[0]
PEOPLE = 4  # connections, two of them of the same user


class Socket:
    """Stands for a server's PreframedSocket, which a test fills, drains and ends."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.is_full = self.has_ended = False
        self._changed: Callable[[bool], None] = lambda is_full: None
        self._ended: Callable[[], None] = lambda: None

    def watch(self, set_full: Callable[[bool], None], ended: Callable[[], None]) -> None:
        self._changed, self._ended = set_full, ended

    def write(self, frames: bytes) -> None:
        assert not self.is_full, "written to a full socket"
        assert not self.has_ended, "written after the end"
        self.taken.append(frames)

    async def send(self, message: dict[str, Any]) -> None:
        assert message["type"] == "websocket.close"
        self.end()

    def abort(self) -> None:
        self.end()

    def set_full(self, is_full: bool) -> None:
        if not self.has_ended and self.is_full != is_full:
            self.is_full = is_full
            self._changed(is_full)

    def end(self) -> None:
        self.has_ended = True
        self._ended()


class Person:
    """Somebody with a socket, and what they ought to be sent."""

    def __init__(self, registry: ConnectionRegistry, user_id: uuid.UUID | None = None) -> None:
        self.socket = Socket()
        self.outbox = Outbox(
            PreframedTransport(self.socket.send, self.socket), limit=10_000_000, overflowed=lambda: None
        )
        self.outbox.open(Frame(b"welcome"))
        self.due = [text_frame(b"welcome")]
        self.connection = Connection(
            credential=Credential(user_id=user_id or uuid.uuid4(), expires_at=0.0),
            display_name="Jane",
            outbox=self.outbox,
            end=lambda code: None,
        )
        registry.add(self.connection, set())
        self.subscriptions: dict[uuid.UUID, Subscription] = {}
        self.held: dict[uuid.UUID, list[bytes]] = {}  # by chat, where the subscription holds frames back
        self.background: set[uuid.UUID] = set()
        self.queued = 0  # of what is due, what still waits for the socket

    def ought_to_get(self, chat_id: uuid.UUID, data: bytes, kind: str = "send") -> None:
        """Note that an event of this kind went out to the room."""
        if chat_id not in self.subscriptions or self.socket.has_ended:
            return
        about_presence = "count" if self.connection.has_watched else "presence"
        if kind in ABOUT_PRESENCE and (chat_id in self.background or kind != about_presence):
            return
        if chat_id in self.held:
            self.held[chat_id].append(data)
            return
        self.due.append(data)
        self.queued += self.socket.is_full

    def unsubscribed(self, chat_id: uuid.UUID) -> None:
        """Note that it is no longer subscribed."""
        self.subscriptions.pop(chat_id, None)
        self.held.pop(chat_id, None)
        self.background.discard(chat_id)

    def ended(self) -> None:
        """Note that what waits for the socket is lost."""
        self.due = self.due[: -self.queued] if self.queued else self.due
        self.queued = 0

    def check(self) -> None:
        """Look at what came."""
        due = self.due[: -self.queued] if self.queued else self.due
        assert b"".join(self.socket.taken) == b"".join(due)


# More of what shows whether all is well than of what may spoil it.
ACTIONS = [
    "send",
    "send",
    "typing",
    "presence",
    "count",
    "subscribe",
    "background",
    "watch",
    "release",
    "leave",
    "remove",
]
ACTIONS += ["fill", "drain", "end", "abort"]
ABOUT_PRESENCE = {"presence": Audience.CHAT, "count": Audience.COUNT}
Step = tuple[str, int, uuid.UUID]


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, PEOPLE - 1), st.sampled_from(CHATS)), max_size=40))
def test_each_gets_everything_once_whatever_happens(steps: list[Step]) -> None:
    registry = ConnectionRegistry(lambda group: None, lambda group: None)
    twice = uuid.uuid4()
    people = [Person(registry, twice if number < 2 else None) for number in range(PEOPLE)]
    for person in people:
        for chat_id in CHATS:
            person.subscriptions[chat_id] = registry.subscribe(person.connection, chat_id)
            person.subscriptions[chat_id].release(0)
    for number, (action, index, chat_id) in enumerate(steps):
        person = people[index]
        user_id = person.connection.user_id
        room = registry.rooms.get(chat_id)
        if action in ("send", "typing") and room is not None:
            skip = user_id if action == "typing" else None
            event = LayerEvent(
                group="chat", audience=Audience.CHAT, payload=f"event {number}".encode(), skip_user_id=skip
            )
            room.write_targets.send([(event, Frame(event.payload))])
            for other in people:
                if other.connection.user_id != skip:
                    other.ought_to_get(chat_id, text_frame(event.payload))
        elif action in ABOUT_PRESENCE and room is not None:
            payload, priority = f"event {number}".encode(), Priority.PRESENCE
            event = LayerEvent(group="chat", audience=ABOUT_PRESENCE[action], payload=payload, priority=int(priority))
            message = LayerEvent(group="chat", audience=Audience.CHAT, payload=b"and a message")
            room.write_targets.send([(event, Frame(payload, priority)), (message, Frame(message.payload))])
            for other in people:
                other.ought_to_get(chat_id, text_frame(payload), action)
                other.ought_to_get(chat_id, text_frame(message.payload))
        elif action in ("subscribe", "background"):
            person.unsubscribed(chat_id)
            is_background = action == "background"
            subscription = registry.subscribe(person.connection, chat_id, background=is_background)
            person.subscriptions[chat_id], person.held[chat_id] = subscription, []
            if is_background:
                person.background.add(chat_id)
        elif action == "watch":
            registry.begin_watching(person.connection)
        elif action == "release" and chat_id in person.held:
            person.subscriptions[chat_id].release(0)
            for data in person.held.pop(chat_id):
                person.ought_to_get(chat_id, data)
        elif action == "remove" and room is not None:
            members = {other.connection.user_id for other in people} - {user_id}
            for other in people:
                if other.connection.user_id not in members:
                    registry.unsubscribe(other.connection, chat_id)
            room.members_checked(number)
            for other in people:
                if other.connection.user_id == user_id:
                    other.unsubscribed(chat_id)
        elif action == "leave":
            registry.unsubscribe(person.connection, chat_id)
            person.unsubscribed(chat_id)
        elif action == "fill":
            person.socket.set_full(True)
        elif action == "drain":
            if not person.socket.has_ended:
                person.queued = 0
            person.socket.set_full(False)
        elif action == "end" and not person.socket.has_ended:
            person.ended()
            person.socket.end()
        elif action == "abort" and not person.socket.has_ended:
            person.ended()
            person.outbox.detach()
            person.socket.end()
        for each in people:
            each.check()


def test_what_happens_to_a_connection_invalidates_its_own_rooms_and_no_other() -> None:
    registry = ConnectionRegistry(lambda group: None, lambda group: None)
    both, one = Person(registry), Person(registry)
    for person, chats in ((both, CHATS), (one, CHATS[:1])):
        for chat_id in chats:
            registry.subscribe(person.connection, chat_id).release(0)
    first, second = (registry.rooms[chat_id] for chat_id in CHATS)

    def are_valid_after(happens: Callable[[], object]) -> tuple[bool, bool]:
        for room in (first, second):
            room.write_targets.send([(LayerEvent(group="chat", audience=Audience.CHAT, payload=b"x"), Frame(b"x"))])
        assert (first.write_targets.is_valid, second.write_targets.is_valid) == (True, True)
        happens()
        return first.write_targets.is_valid, second.write_targets.is_valid

    typing = LayerEvent(group="chat", audience=Audience.CHAT, payload=b"x", skip_user_id=one.connection.user_id)
    assert are_valid_after(lambda: first.write_targets.send([(typing, Frame(b"x"))])) == (True, True)
    assert are_valid_after(lambda: one.socket.set_full(True)) == (False, True)
    assert are_valid_after(lambda: both.socket.set_full(True)) == (False, False)
    assert are_valid_after(lambda: both.socket.set_full(False)) == (False, False)
    assert are_valid_after(lambda: registry.unsubscribe(one.connection, CHATS[1])) == (True, True)
    late = Person(registry)
    subscription = registry.subscribe(late.connection, CHATS[1])
    assert are_valid_after(lambda: registry.subscribe(late.connection, CHATS[0])) == (False, True)
    assert are_valid_after(lambda: subscription.release(0)) == (True, False)
    assert are_valid_after(lambda: registry.remove(one.connection)) == (False, True)
    assert are_valid_after(one.socket.end) == (True, True)
    assert are_valid_after(lambda: registry.begin_watching(both.connection)) == (False, False)
    assert are_valid_after(lambda: registry.begin_watching(both.connection)) == (True, True)


async def test_who_was_removed_does_not_get_what_waited_for_the_check() -> None:
    registry = ConnectionRegistry(lambda group: None, lambda group: None)
    stays, goes = Person(registry), Person(registry)
    for person in (stays, goes):
        registry.subscribe(person.connection, CHAT).release(0)
    room = registry.rooms[CHAT]
    before, after = (
        LayerEvent(group="chat", audience=Audience.CHAT, payload=payload, chat_id=CHAT)
        for payload in (b"before", b"after")
    )
    room.access_version = 0
    room.fan_out(before)
    room.require(1)
    room.waiting.append(after)
    registry.unsubscribe(goes.connection, CHAT)
    room.members_checked(1)
    room.flush()
    assert goes.socket.taken == [text_frame(b"welcome"), text_frame(b"before")]
    assert stays.socket.taken == [text_frame(b"welcome"), text_frame(b"before"), text_frame(b"after")]
