"""From an outbox to the server: by ASGI's `send`, and past it where the server takes frames as bytes.

The ASGI extension EXTENSION is the second way. Its value in a scope's `extensions` is {"socket": PreframedSocket};
realtime/outbox/uvicorn_protocol.py offers it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from typing import Any, Protocol

from typing_extensions import override

from realtime.outbox.frame import Frame
from realtime.protocol.frames import CloseCode

logger = logging.getLogger(__name__)
EXTENSION = "websocket.send.preframed"
ABORT_AFTER = 5.0  # seconds that a peer has to take the close frame and what was sent before it
Send = Callable[[dict[str, Any]], Awaitable[None]]


class PreframedSocket(Protocol):
    """What EXTENSION offers between accept and close. An uncompressed server frame is the same for every socket."""

    @property
    def write(self) -> Callable[[bytes], None]:
        """Writes whole frames, after everything sent before; not to be called while full or after the end."""

    def watch(self, set_full: Callable[[bool], None], ended: Callable[[], None]) -> None:
        """Have `set_full` called when the socket takes no more for now (True) and when it does again (False).

        `ended` is called once, before anything else could be written, whoever ended the connection.
        """

    def abort(self) -> None:
        """End the connection at once; what is unsent is lost."""


def open_transport(scope: Mapping[str, Any], send: Send) -> AsgiTransport:
    """Return the shorter way that the server has for an accepted socket."""
    extension = scope.get("extensions", {}).get(EXTENSION)
    return AsgiTransport(send) if extension is None else PreframedTransport(send, extension["socket"])


class AsgiTransport:
    """One accepted socket, written to by ASGI's `send`.

    Servers' `send` returns without waiting as long as the socket's buffer takes more, so the coroutine is started by
    hand, and only one that waits gets a task. A writer task per connection would be shorter; measured, it takes 2.5 to
    3.1 µs a frame instead of 1.2, and what comes within one turn of the event loop would count as waiting.
    """

    write: Callable[[bytes], None] | None = None  # writes frames' bytes; None where the server has no such way

    def __init__(self, send: Send) -> None:
        self._send = send
        self._sending: asyncio.Task[None] | None = None
        self.is_busy = False  # whether the socket takes nothing for now
        self.is_lost = False  # whether the connection has ended
        self.on_change: Callable[[], None] = _nothing  # called when one of the two has changed

    def send(self, frame: Frame) -> None:
        """Send one frame; not to be called while `is_busy`."""
        self._start({"type": "websocket.send", "text": frame.payload.decode()})

    def close(self, code: CloseCode) -> None:
        """Close the socket; not to be called while `is_busy`."""
        self._start({"type": "websocket.close", "code": int(code)})

    def detach(self) -> None:
        """Cancel what is being sent: the connection has ended."""
        if self._sending is not None:
            self._sending.cancel()

    def abort(self) -> None:
        """End the connection with a peer that takes nothing; in plain ASGI, whoever calls this ends the application."""
        self.detach()

    def _start(self, message: dict[str, Any]) -> None:
        sending = self._send(message)
        if not isinstance(sending, Coroutine):
            raise TypeError(f"An ASGI server's send must be a coroutine function; this one made {type(sending)}.")
        try:
            waits_for = sending.send(None)
        except StopIteration:
            return
        except (OSError, RuntimeError) as error:
            self._lose(error)
            return
        self.is_busy = True
        self._sending = asyncio.get_running_loop().create_task(_resume(sending, waits_for))
        self._sending.add_done_callback(lambda task: self._finish(task, sending))
        self.on_change()

    def _finish(self, task: asyncio.Task[None], sending: Coroutine[Any, Any, None]) -> None:
        sending.close()  # a task that is cancelled before its first step never touches it
        self._sending = None
        self.is_busy = False
        error = None if task.cancelled() else task.exception()
        if task.cancelled() or isinstance(error, (OSError, RuntimeError)):
            self._lose(error)
        elif error is not None:
            logger.error("A frame could not be sent.", exc_info=error)
            self._lose(error)
        else:
            self.on_change()

    def _lose(self, error: BaseException | None = None) -> None:
        # The server's `disconnect` event follows and ends the session.
        if error is not None:
            logger.debug("A frame could not be sent: %r", error)
        self.is_lost = True
        self.on_change()


class PreframedTransport(AsgiTransport):
    """One accepted socket whose server takes frames as bytes; the close goes by ASGI's `send`."""

    def __init__(self, send: Send, socket: PreframedSocket) -> None:
        super().__init__(send)
        self._socket = socket
        self.write: Callable[[bytes], None] = socket.write
        socket.watch(self._set_full, self._lose)

    def _set_full(self, is_full: bool) -> None:
        self.is_busy = is_full
        self.on_change()

    @override
    def send(self, frame: Frame) -> None:
        self.write(frame.data)

    @override
    def abort(self) -> None:
        self.detach()
        self._socket.abort()


def _nothing() -> None:
    """Stand for a callback that nobody has set."""


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
