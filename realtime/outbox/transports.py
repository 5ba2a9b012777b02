"""The two ways from an outbox to the server: ready frames where it takes them, else ASGI's plain `send`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from realtime.outbox.frame import Frame
    from realtime.outbox.uvicorn_protocol import PreframedSocket
    from realtime.protocol.frames import CloseCode

logger = logging.getLogger(__name__)
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Wire(Protocol):
    """One socket. `changed` (set by its outbox) is called when `is_busy` has changed or the peer is gone."""

    is_busy: bool  # whether what is sent now would have to wait
    is_lost: bool  # whether the peer is gone
    changed: Callable[[], None]
    direct: Callable[[bytes], None] | None  # writes frames that are ready; None where the server takes none

    def send(self, frame: Frame) -> None:
        """Send one frame; not while `is_busy`."""

    def close(self, code: CloseCode) -> None:
        """Close the socket; not while `is_busy`, unless `closes_when_busy`."""

    closes_when_busy: bool

    def let_go(self) -> None:
        """Wait for nothing any more: the outbox has ended."""

    def cut(self) -> None:
        """End the connection with a peer that takes nothing."""

    async def idle(self) -> None:
        """Return once it is not busy any more, or its peer is gone."""


class ReadyWire:
    """Writes ready frames to the server's transport."""

    closes_when_busy = True

    def __init__(self, socket: PreframedSocket) -> None:
        self._socket = socket
        self._idle = asyncio.Event()
        self._idle.set()
        self.is_busy = False
        self.is_lost = False
        self.direct: Callable[[bytes], None] | None = socket.direct
        self.changed: Callable[[], None] = _nothing
        socket.watch(self._watched, self._ended)

    def _watched(self, is_full: bool) -> None:
        self.is_busy = is_full
        if is_full:
            self._idle.clear()
        else:
            self._idle.set()
        self.changed()

    def _ended(self) -> None:
        self.is_lost = True
        self._idle.set()  # nothing more will go out
        self.changed()

    def send(self, frame: Frame) -> None:
        """See Wire."""
        self._socket.write(frame.data)

    def close(self, code: CloseCode) -> None:
        """See Wire."""
        self._socket.close(int(code))

    def let_go(self) -> None:
        """See Wire."""

    def cut(self) -> None:
        """See Wire."""
        self._socket.cut()

    async def idle(self) -> None:
        """See Wire."""
        await self._idle.wait()


class PlainWire:
    """Calls the server's `send`, and makes a task only of what has to wait.

    A task for every frame and connection would cost more than the frame. Servers' `send` returns without waiting as
    long as the socket's buffer takes more, so it is started by hand.
    """

    closes_when_busy = False
    direct: Callable[[bytes], None] | None = None

    def __init__(self, send: Send) -> None:
        self._send = send
        self._waiting: asyncio.Task[None] | None = None
        self.is_busy = False
        self.is_lost = False
        self.changed: Callable[[], None] = _nothing

    def send(self, frame: Frame) -> None:
        """See Wire."""
        self._begin({"type": "websocket.send", "text": frame.text})

    def close(self, code: CloseCode) -> None:
        """See Wire."""
        self._begin({"type": "websocket.close", "code": int(code)})

    def let_go(self) -> None:
        """See Wire."""
        if self._waiting is not None:
            self._waiting.cancel()

    def cut(self) -> None:
        """See Wire. All that plain ASGI allows is to end the application, as the consumer does."""
        self.let_go()

    async def idle(self) -> None:
        """See Wire."""
        while self._waiting is not None:
            await asyncio.wait([self._waiting])

    def _begin(self, message: dict[str, Any]) -> None:
        sending = self._send(message)
        if not isinstance(sending, Coroutine):
            raise TypeError(f"An ASGI server's send must be a coroutine function; this one made {type(sending)}.")
        try:
            waits_for = sending.send(None)
        except StopIteration:
            return
        except (OSError, RuntimeError) as error:
            self._lost(error)
            return
        self.is_busy = True
        self._waiting = asyncio.get_running_loop().create_task(_resume(sending, waits_for))
        self._waiting.add_done_callback(lambda task: self._finished(task, sending))
        self.changed()

    def _finished(self, task: asyncio.Task[None], sending: Coroutine[Any, Any, None]) -> None:
        sending.close()  # a task that is cancelled before its first step never touches it
        self._waiting = None
        self.is_busy = False
        error = None if task.cancelled() else task.exception()
        if task.cancelled() or isinstance(error, (OSError, RuntimeError)):
            self._lost(error)
        elif error is not None:
            logger.error("A frame could not be sent.", exc_info=error)
            self._lost(error)
        else:
            self.changed()

    def _lost(self, error: BaseException | None) -> None:
        # The server says that the peer is gone; its `disconnect` event follows and ends the consumer.
        logger.debug("A frame could not be sent: %r", error)
        self.is_lost = True
        self.changed()


def _nothing() -> None:
    """Nobody listens yet."""


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
