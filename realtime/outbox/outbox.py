"""One connection's way out: bounded, in order, and never a reason for anybody else to wait."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from realtime import metrics
from realtime.outbox.edits import superseded_edits
from realtime.outbox.frame import Frame, Priority, fitting
from realtime.outbox.presence import fold
from realtime.outbox.transports import Wire
from realtime.protocol.frames import CloseCode


class Outbox:
    """Hands frames to a wire, at once if the socket takes them, else from a queue.

    `limit` bounds the queue in bytes; above it typing goes, and edits of what was edited again, and presence is folded
    into its latest state; if that is not enough `overflowed` is called once and nothing more is taken. No frame is
    larger, whether it waits or not: a `resync` stands for one that would be. Runs in the event loop's thread only.
    """

    def __init__(self, wire: Wire, *, limit: int, overflowed: Callable[[], None]) -> None:
        self._wire = wire
        self.limit = limit
        self._overflowed = overflowed
        self._queue: deque[Frame | CloseCode] = deque()
        self._is_open = False
        self.queued_bytes = 0
        self.is_closed = False
        # Writes frames that are ready, with nothing in between: set while nothing waits and the server offers it.
        self.direct: Callable[[bytes], None] | None = None
        self.direct_changed: Callable[[], None] = _nothing  # called after each change of `direct`
        wire.changed = self._wire_changed

    def open(self, first: Frame) -> None:
        """Send `first` and from now on whatever comes; what was put before follows it."""
        self._is_open = True
        self._queue.appendleft(first)
        self.queued_bytes += first.size
        self._wire_changed()

    def put(self, frame: Frame) -> None:
        """Send `frame`, or queue it behind what waits already."""
        if self.is_closed:
            return
        frame = fitting(frame, self.limit)
        if self._queue or self._wire.is_busy or not self._is_open:
            self._enqueue(frame)
        else:
            self._send(frame)

    def close(self, code: CloseCode) -> None:
        """Close the socket with `code` once what is queued has been sent."""
        if self.is_closed:
            return
        self._end()
        if self._queue or self._wire.is_busy:
            self._queue.append(code)
        else:
            self._wire.close(code)

    def say_last_words(self, code: CloseCode) -> None:
        """After an overflow: close with `code` as soon as the wire can."""
        if self._wire.closes_when_busy:
            self._wire.close(code)
        else:
            self._queue.append(code)

    def cut(self) -> None:
        """Give up a peer that takes nothing, not even the close frame."""
        self.abort()
        self._wire.cut()

    def abort(self) -> None:
        """Forget what waits: the connection is gone, or must go without a word."""
        self._end()
        self._queue.clear()
        self.queued_bytes = 0
        self._wire.let_go()

    async def flushed(self) -> None:
        """Return when nothing waits any more, the close included."""
        await self._wire.idle()

    async def takes_more(self, most: int) -> bool:
        """Wait until at most `most` bytes wait; returns False where nothing is taken any more.

        For whoever has more to send than may wait: the peer takes one part before the next is even read.
        """
        while not self.is_closed and self.queued_bytes > most:
            await self._wire.idle()
        return not self.is_closed

    def _end(self) -> None:
        self.is_closed = True
        self._set_direct(None)

    def _set_direct(self, direct: Callable[[bytes], None] | None) -> None:
        if direct is not self.direct:
            self.direct = direct
            self.direct_changed()

    def _send(self, frame: Frame) -> None:
        self._wire.send(frame)
        metrics.frames_sent.inc()

    def _wire_changed(self) -> None:
        """Send what waits, as far as the wire takes it, and say whether more may go directly."""
        if self._wire.is_lost:
            self._end()
            self._queue.clear()
            self.queued_bytes = 0
            return
        while self._queue and self._is_open and not self._wire.is_busy:
            entry = self._queue.popleft()
            if isinstance(entry, CloseCode):
                self._wire.close(entry)
            else:
                self.queued_bytes -= entry.size
                self._send(entry)
        is_clear = self._is_open and not self.is_closed and not self._queue and not self._wire.is_busy
        self._set_direct(self._wire.direct if is_clear else None)

    def _enqueue(self, frame: Frame) -> None:
        self._queue.append(frame)
        self.queued_bytes += frame.size
        if self.queued_bytes > self.limit:
            self._shed()
        if self.queued_bytes > self.limit:
            self._end()
            self._queue.clear()
            self.queued_bytes = 0
            self._overflowed()

    def _shed(self) -> None:
        """Drop what is stale by the time it would arrive, and tell presence as it is in the end."""
        kept: deque[Frame | CloseCode] = deque()
        presence: list[str] = []
        typing = 0
        edits = superseded_edits([entry.text if isinstance(entry, Frame) else "" for entry in self._queue])
        for place, entry in enumerate(self._queue):
            if place in edits:
                continue
            if isinstance(entry, CloseCode) or entry.priority is Priority.MUST:
                kept.append(entry)
            elif entry.priority is Priority.PRESENCE:
                presence.append(entry.text)
            else:
                typing += 1
        folded = fold(presence)
        kept.extend(Frame(text, Priority.PRESENCE) for text in folded)
        metrics.frames_shed.labels("edited").inc(len(edits))
        metrics.frames_shed.labels("typing").inc(typing)
        metrics.frames_shed.labels("presence").inc(len(presence) - len(folded))
        self._queue = kept
        self.queued_bytes = sum(entry.size for entry in kept if isinstance(entry, Frame))


def _nothing() -> None:
    """Nobody has to know."""
