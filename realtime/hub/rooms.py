"""A chat as this process sees it: who is subscribed here, what was fanned out, and who may still listen."""

from __future__ import annotations

import dataclasses
import enum
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings

from realtime import metrics
from realtime.broker.events import Audience
from realtime.hub.coalescing import WriteCoalescer
from realtime.hub.revisions import RevisionLog
from realtime.hub.room_presence import RoomPresence
from realtime.outbox.frame import Frame, fitting
from realtime.protocol.frames import Priority

if TYPE_CHECKING:
    from realtime.broker.events import LayerEvent
    from realtime.outbox.connection import Connection

Write = Callable[[bytes], None]  # of a socket that is not full
Sending = Sequence[tuple["LayerEvent", "Frame"]]
_MUST, _TYPING = int(Priority.MUST), int(Priority.TYPING)
MAX_WAITING = 1_000  # events held back while members are checked or a subscription is being read


class Interest(enum.Enum):
    """What a subscription gets beside messages and what happens to the chat."""

    ALL = "typing, and each change of presence"
    COUNTS = "typing, and how many are online: its connection watches people"
    BACKGROUND = "nothing"

    def takes(self, event: LayerEvent) -> bool:
        """Whether a subscription with this interest is sent the event."""
        if event.priority >= _MUST:
            return True
        if self is Interest.BACKGROUND:
            return False
        return event.priority == _TYPING or (event.audience is Audience.COUNT) == (self is Interest.COUNTS)


@dataclasses.dataclass(slots=True, eq=False)
class Subscription:
    """One connection in one room.

    While `held` is a list, live frames wait in it, each with its revision: the connection gets what it missed and its
    `ack` first. They may take as many bytes as a connection's outbox, FLOWRA_OUTBOX_BYTES.
    """

    connection: Connection
    room: Room
    held: deque[tuple[int, Frame]] | None = dataclasses.field(default_factory=deque)
    held_bytes: int = 0

    @property
    def has_ended(self) -> bool:
        """Whether the connection was unsubscribed, or subscribed anew."""
        return self.room.subscriptions.get(self.connection) is not self

    @property
    def interest(self) -> Interest:
        """What it gets beside messages."""
        if self.room.chat_id in self.connection.background:
            return Interest.BACKGROUND
        return Interest.COUNTS if self.connection.has_watched else Interest.ALL

    def deliver(self, sending: Sending) -> None:
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
        self.room.write_targets.invalidate()
        for held_revision, frame in held or ():
            if held_revision == 0 or held_revision > revision:
                self.connection.outbox.put(frame)


class WriteTargets:
    """Sorts the subscriptions of one room, and keeps the result until `invalidate` is called.

    To ask each of a thousand subscribers at every event costs a fifth of what the writing costs. The answer changes
    seldom: a connection subscribes or unsubscribes, is released, or its outbox starts or stops queueing.
    """

    def __init__(self, subscriptions: Mapping[Connection, Subscription]) -> None:
        self._subscriptions = subscriptions
        self._groups: dict[Interest, _Group] = {}  # those that have subscriptions
        self.is_valid = False

    def invalidate(self) -> None:
        """Have the subscriptions sorted again before the next frame."""
        self.is_valid = False

    def has(self, *interests: Interest) -> bool:
        """Whether there is a subscription with one of these interests."""
        if not self.is_valid:
            self._sort()
        return any(interest in self._groups for interest in interests)

    def send(self, sending: Sending) -> None:
        """Send these events to all subscriptions that take them: in one write each, wherever that is possible."""
        if not self.is_valid:
            self._sort()
        is_for_all = all(event.priority >= _MUST for event, _ in sending)
        # A socket that a write fills, or an outbox that overflows, invalidates for the next call; these lists stay.
        for interest, group in self._groups.items():
            taken = sending if is_for_all else [one for one in sending if interest.takes(one[0])]
            if taken:
                group.send(taken)
        metrics.events_published.inc(len(sending))
        now = time.monotonic()
        for event, _ in sending:
            metrics.delivery_seconds.observe(now - event.known_at)

    def _sort(self) -> None:
        self.is_valid = True
        self._groups = {}
        for subscription in self._subscriptions.values():
            group = self._groups.get(subscription.interest)
            if group is None:
                group = self._groups[subscription.interest] = _Group()
            group.add(subscription)


