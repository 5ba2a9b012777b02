"""One socket: handshake, frames in order, a command each (realtime/sockets/commands.py), error replies, the end."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from channels.consumer import AsyncConsumer
from django.conf import settings
from django.utils import timezone

from chats.lib.addresses import counted_address
from chats.payloads import time_text
from realtime import metrics
from realtime.background.revocation import recheck
from realtime.credentials import Credential, Handshake, is_origin_allowed, look_again, read_handshake
from realtime.database import run_in_db_thread
from realtime.hub.hub import Hub, start_hub
from realtime.lifecycle import is_draining
from realtime.limits.buckets import ConnectionLimits
from realtime.limits.shared import Place
from realtime.outbox.connection import Connection
from realtime.outbox.frame import Frame
from realtime.outbox.outbox import Outbox
from realtime.outbox.transports import PlainWire, ReadyWire
from realtime.outbox.uvicorn_protocol import preframed_socket
from realtime.protocol.frames import CloseCode, Error, ErrorCode, FrameError, Welcome, decode, encode
from realtime.sockets.commands import Commands
from realtime.sockets.log_context import LogContext, bind, request_id_from
from realtime.sockets.queries import Caller, read_caller

logger = logging.getLogger(__name__)
ABORT_AFTER = 5.0  # seconds that a socket may take to accept its close frame
MAX_TIMER = 7 * 24 * 3600.0  # seconds; longer timers are asked again when they ring


class ChatConsumer(AsyncConsumer):
    """Serves one socket of protocol.md."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Run the socket to its end.

        Channels' own loop adds a channel, two tasks and, per event, a hop to a thread; the hub makes all of
        that unnecessary, so this one just takes one event after the other.
        """
        self._scope = scope
        self._send_event = send
        self._busy = False
        self._end_code: CloseCode | None = None
        self._task = asyncio.current_task()
        self._expiry_timer: asyncio.TimerHandle | None = None
        self._watched: Credential | None = None  # the credential that ends at _expires_at, by the loop's clock
        self._expires_at = 0.0
        self._prolonging: asyncio.Task[None] | None = None
        self._abort_timer: asyncio.TimerHandle | None = None
        self.connection: Connection | None = None
        handshake = read_handshake(scope)
        await receive()  # websocket.connect
        if is_draining():
            await self._turn_away(receive)
            return
        if not is_origin_allowed(handshake):
            # Before the upgrade: HTTP 403. Not counted: a hostile page could use up its visitors' handshakes.
            await send({"type": "websocket.close"})
            return
        hub = start_hub()
        caller, place = await self._let_in(hub, handshake)
        try:
            if is_draining():  # the drain has begun meanwhile
                await self._turn_away(receive)
                return
            await send({"type": "websocket.accept", "subprotocol": handshake.subprotocol})
            if place is None:
                await self._close_at_once(CloseCode.TOO_MANY, receive)
            elif caller is None:
                await self._close_at_once(CloseCode.UNAUTHENTICATED, receive)
            else:
                await self._serve(hub, caller, receive, handshake.request_id)
        finally:
            if place is not None:
                place.leave()

    async def _let_in(self, hub: Hub, handshake: Handshake) -> tuple[Caller | None, Place | None]:
        """Return who is calling, None where nobody knows, and a place, None where there are too many."""
        address = counted_address((self._scope.get("client") or ("",))[0])
        caller = await hub.quota.look_at(address, lambda: self._identify(handshake))
        if caller is None and not hub.quota.knock(address):
            return None, None
        return caller, await hub.quota.admit(address, caller.user.pk if caller else None)

    async def _identify(self, handshake: Handshake) -> Caller | None:
        return await run_in_db_thread(read_caller, handshake)

    async def _recheck(self, hub: Hub, connection: Connection) -> None:
        await recheck(hub.directory, connection)

    async def _turn_away(self, receive: Any) -> None:
        """Refuse the upgrade with 503, which a proxy answers by asking another server; the client notices nothing."""
        if "websocket.http.response" in self._scope.get("extensions", {}):
            await self._send_event({"type": "websocket.http.response.start", "status": 503, "headers": []})
            await self._send_event({"type": "websocket.http.response.body", "body": b""})
        else:
            await self._send_event({"type": "websocket.accept"})
            await self._close_at_once(CloseCode.RESTART, receive)

    async def _close_at_once(self, code: CloseCode, receive: Any) -> None:
        metrics.sockets_closed.labels(int(code)).inc()
        await self._send_event({"type": "websocket.close", "code": int(code)})
        while (await receive())["type"] != "websocket.disconnect":
            pass

    # --- Serving --------------------------------------------------------------------------------

    async def _serve(self, hub: Hub, caller: Caller, receive: Any, sent_id: str | None) -> None:
        connection = self.connection = self._connection_of(caller)
        ids = LogContext(
            request_id=request_id_from(sent_id) if sent_id else None,
            connection_id=connection.connection_id,
            find_user=lambda: connection.user_id,
        )
        bind(ids)
        metrics.sockets_opened.inc()
        logger.debug("A socket was opened.")
        self.limits = ConnectionLimits()
        self._commands = Commands(hub, connection, caller.user, self._watch_expiry)
        try:
            self._watch_expiry()
            await hub.register(connection, caller.workspace_ids)
            await self._recheck(hub, connection)
            if self._end_code is None:
                # What came for the user meanwhile waits in the outbox: the first frame is the welcome.
                connection.outbox.open(Frame(encode(_welcome(connection))))
            while True:
                event = await receive()
                if event["type"] == "websocket.disconnect":
                    return
                self._busy = True
                await self._receive_frame(event)
                self._busy = False
                if self._end_code is not None:
                    self._close_now()
        except asyncio.CancelledError:
            # `_abort` cancels us where the socket takes nothing any more; any other cancellation is the server's.
            if not self._aborted or self._task is None:
                raise
            self._task.uncancel()
        finally:
            for timer in (self._expiry_timer, self._abort_timer):
                if timer is not None:
                    timer.cancel()
            if self._prolonging is not None:
                self._prolonging.cancel()
            hub.unregister(connection)
            connection.outbox.abort()
            logger.debug("A socket has ended.")

    def _connection_of(self, caller: Caller) -> Connection:
        ready = preframed_socket(self._scope)
        wire = PlainWire(self._send_event) if ready is None else ReadyWire(ready)
        return Connection(
            credential=caller.credential,
            display_name=caller.user.get_full_name(),
            checked_at=caller.user.security_changed_at,
            outbox=Outbox(wire, limit=settings.FLOWRA_OUTBOX_BYTES, overflowed=self._overflowed),
            end=self.end,
        )

    _aborted = False

    async def _receive_frame(self, event: dict[str, Any]) -> None:
        if self._end_code is not None:
            return  # it is being closed; what is not acknowledged will be sent again
        text = event.get("text")
        if text is None:
            self.end(CloseCode.BINARY)
            return
        assert self.connection is not None  # noqa: S101  (for the type checker)
        try:
            command = decode(text)
        except FrameError as error:
            metrics.frames_received.labels("bad").inc()
            self._refuse(error)
            if self.limits.bad_frame():
                self.end(CloseCode.ABUSE)
            return
        metrics.frames_received.labels(command.__struct_config__.tag).inc()
        wait = self.limits.frame()
        if wait and not await self._commands.is_repeated_post(command):
            metrics.commands_refused.labels(ErrorCode.RATE_LIMITED).inc()
            self.connection.send(
                Error(
                    code=ErrorCode.RATE_LIMITED,
                    message="Too many frames; wait a moment.",
                    ref=command.ref,
                    retry_after=round(wait, 3),
                )
            )
            if self.limits.is_flood:
                self.end(CloseCode.FLOOD)
            return
        try:
            await self._commands.carry_out(command)
        except FrameError as error:
            self._refuse(error)

    def _refuse(self, error: FrameError) -> None:
        assert self.connection is not None  # noqa: S101  (for the type checker)
        optional: dict[str, Any] = {"chat_id": error.chat_id, "field": error.field, "retry_after": error.retry_after}
        given = {name: value for name, value in optional.items() if value is not None}
        metrics.commands_refused.labels(error.code).inc()
        self.connection.send(Error(code=error.code, message=error.message, ref=error.ref, **given))

    # --- The end --------------------------------------------------------------------------------

    def end(self, code: CloseCode) -> None:
        """Close the socket with `code`, after the answer to the frame it is busy with."""
        if self._end_code is not None:
            return
        self._end_code = code
        if self.connection is not None:
            self.connection.is_ending = True
        metrics.sockets_closed.labels(int(code)).inc()
        self._abort_timer = asyncio.get_running_loop().call_later(ABORT_AFTER, self._abort)
        if not self._busy:
            self._close_now()

    def _close_now(self) -> None:
        if self.connection is not None and self._end_code is not None:
            self.connection.outbox.close(self._end_code)

    def _overflowed(self) -> None:
        # The queue is full because the socket takes nothing, so the close frame may not get through either.
        self._end_code = CloseCode.SLOW_CONSUMER
        metrics.sockets_closed.labels(int(CloseCode.SLOW_CONSUMER)).inc()
        if self.connection is not None:
            self.connection.outbox.say_last_words(CloseCode.SLOW_CONSUMER)
        self._abort_timer = asyncio.get_running_loop().call_later(ABORT_AFTER, self._abort)

    def _abort(self) -> None:
        if self._task is not None and not self._task.done():
            self._aborted = True
            if self.connection is not None:
                self.connection.outbox.cut()
            self._task.cancel()

    def _watch_expiry(self) -> None:
        """Close the socket when its credential expires; called again when `auth` brought a fresh one."""
        assert self.connection is not None  # noqa: S101  (for the type checker)
        credential, loop = self.connection.credential, asyncio.get_running_loop()
        left = credential.expires_at - time.time()
        if credential is not self._watched:
            self._watched, self._expires_at = credential, loop.time() + left
        # Whichever is sooner: a clock that is set back must not prolong what it has shortened to a countdown.
        left = min(left, self._expires_at - loop.time())
        if left <= 0:
            if credential.token:
                self.end(CloseCode.UNAUTHENTICATED)
            else:
                self._prolonging = loop.create_task(self._prolong(credential))
            return
        if self._expiry_timer is not None:
            self._expiry_timer.cancel()
        self._expiry_timer = loop.call_later(min(left, MAX_TIMER), self._watch_expiry)

    async def _prolong(self, credential: Credential) -> None:
        """Close the socket, unless its session is good for longer by now: it is each time something is kept in it."""
        assert self.connection is not None  # noqa: S101  (for the type checker)
        try:
            fresh = await run_in_db_thread(look_again, credential)
        except Exception:  # nobody can say now; the client comes back with the cookie
            logger.exception("A session that may have expired cannot be looked at; its socket is closed.")
            self.end(CloseCode.INTERNAL)
            return
        if self.connection.credential is not credential:
            return  # `auth` brought another one meanwhile, which is watched already
        if fresh is None or fresh.expires_at <= credential.expires_at:
            self.end(CloseCode.UNAUTHENTICATED)
            return
        self.connection.credential = fresh
        self._watch_expiry()


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
    )
