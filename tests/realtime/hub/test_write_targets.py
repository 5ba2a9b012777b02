"""A room remembers whom it may write to. Whatever happens meanwhile, nobody misses, doubles or outlives a frame."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.broker.events import Event, Kind
from realtime.credentials import Credential
from realtime.hub.connections import Directory
from realtime.hub.rooms import Subscription
from realtime.outbox.connection import Connection
from realtime.outbox.frame import Frame, text_frame
from realtime.outbox.outbox import Outbox
from realtime.outbox.transports import ReadyWire

CHAT = uuid.uuid4()
PEOPLE = 4


class Socket:
    """Stands for a server's PreframedSocket, which a test fills, drains and ends."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.is_full = self.has_ended = False
        self._changed: Callable[[bool], None] = lambda is_full: None
        self._ended: Callable[[], None] = lambda: None

    def watch(self, changed: Callable[[bool], None], ended: Callable[[], None]) -> None:
        self._changed, self._ended = changed, ended

    def write(self, frames: bytes) -> None:
        assert not self.is_full, "written to a full socket"
        assert not self.has_ended, "written after the end"
        self.taken.append(frames)

    @property
    def direct(self) -> Callable[[bytes], None]:
        return self.write

    @property
    def unsent_bytes(self) -> int:
        return 0

    def close(self, code: int) -> None:
        self.end()

    def cut(self) -> None:
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

    def __init__(self, directory: Directory) -> None:
        self.socket = Socket()
        self.outbox = Outbox(ReadyWire(self.socket), limit=10_000_000, overflowed=lambda: None)
        self.outbox.open(Frame("welcome"))
        self.due = [text_frame("welcome")]
        self.connection = Connection(
            credential=Credential(user_id=uuid.uuid4(), expires_at=0.0),
            display_name="Jane",
            outbox=self.outbox,
            end=lambda code: None,
        )
        directory.add(self.connection, set())
        self.subscription: Subscription | None = None
        self.held: list[bytes] | None = None
        self.queued = 0  # of what is due, what still waits for the socket

    def ought_to_get(self, data: bytes) -> None:
        """Note that an event went out to the room."""
        if self.subscription is None or self.socket.has_ended:
            return
        if self.held is not None:
            self.held.append(data)
            return
        self.due.append(data)
        self.queued += self.socket.is_full

    def check(self) -> None:
        """Look at what came."""
        assert self.socket.taken == (self.due[: -self.queued] if self.queued else self.due)


# More of what shows whether all is well than of what may spoil it.
ACTIONS = ["send", "send", "typing", "subscribe", "release", "leave", "remove", "fill", "drain", "end", "abort"]
Step = tuple[str, int]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, PEOPLE - 1)), max_size=40))
def test_each_gets_everything_once_whatever_happens(steps: list[Step]) -> None:
    directory = Directory(lambda group: None, lambda group: None)
    people = [Person(directory) for _ in range(PEOPLE)]
    for person in people:
        person.subscription = directory.join_room(person.connection, CHAT)
        person.subscription.release(0)
    for number, (action, index) in enumerate(steps):
        person = people[index]
        room = directory.rooms.get(CHAT)
        if action in ("send", "typing") and room is not None:
            skip = person.connection.user_id if action == "typing" else None
            event = Event(group="chat", kind=Kind.CHAT, text=f"event {number}", skip_user_id=skip)
            room._send([(event, Frame(event.text))])
            for other in people:
                if other is not person or action == "send":
                    other.ought_to_get(text_frame(event.text))
        elif action == "subscribe":
            person.subscription, person.held = directory.join_room(person.connection, CHAT), []
        elif action == "release" and person.subscription is not None and person.held is not None:
            person.subscription.release(0)
            held, person.held = person.held, None
            for data in held:
                person.ought_to_get(data)
        elif action == "remove" and room is not None:
            members = {other.connection.user_id for other in people if other is not person}
            for removed in room.checked(number, members):
                directory.leave_room(removed, CHAT)
            person.subscription = person.held = None
        elif action == "leave":
            directory.leave_room(person.connection, CHAT)
            person.subscription = person.held = None
        elif action == "fill":
            person.socket.set_full(True)
        elif action == "drain":
            if not person.socket.has_ended:
                person.queued = 0
            person.socket.set_full(False)
        elif action == "end" and not person.socket.has_ended:
            person.due = person.due[: -person.queued] if person.queued else person.due
            person.queued = 0
            person.socket.end()
        elif action == "abort" and not person.socket.has_ended:
            person.due = person.due[: -person.queued] if person.queued else person.due
            person.queued = 0
            person.outbox.abort()
            person.socket.end()
        for each in people:
            each.check()


async def test_who_was_removed_does_not_get_what_waited_for_the_check() -> None:
    directory = Directory(lambda group: None, lambda group: None)
    stays, goes = Person(directory), Person(directory)
    for person in (stays, goes):
        directory.join_room(person.connection, CHAT).release(0)
    room = directory.rooms[CHAT]
    before, after = (Event(group="chat", kind=Kind.CHAT, text=text, chat_id=CHAT) for text in ("before", "after"))
    room.access_version = 0
    room.fan_out(before)
    room.require(1)
    room.waiting.append(after)
    room.checked(1, {stays.connection.user_id})
    room.flush()
    assert goes.socket.taken == [text_frame("welcome"), text_frame("before")]
    assert stays.socket.taken == [text_frame("welcome"), text_frame("before"), text_frame("after")]