class _Group:
    """Subscriptions that get the same."""

    __slots__ = ("_direct", "_others", "_writes")

    def __init__(self) -> None:
        self._direct: list[Subscription] = []  # to these `_writes` write, in the same order
        self._writes: list[Write] = []
        self._others: list[Subscription] = []  # hold frames back, or have a queue

    def add(self, subscription: Subscription) -> None:
        write = subscription.connection.outbox.direct
        if write is None or subscription.held is not None:
            self._others.append(subscription)
        else:
            self._direct.append(subscription)
            self._writes.append(write)

    def send(self, sending: Sending) -> None:
        writes, others = self._writes, self._others
        skipped = {event.skip_user_id for event, _ in sending if event.skip_user_id is not None}
        if skipped:
            writes, others = self._without(skipped)
        if writes:
            data = b"".join([frame.data for _, frame in sending])
            for write in writes:
                write(data)
        for subscription in others:
            subscription.deliver(sending)
        metrics.frames_sent.inc(len(writes) * len(sending))
        metrics.frames_joined.inc(len(writes) * (len(sending) - 1))

    def _without(self, user_ids: set[UUID]) -> tuple[list[Write], list[Subscription]]:
        """Return the same two lists with the subscriptions of these users among the others."""
        writes: list[Write] = []
        others = list(self._others)
        for subscription, write in zip(self._direct, self._writes, strict=True):
            if subscription.connection.user_id in user_ids:
                others.append(subscription)
            else:
                writes.append(write)
        return writes, others


class Room:
    """The local subscribers of one chat.

    `access_version` is the one as of which all subscribers are members, None until the first has read the chat;
    `required_version` the highest that was seen. Between the two, events wait (realtime/hub/membership.py).
    """

    def __init__(self, chat_id: UUID) -> None:
        self.chat_id = chat_id
        self.subscriptions: dict[Connection, Subscription] = {}
        self.revisions = RevisionLog()
        self.presence = RoomPresence()
        self.access_version: int | None = None
        self.is_direct = False  # as the first subscriber has read it; it never changes
        self.required_version = 0
        self.waiting: deque[LayerEvent] = deque()
        self.write_targets = WriteTargets(self.subscriptions)
        self._max_bytes: int = settings.FLOWRA_OUTBOX_BYTES  # of a frame, and of all events that wait
        self._coalescer: WriteCoalescer[tuple[LayerEvent, Frame]] = WriteCoalescer(self.write_targets.send)

    def subscribe(self, connection: Connection) -> Subscription:
        """Return a new subscription, instead of the connection's earlier one if it has one, that holds frames back."""
        subscription = self.subscriptions[connection] = Subscription(connection, self)
        self.write_targets.invalidate()
        return subscription

    def unsubscribe(self, connection: Connection) -> None:
        """Remove the connection's subscription, if it has one."""
        if self.subscriptions.pop(connection, None) is not None:
            self.write_targets.invalidate()

    @property
    def is_overloaded(self) -> bool:
        """Whether more waits for the check of members than may."""
        waiting = self.waiting
        return len(waiting) > MAX_WAITING or sum(len(event.payload) for event in waiting) > self._max_bytes

    @property
    def needs_check(self) -> bool:
        """Whether members must be checked before anything is delivered."""
        return self.access_version is not None and self.required_version > self.access_version

    def require(self, access_version: int) -> None:
        """Note that the chat has reached this `access_version`."""
        self.required_version = max(self.required_version, access_version)

    def fan_out(self, event: LayerEvent) -> None:
        """Hand an event to all subscribers, unless its revision was handed out before."""
        if event.revision and not self.revisions.admit(event.revision, event.message_id):
            return
        frame = fitting(Frame(event.payload, Priority(event.priority)), self._max_bytes)
        self._coalescer.put((event, frame), frame.size)

    def flush(self) -> None:
        """Send at once what waits to go out together."""
        self._coalescer.flush()

    def members_checked(self, access_version: int) -> None:
        """Note that all subscribers are members as of this `access_version`, and send what waited for that."""
        self.access_version = access_version
        self.presence.invalidate()  # a removed member may have been counted, if the event of the removal was lost
        while self.waiting and not self.needs_check:
            self.fan_out(self.waiting.popleft())
