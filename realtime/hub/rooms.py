"""A chat as this process sees it: who is subscribed here, what was fanned out, and who may still listen."""

from __future__ import annotations

import dataclasses
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings

from realtime import metrics
from realtime.hub import write_targets
from realtime.hub.coalescing import Joiner
from realtime.hub.room_presence import RoomPresence
from realtime.outbox.frame import Frame, Priority, fitting

if TYPE_CHECKING:
    from realtime.broker.events import Event
    from realtime.outbox.connection import Connection

MAX_REMEMBERED = 256  # revisions of a chat whose message is known
MAX_WAITING = 1_000  # events held back while members are checked or a subscription is being read


@dataclasses.dataclass(slots=True, eq=False)
class Subscription:
    """One connection's place in a room.

    While `held` is a list, live frames wait in it, each with its revision: the connection gets what it missed and its
    `ack` first. They may take as many bytes as what waits for a connection otherwise, FLOWRA_OUTBOX_BYTES.
    """

    connection: Connection
    held: deque[tuple[int, Frame]] | None = dataclasses.field(default_factory=deque)
    held_bytes: int = 0
    is_revoked: bool = False

    def deliver(self, sending: list[tuple[Event, Frame]]) -> None:
        """Send the events, or hold them back; typing is not worth holding."""
        for event, frame in sending:
            if event.skip_user_id == self.connection.user_id:
                continue
            if self.held is None:
                self.connection.outbox.put(frame)
            elif frame.priority > Priority.TYPING and not self.connection.is_ending:
                self._hold(self.held, event.revision, frame)

    def _hold(self, held: deque[tuple[int, Frame]], revision: int, frame: Frame) -> None:
        held.append((revision, frame))
        self.held_bytes += frame.size
        if len(held) > MAX_WAITING or self.held_bytes > settings.FLOWRA_OUTBOX_BYTES:
            held.clear()
            self.held_bytes = 0
            self.connection.overflow()

    def release(self, revision: int) -> None:
        """Send what was held back and is newer than `revision`, and let live events through."""
        held, self.held = self.held, None
        self.held_bytes = 0
        write_targets.changed()
        for held_revision, frame in held or ():
            if held_revision == 0 or held_revision > revision:
                self.connection.outbox.put(frame)


class RevisionLog:
    """Which revisions of a chat were fanned out here: all up to `contiguous`, and those in `ahead`.

    Events may come twice (a repair and then the late event itself) and overtake each other; each is let
    through once. Another message with a revision that was seen is let through, too: one of the two is none of this
    chat's past, because the database went back or somebody else sent it, and nobody can say which.
    """

    def __init__(self) -> None:
        self.contiguous: int | None = None  # unknown until the first subscriber has read the chat
        self._ahead: set[int] = set()
        self._messages: OrderedDict[int, UUID] = OrderedDict()  # whose the latest revisions are

    def start_at(self, revision: int) -> None:
        """Take everything up to `revision` as known, if nothing is known yet."""
        if self.contiguous is None:
            self.advance_to(revision)

    def admit(self, revision: int, message_id: UUID | None = None) -> bool:
        """Return whether `revision` is new, or another message's than it was, and note it."""
        known = self._messages.get(revision, message_id)
        if message_id is not None:
            self._messages[revision] = message_id
            if len(self._messages) > MAX_REMEMBERED:
                self._messages.popitem(last=False)
        if revision in self._ahead or (self.contiguous is not None and revision <= self.contiguous):
            return message_id is not None and known != message_id
        self._ahead.add(revision)
        self._close_up()
        return True

    def advance_to(self, revision: int) -> None:
        """Note that everything up to `revision` was fanned out, or stands in a newer one that was."""
        self.contiguous = revision
        self._ahead = {ahead for ahead in self._ahead if ahead > revision}
        self._close_up()

    def _close_up(self) -> None:
        if self.contiguous is None:
            return
        while self.contiguous + 1 in self._ahead:
            self.contiguous += 1
            self._ahead.remove(self.contiguous)


