"""One room of the load client: its sockets, its events, and what each socket has received of them."""

from __future__ import annotations

import time
from collections.abc import Sequence

from benchmarks.load.dialects import Dialect, Frames, client_frame
from benchmarks.load.jobs import CountError
from benchmarks.load.sockets import Member

FRAME_SIZE = 218  # bytes on the wire: 200 and some of content, 4 of header
_DIGITS = 8  # of an event's number, which its body begins with
_TRIES = 4  # the frame's header grows with it, once


class LoadRoom:
    """The sockets of one room: the first one sends, the second one is the witness.

    `totals` and `checksums` of what was received are indexed by file descriptor and shared by all rooms of a client.
    """

    def __init__(self, members: Sequence[Member], dialect: Dialect) -> None:
        if len(members) < 2:
            raise ValueError("A room has at least two sockets: one that sends and one whose every frame is read.")
        self.members = members
        self.sender, self.witness = members[0], members[1]
        self.read = dialect.read
        self._post = dialect.post
        self._number = 0  # of the next event
        self._padding = 0  # characters
        self.begin()

    def begin(self) -> None:
        """Start counting anew: what was sent so far has arrived everywhere."""
        self._first = self._number
        self.missing: list[int] = []  # by event: sockets that it has not reached
        self.sent_at: list[float] = []  # by event: seconds of time.perf_counter
        self.done = 0  # events that have arrived everywhere
        self.witnessed = bytearray()
        self._from_sender = 0  # events

    @property
    def events(self) -> int:
        """How many were sent since `begin`."""
        return len(self.missing)

    def _body(self, number: int) -> str:
        return f"{number:0{_DIGITS}d}" + "x" * max(0, self._padding)

    def _next_post(self) -> bytes:
        self._number += 1
        return client_frame(self._post(self._body(self._number - 1)))

    def learn(self, padding: int) -> int:
        """Send events that everybody parses, each of them nearer to FRAME_SIZE bytes on the wire.

        Starts with `padding` characters and returns how many it takes; raises CountError.
        """
        self._padding = padding
        for _ in range(_TRIES):
            self.sender.socket.sendall(self._next_post())
            sizes = {self._first_event(member) for member in self.members}
            if len(sizes) != 1:
                raise CountError(f"Expected frames of one size, got {sizes}.")
            size = sizes.pop()
            if size == FRAME_SIZE:
                break
            self._padding += FRAME_SIZE - size
        else:
            raise CountError(f"Expected a frame of {FRAME_SIZE} bytes at last, got {size}.")
        for member in self.members:
            if member is not self.sender and member.frames.pending_bytes:
                raise CountError(f"{member.frames.pending_bytes} bytes more than the first event came.")
            member.socket.setblocking(False)
        return self._padding

    def _first_event(self, member: Member) -> int:
        while True:
            text, size = member.next_text()
            body = self.read(text)
            if body is not None:
                if body != self._body(self._number - 1):
                    raise CountError(f"Expected {self._body(self._number - 1)!r}, got {body!r}.")
                return size

    def post(self, count: int) -> None:
        """Send `count` events; raises CountError where the server does not take them."""
        posts = b"".join([self._next_post() for _ in range(count)])
        self.missing += [len(self.members)] * count
        self.sent_at += [time.perf_counter()] * count
        if self.sender.socket.send(posts) != len(posts):
            raise CountError("The server takes no more events.")

    def arrived_at_sender(self, data: memoryview) -> list[int]:
        """Read what the sender received, answers and events; returns the events. Raises CountError."""
        frames = self.sender.frames
        frames.feed(data)
        found = []
        for text, _ in frames.texts():
            body = self.read(text)
            if body is not None:
                self._check(self._from_sender, body)
                found.append(self._from_sender)
                self._from_sender += 1
        return found

    def _check(self, event: int, body: str | None) -> None:
        expected = self._body(self._first + event)
        if body != expected:
            raise CountError(f"Expected {expected!r}, got {body!r}.")

    def behind(self, totals: Sequence[int]) -> int:
        """Return how many sockets have not received every event."""
        expected = self.events * FRAME_SIZE
        others = [member for member in self.members if member is not self.sender]
        return sum(totals[member.socket.fileno()] < expected for member in others) + (self._from_sender < self.events)

    def verify(self, totals: Sequence[int], checksums: Sequence[int]) -> None:
        """Compare what every socket received with what was sent; raises CountError."""
        expected = self.events * FRAME_SIZE
        self.arrived_at_sender(memoryview(b""))  # an answer that came with the event before may be unread
        if self._from_sender != self.events:
            raise CountError(f"The sender got {self._from_sender} of {self.events} events.")
        if self.sender.frames.pending_bytes:
            raise CountError(f"The sender got {self.sender.frames.pending_bytes} bytes too many.")
        frames = Frames()
        frames.feed(self.witnessed)
        for event, (text, _) in enumerate(frames.texts()):
            self._check(event, self.read(text))
        checksum = checksums[self.witness.socket.fileno()]
        for number, member in enumerate(self.members):
            descriptor = member.socket.fileno()
            if member is self.sender:
                continue
            if totals[descriptor] != expected:
                raise CountError(f"Socket {number} got {totals[descriptor]} bytes of {expected}.")
            if checksums[descriptor] != checksum:
                raise CountError(f"Socket {number} got other bytes than the witness.")
