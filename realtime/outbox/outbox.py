"""The queue of one connection: in order, bounded, and never a reason for another connection to wait."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from realtime import metrics
from realtime.outbox.edits import superseded_edits
from realtime.outbox.frame import Frame, fitting
from realtime.outbox.presence import fold
from realtime.outbox.transports import AsgiTransport
from realtime.protocol.frames import CloseCode, Priority


class Outbox:
    """Hands frames to a transport, at once if the socket takes them, else from a queue.

    `limit` bounds the queue in bytes. Above it typing is dropped, and edits of what was edited again, and presence is
    folded into its latest state. If that is not enough the queue is dropped, the socket is closed as a slow consumer
    as soon as it takes anything, and `overflowed` is called. No single frame is larger than `limit`: a `resync` is
    sent in its place. Runs in the event loop's thread only.
    """

    def __init__(self, transport: AsgiTransport, *, limit: int, overflowed: Callable[[], None]) -> None:
        self._transport = transport
        self.limit = limit
        self._overflowed = overflowed
        self._queue: deque[Frame] = deque()
        self._close_code: CloseCode | None = None  # to be sent after the queue
        self._is_open = False
        self.queued_bytes = 0
        self.is_closed = False
        # Writes frames' bytes to the socket: set while nothing waits and the server offers it.
        self.direct: Callable[[bytes], None] | None = None
        self.direct_changed: Callable[[], None] = _nothing  # called after each change of `direct`
        self._waiting: asyncio.Future[None] | None = None  # of `wait_writable`
        transport.on_change = self._flush

    def open(self, first: Frame) -> None:
        """Send `first` and from now on whatever comes; what was put before follows it."""
        self._is_open = True
        self._queue.appendleft(first)
        self.queued_bytes += first.size
        self._flush()

    def put(self, frame: Frame) -> None:
        """Send `frame`, or queue it behind what waits already; after the close nothing happens."""
        if self.is_closed:
            return
        if len(frame.data) > self.limit:
            frame = fitting(frame, self.limit)
        if self.direct is not None:
            self.direct(frame.data)
        elif self._queue or self._transport.is_busy or not self._is_open:
            self._enqueue(frame)
            return
        else:
            self._transport.send(frame)
        metrics.frames_sent.inc()

    def close(self, code: CloseCode) -> None:
        """Close the socket with `code` once what is queued has been sent; before `open` nothing of it is sent."""
        if self.is_closed:
            return
        if not self._is_open:
            self._drop_queue()
        self._close_after_queue(code)

    def detach(self) -> None:
        """Send nothing more: the connection has ended."""
        self._end()
        self._drop_queue()
        self._transport.detach()

    def abort(self) -> None:
        """End the connection with a peer that takes nothing, not even the close frame."""
        self.detach()
        self._transport.abort()

    async def wait_writable(self, most: int) -> None:
        """Wait until at most `most` bytes are queued, or the outbox is closed; for one caller at a time.

        For whoever has more to send than the queue may hold: the peer takes one part before the next is read.
        """
        while not self.is_closed and self.queued_bytes > most:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting

    def _close_after_queue(self, code: CloseCode) -> None:
        self._end()
        self._close_code = code
        self._flush()

    def _end(self) -> None:
        self.is_closed = True
        self._set_direct(None)
        self._wake()

    def _drop_queue(self) -> None:
        self._queue.clear()
        self._close_code = None
        self.queued_bytes = 0

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _set_direct(self, direct: Callable[[bytes], None] | None) -> None:
        if direct is not self.direct:
            self.direct = direct
            self.direct_changed()

    def _flush(self) -> None:
        """Send what is queued, as far as the transport takes it, and set `direct`."""
        if self._transport.is_lost:
            self._end()
            self._drop_queue()
            return
        while self._queue and self._is_open and not self._transport.is_busy:
            frame = self._queue.popleft()
            self.queued_bytes -= frame.size
            self._transport.send(frame)
            metrics.frames_sent.inc()
        if self._close_code is not None and not self._queue and not self._transport.is_busy:
            code, self._close_code = self._close_code, None
            self._transport.close(code)
        is_clear = self._is_open and not self.is_closed and not self._queue and not self._transport.is_busy
        self._set_direct(self._transport.write if is_clear else None)
        self._wake()

    def _enqueue(self, frame: Frame) -> None:
        self._queue.append(frame)
        self.queued_bytes += frame.size
        if self.queued_bytes > self.limit:
            self._shed()
        if self.queued_bytes > self.limit:
            self._drop_queue()
            self._close_after_queue(CloseCode.SLOW_CONSUMER)
            self._overflowed()

    def _shed(self) -> None:
        """Drop what is stale by the time it would arrive, and fold presence into its latest state."""
        superseded = superseded_edits([frame.payload for frame in self._queue])
        current = [frame for index, frame in enumerate(self._queue) if index not in superseded]
        kept = [frame for frame in current if frame.priority is Priority.MUST]
        presence = [frame.payload for frame in current if frame.priority is Priority.PRESENCE]
        folded = [Frame(payload, Priority.PRESENCE) for payload in fold(presence)]
        metrics.frames_shed.labels("edited").inc(len(superseded))
        metrics.frames_shed.labels("typing").inc(len(current) - len(kept) - len(presence))
        metrics.frames_shed.labels("presence").inc(len(presence) - len(folded))
        self._queue = deque([*kept, *folded])
        self.queued_bytes = sum(frame.size for frame in self._queue)


def _nothing() -> None:
    """Stand for a callback that nobody has set."""
