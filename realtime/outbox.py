"""One connection's way out: bounded, in order, and never a reason for anybody else to wait."""

from __future__ import annotations

import asyncio
import dataclasses
import enum
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any

from realtime import metrics
from realtime.presence_folding import fold
from realtime.protocol import CloseCode

logger = logging.getLogger(__name__)
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Priority(enum.IntEnum):
    """What goes first when an outbox is full."""

    TYPING = 0
    PRESENCE = 1
    MUST = 2


@dataclasses.dataclass(frozen=True, slots=True)
class Frame:
    """A frame's text, ready to send."""

    text: str
    priority: Priority = Priority.MUST

    @property
    def size(self) -> int:
        """Return its length in bytes; asked only of frames that have to wait."""
        return len(self.text) if self.text.isascii() else len(self.text.encode())


class Outbox:
    """Hands frames to the server's `send`, at once if the socket takes them, else from a queue.

    `limit` bounds the queue in bytes; above it typing frames go and presence is folded into its latest state; if that
    is not enough `overflowed` is called once and nothing more is taken. Runs in the event loop's thread only.
    """

    def __init__(self, send: Send, *, limit: int, overflowed: Callable[[], None]) -> None:
        self._send = send
        self._limit = limit
        self._overflowed = overflowed
        self._queue: deque[Frame | CloseCode] = deque()
        self._queued_bytes = 0
        self._writer: asyncio.Task[None] | None = None
        self._is_open = False
        self.is_closed = False

    @property
    def queued_bytes(self) -> int:
        """How much waits for the socket."""
        return self._queued_bytes

    def open(self, first: Frame) -> None:
        """Send `first` and from now on whatever comes; what was put before is queued behind it."""
        self._is_open = True
        waiting, self._queue, self._queued_bytes = self._queue, deque(), 0
        self.put(first)
        for entry in waiting:
            if isinstance(entry, Frame):
                self.put(entry)

    def put(self, frame: Frame) -> None:
        """Send `frame`, or queue it behind what waits already."""
        if self.is_closed:
            return
        if self._writer is not None or not self._is_open:
            self._enqueue(frame)
            return
        self._begin({"type": "websocket.send", "text": frame.text})

    def close(self, code: CloseCode) -> None:
        """Close the socket with `code` once what is queued has been sent."""
        if self.is_closed:
            return
        self.is_closed = True
        if self._writer is not None:
            self._queue.append(code)
            return
        self._begin({"type": "websocket.close", "code": int(code)})

    def say_last_words(self, code: CloseCode) -> None:
        """After an overflow: close with `code` if the socket ever takes what it is busy with."""
        self._queue.append(code)

    def abort(self) -> None:
        """Forget what waits: the connection is gone, or must go without a word."""
        self.is_closed = True
        self._queue.clear()
        self._queued_bytes = 0
        if self._writer is not None:
            self._writer.cancel()

    async def flushed(self) -> None:
        """Return when nothing waits any more, the close included."""
        while self._writer is not None:
            await asyncio.wait([self._writer])

    def _enqueue(self, frame: Frame) -> None:
        self._queue.append(frame)
        self._queued_bytes += frame.size
        if self._queued_bytes > self._limit:
            self._shed()
        if self._queued_bytes > self._limit:
            self.is_closed = True
            self._queue.clear()
            self._queued_bytes = 0
            self._overflowed()

    def _shed(self) -> None:
        """Drop what is stale by the time it would arrive, and tell presence as it is in the end."""
        kept: deque[Frame | CloseCode] = deque()
        presence: list[str] = []
        for entry in self._queue:
            if isinstance(entry, CloseCode) or entry.priority is Priority.MUST:
                kept.append(entry)
            elif entry.priority is Priority.PRESENCE:
                presence.append(entry.text)
        kept.extend(Frame(text, Priority.PRESENCE) for text in fold(presence))
        metrics.frames_shed.inc(len(self._queue) - len(kept))
        self._queue = kept
        self._queued_bytes = sum(entry.size for entry in kept if isinstance(entry, Frame))

    def _begin(self, message: dict[str, Any]) -> None:
        """Send `message`; if that has to wait, a task takes over."""
        suspended = self._start(message)
        if suspended is None:
            return
        writer = asyncio.get_running_loop().create_task(self._drain(suspended))
        self._writer = writer

        def forget(_: asyncio.Task[None]) -> None:
            # A task that is cancelled before its first step never runs, so `_drain` cannot clean up after itself.
            suspended.close()
            if self._writer is writer:
                self._writer = None

        writer.add_done_callback(forget)

    def _start(self, message: dict[str, Any]) -> Coroutine[Any, Any, None] | None:
        """Run `send` by hand up to where it has to wait, and return the rest of it; None if it did not.

        A task for every frame and connection would cost more than the frame. Servers' `send` returns without
        waiting as long as the socket's buffer takes more.
        """
        sending = self._send(message)
        if not isinstance(sending, Coroutine):
            raise TypeError(f"An ASGI server's send must be a coroutine function; this one made {type(sending)}.")
        try:
            waits_for = sending.send(None)
        except StopIteration:
            metrics.frames_sent.inc()
            return None
        except (OSError, RuntimeError) as error:
            self._lost(error)
            return None
        return _resume(sending, waits_for)

    async def _drain(self, suspended: Coroutine[Any, Any, None]) -> None:
        """Finish the send that had to wait, then send the queue."""
        try:
            await suspended
            while self._queue:
                entry = self._queue.popleft()
                if isinstance(entry, CloseCode):
                    await self._send({"type": "websocket.close", "code": int(entry)})
                else:
                    self._queued_bytes -= entry.size
                    await self._send({"type": "websocket.send", "text": entry.text})
                    metrics.frames_sent.inc()
        except (OSError, RuntimeError) as error:
            self._lost(error)
        finally:
            self._writer = None

    def _lost(self, error: Exception) -> None:
        # The server says that the peer is gone; its `disconnect` event follows and ends the consumer.
        logger.debug("A frame could not be sent: %r", error)
        self.is_closed = True
        self._queue.clear()
        self._queued_bytes = 0


async def _resume(sending: Coroutine[Any, Any, None], waits_for: Any) -> None:
    """Take over a coroutine that was started by hand and waits for `waits_for`."""
    await _Started(sending, waits_for)


class _Started:
    """An awaitable that goes on with a coroutine from where it waits."""

    def __init__(self, sending: Coroutine[Any, Any, None], waits_for: Any) -> None:
        self._sending = sending
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, None]:
        step: Callable[[Any], Any]
        waits_for = self._waits_for
        while True:
            try:
                argument = yield waits_for
            except BaseException as error:  # noqa: BLE001  (cancellation too belongs into the coroutine)
                step, argument = self._sending.throw, error
            else:
                step = self._sending.send
            try:
                waits_for = step(argument)
            except StopIteration:
                return
