"""An accepted socket: frames in order, a command each, error replies, the end."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from django.conf import settings
from django.utils import timezone

from chats.lib.static_version import static_version
from chats.payloads import time_text
from realtime import metrics
from realtime.background.revocation import recheck_connection
from realtime.hub.hub import Hub
from realtime.limits.connection import ConnectionLimits
from realtime.outbox.connection import Connection
from realtime.outbox.frame import Frame
from realtime.outbox.outbox import Outbox
from realtime.outbox.transports import ABORT_AFTER, AsgiTransport
from realtime.protocol.frames import CloseCode, Error, ErrorCode, FrameError, Welcome, decode, encode
from realtime.sockets.commands import Commands
from realtime.sockets.expiry import CredentialExpiry
from realtime.sockets.log_context import LogContext, bind, request_id_from
from realtime.sockets.queries import Caller

logger = logging.getLogger(__name__)


class Session:
    """Serves one connection from the `welcome` to its end."""

    def __init__(self, hub: Hub, caller: Caller, transport: AsgiTransport, request_id: str | None) -> None:
        self._hub = hub
        self._caller = caller
        self._request_id = request_id  # as the client sent it
        self.connection = Connection(
            credential=caller.credential,
            display_name=caller.user.get_full_name(),
            checked_at=caller.user.security_changed_at,
            outbox=Outbox(transport, limit=settings.FLOWRA_OUTBOX_BYTES, overflowed=self._overflowed),
            end=self.end,
        )
        self._expiry = CredentialExpiry(self.connection, self.end)
        self._commands = Commands(hub, self.connection, caller.user, self._expiry.watch)
        self._limits = ConnectionLimits()
        self._is_busy = False  # with a frame, whose answer goes before the close
        self._close_code: CloseCode | None = None
        self._abort_timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[Any] | None = None
        self._is_aborted = False

    async def run(self, receive: Any) -> None:
        """Serve the socket to its end; the connection is unregistered from the hub by then."""
        connection = self.connection
        self._task = asyncio.current_task()
        bind(
            LogContext(
                request_id=request_id_from(self._request_id) if self._request_id else None,
                connection_id=connection.connection_id,
                find_user=lambda: connection.user_id,
            )
        )
        metrics.sockets_opened.inc()
        logger.debug("A socket was opened.")
        try:
            self._expiry.watch()
            await self._hub.subscribing.register(connection, self._caller.workspace_ids)
            await self.recheck()
            if self._close_code is None:
                # What came for the user meanwhile waits in the outbox: the first frame is the welcome.
                connection.outbox.open(Frame(encode(_welcome(connection))))
            while (event := await receive())["type"] != "websocket.disconnect":
                self._is_busy = True
                await self.receive_event(event)
                self._is_busy = False
                self._close_if_ended()
        except asyncio.CancelledError:
            # `_abort` cancels us where the socket takes nothing any more; any other cancellation is the server's.
            if not self._is_aborted or self._task is None:
                raise
            self._task.uncancel()
        finally:
            self._expiry.stop()
            if self._abort_timer is not None:
                self._abort_timer.cancel()
            self._hub.subscribing.unregister(connection)
            connection.outbox.detach()
            logger.debug("A socket has ended.")

    async def recheck(self) -> None:
        """Check once more what was read before the connection was registered."""
        await recheck_connection(self._hub.registry, self.connection)

    async def receive_event(self, event: dict[str, Any]) -> None:
        """Carry out the command in one ASGI event, unless it is refused."""
        if self._close_code is not None:
            return  # it is being closed; what is not acknowledged will be sent again
        text = event.get("text")
        if text is None:
            self.end(CloseCode.BINARY)
            return
        try:
            command = decode(text)
        except FrameError as error:
            metrics.frames_received.labels("bad").inc()
            self._refuse(error)
            if self._limits.bad_frame():
                self.end(CloseCode.ABUSE)
            return
        metrics.frames_received.labels(command.__struct_config__.tag).inc()
        wait = self._limits.frame()
        if wait and not await self._commands.is_repeated_post(command):
            message = "Too many frames; wait a moment."
            self._refuse(FrameError(ErrorCode.RATE_LIMITED, message, ref=command.ref, retry_after=round(wait, 3)))
            if self._limits.is_flood:
                self.end(CloseCode.FLOOD)
            return
        try:
            await self._commands.carry_out(command)
        except FrameError as error:
            self._refuse(error)

    def _refuse(self, error: FrameError) -> None:
        optional: dict[str, Any] = {"chat_id": error.chat_id, "field": error.field, "retry_after": error.retry_after}
        given = {name: value for name, value in optional.items() if value is not None}
        metrics.commands_refused.labels(error.code).inc()
        self.connection.send(Error(code=error.code, message=error.message, ref=error.ref, **given))

    # --- The end --------------------------------------------------------------------------------

    def end(self, code: CloseCode) -> None:
        """Close the socket with `code`, after the answer to the frame it is busy with."""
        if self._close_code is not None:
            return
        self._begin_to_end(code)
        if not self._is_busy:
            self._close_if_ended()

    def _close_if_ended(self) -> None:
        if self._close_code is not None:
            self.connection.outbox.close(self._close_code)

    def _overflowed(self) -> None:
        self._begin_to_end(CloseCode.SLOW_CONSUMER)  # the outbox closes the socket

    def _begin_to_end(self, code: CloseCode) -> None:
        self._close_code = code
        self.connection.is_ending = True
        metrics.sockets_closed.labels(int(code)).inc()
        if self._abort_timer is not None:
            self._abort_timer.cancel()
        self._abort_timer = asyncio.get_running_loop().call_later(ABORT_AFTER, self._abort)

    def _abort(self) -> None:
        if self._task is not None and not self._task.done():
            self._is_aborted = True
            self.connection.outbox.abort()
            self._task.cancel()


def _welcome(connection: Connection) -> Welcome:
    return Welcome(
        connection_id=connection.connection_id,
        user_id=str(connection.user_id),
        display_name=connection.display_name,
        server_time=time_text(timezone.now()),
        ping_interval=settings.FLOWRA_PING_INTERVAL,
        pong_timeout=settings.FLOWRA_PONG_TIMEOUT,
        presence_enabled=settings.FLOWRA_PRESENCE_ENABLED,
        typing_enabled=settings.FLOWRA_TYPING_ENABLED,
        typing_timeout=settings.FLOWRA_TYPING_TIMEOUT,
        features=["background", *(["watch"] if settings.FLOWRA_PRESENCE_ENABLED else [])],
        version=static_version(),
    )