class Room:
    """The local subscribers of one chat.

    Every event of the chat carries the `access_version` of its commit. One that is newer than the room's waits, and
    all after it, until it was checked who of the subscribers is still a member (`Hub.check_members`).
    """

    def __init__(self, chat_id: UUID) -> None:
        self.chat_id = chat_id
        self.subscriptions: dict[Connection, Subscription] = {}
        self.revisions = RevisionLog()
        self.presence = RoomPresence()
        self.access_version: int | None = None
        self.is_direct = False  # as the first subscriber has read it; it never changes
        self.required_version = 0
        self.waiting: deque[Event] = deque()
        self._writes: list[Callable[[bytes], None]] = []  # of those whom nothing stands in the way of
        self._others: list[Subscription] = []
        self._sorted_at = -1  # ways.changes() when these two were true
        self._joiner: Joiner[tuple[Event, Frame]] = Joiner(self._send)

    @property
    def is_overloaded(self) -> bool:
        """Whether more waits for the check of members than may."""
        waiting = self.waiting
        return len(waiting) > MAX_WAITING or sum(len(event.text) for event in waiting) > settings.FLOWRA_OUTBOX_BYTES

    @property
    def needs_check(self) -> bool:
        """Whether members must be checked before anything is delivered."""
        return self.access_version is not None and self.required_version > self.access_version

    def require(self, access_version: int) -> None:
        """Note that the chat has reached this `access_version`."""
        self.required_version = max(self.required_version, access_version)

    def fan_out(self, event: Event) -> None:
        """Hand an event to all subscribers, unless its revision was handed out before."""
        if event.revision and not self.revisions.admit(event.revision, event.message_id):
            return
        frame = fitting(Frame(event.text, Priority(event.priority)), settings.FLOWRA_OUTBOX_BYTES)
        self._joiner.put((event, frame), frame.size)
        metrics.events_published.inc()

    def flush(self) -> None:
        """Send at once what waits to go out together."""
        self._joiner.flush()

    def _send(self, sending: list[tuple[Event, Frame]]) -> None:
        """Send events to all subscribers: in one write each, wherever nothing stands in the way."""
        if any(event.skip_user_id for event, _ in sending):
            self._sort({event.skip_user_id for event, _ in sending})
            self._sorted_at = -1
        elif self._sorted_at != write_targets.changes():
            self._sort(set())
            self._sorted_at = write_targets.changes()
        # A socket that a write fills, or an outbox that overflows, changes the next sorting, never this one.
        writes, others = self._writes, self._others
        if writes:
            data = b"".join([frame.data for _, frame in sending])
            for write in writes:
                write(data)
        for subscription in others:
            subscription.deliver(sending)
        metrics.frames_sent.inc(len(writes) * len(sending))
        metrics.frames_joined.inc(len(writes) * (len(sending) - 1))
        now = time.monotonic()
        for event, _ in sending:
            metrics.delivery_seconds.observe(now - event.known_at)

    def _sort(self, skipped: set[UUID | None]) -> None:
        """Tell those who can be written to directly from those who hold back, wait in a queue or are `skipped`."""
        self._writes, self._others = [], []
        for subscription in self.subscriptions.values():
            write = subscription.connection.outbox.direct
            if write is None or subscription.held is not None or subscription.connection.user_id in skipped:
                self._others.append(subscription)
            else:
                self._writes.append(write)

    def checked(self, access_version: int, members: set[UUID]) -> list[Connection]:
        """Take the result of a check; returns the connections that were removed, then delivers what waited."""
        removed = [connection for connection in self.subscriptions if connection.user_id not in members]
        for connection in removed:
            self.subscriptions.pop(connection).is_revoked = True
        write_targets.changed()
        self.access_version = access_version
        self.presence.forget()  # whoever was removed may have been counted, if the event of it was lost
        while self.waiting and not self.needs_check:
            event = self.waiting.popleft()
            self.fan_out(event)
        return removed
