"""The commands of docs/protocol.md: each calls a service, or the hub, and answers."""

from __future__ import annotations

import datetime
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from msgspec import UNSET

from chats import services
from chats.exceptions import ChatError
from chats.payloads import time_text
from chats.selectors.access import access_typing
from chats.selectors.messages import find_posted
from presence.exceptions import RegistryUnavailable
from realtime import credentials, metrics
from realtime.background.revocation import recheck_connection
from realtime.database import post_key, read_key, run_in_db_thread, run_serialized
from realtime.frames.chats import typing_event
from realtime.hub.presence.watching import CannotWatch
from realtime.hub.rooms import Subscription
from realtime.limits.buckets import TokenBucket
from realtime.outbox.connection import Connection
from realtime.protocol import frames
from realtime.protocol.frames import Ack, Command, ErrorCode, FrameError, Pong
from realtime.sockets.catch_up import CatchUp
from realtime.sockets.queries import ChatSnapshot, read_chat

if TYPE_CHECKING:
    from chats.models import Message
    from flowra.accounts.models import User
    from realtime.hub.hub import Hub

logger = logging.getLogger(__name__)
# `presence.watch` a second; a client that sends one a second is not refused because one came 0.1 s earlier.
WATCHES_PER_SECOND = 1.0
WATCHES_BURST = 1.1
SUBSCRIBE_TRIES = 5  # reads of a chat whose members change at the same time


class Commands:
    """Carries out the commands of one connection."""

    def __init__(self, hub: Hub, connection: Connection, user: User, credential_changed: Callable[[], None]) -> None:
        self._hub = hub
        self._connection = connection
        self._user = user
        self._credential_changed = credential_changed
        self._watches = TokenBucket(WATCHES_PER_SECOND, WATCHES_BURST, time.monotonic())

    async def carry_out(self, command: Command) -> None:
        """Carry out `command` and send the answer; raises FrameError with what the `error` frame says."""
        chat_id = getattr(command, "chat_id", None)
        context: dict[str, Any] = {"ref": command.ref, "chat_id": None if chat_id is None else str(chat_id)}
        try:
            await _HANDLERS[type(command)](self, command)
        except ChatError as error:
            raise FrameError(ErrorCode(error.code), error.message, field=error.field, **context) from None
        except FrameError as error:
            error.ref, error.chat_id = context["ref"], context["chat_id"]
            raise
        except Exception as error:
            # The client may try again; its socket goes on.
            if isinstance(error, OperationalError | InterfaceError):
                # All commands that waited for the database fail at once: a line for each, and no traceback.
                reason = str(error).partition("\n")[0][:200]
                logger.error("The command %s failed, the database does not answer: %s", type(command).__name__, reason)
            else:
                logger.exception("The command %s failed.", type(command).__name__)
            message = "Something went wrong on our side; try again."
            raise FrameError(ErrorCode.INTERNAL, message, **context) from None

    async def is_repeated_post(self, command: Command) -> bool:
        """Whether `command` is a post that was stored before; it is answered again whatever the limits say."""
        if not isinstance(command, frames.Post):
            return False
        return await run_in_db_thread(find_posted, self._user, command.chat_id, command.client_id) is not None

    # --- Subscriptions --------------------------------------------------------------------------

    async def _subscribe(self, command: frames.Subscribe) -> None:
        chats = self._connection.chats
        most = settings.FLOWRA_SUBSCRIPTIONS_PER_CONNECTION
        if settings.FLOWRA_RATE_LIMITS and command.chat_id not in chats and len(chats) >= most:
            message = f"One connection can subscribe to {most} chats; unsubscribe from one first."
            raise FrameError(ErrorCode.TOO_MANY, message)
        subscription = await self._hub.subscribing.subscribe(
            self._connection, command.chat_id, background=command.background
        )
        try:
            snapshot = await self._read_confirmed(subscription, command)
            self._connection.display_name = snapshot.display_name
            subscription.room.is_direct = snapshot.is_direct
            revision, is_reset = await self._catch_up(subscription, command, snapshot)
        except BaseException:
            self._hub.registry.unsubscribe(self._connection, command.chat_id)
            raise
        presence = subscription.room.presence
        self._connection.send(
            Ack(
                action="subscribed",
                ref=command.ref,
                chat_id=command.chat_id,
                revision=revision,
                online_count=None if command.background else presence.online_count(including=self._connection.user_id),
                reset=True if is_reset else UNSET,
            )
        )
        subscription.release(revision)

    async def _catch_up(
        self, subscription: Subscription, command: frames.Subscribe, snapshot: ChatSnapshot
    ) -> tuple[int, bool]:
        if command.since is None:
            return snapshot.revision, False
        catch_up = CatchUp(
            self._connection,
            subscription,
            user=self._user,
            chat_id=command.chat_id,
            since=command.since,
            threads=self._hub.catch_up_threads,
        )
        revision, is_reset = await catch_up.run(snapshot)
        metrics.catch_ups.labels("reset" if is_reset else "changes").inc()
        return revision, is_reset

    async def _read_confirmed(self, subscription: Subscription, command: frames.Subscribe) -> ChatSnapshot:
        """Return the chat, read after the last change of its members that this process knows of."""
        for _ in range(SUBSCRIBE_TRIES):
            snapshot = await run_in_db_thread(read_chat, self._user, command.chat_id, command.since)
            if not command.background:
                await self._hub.presence.ensure_loaded(subscription.room)
            if self._hub.subscribing.confirm_subscription(
                subscription, revision=snapshot.revision, access_version=snapshot.access_version
            ):
                return snapshot
        raise FrameError(ErrorCode.INTERNAL, "The chat's members change too fast; try again.")

    async def _unsubscribe(self, command: frames.Unsubscribe) -> None:
        self._hub.registry.unsubscribe(self._connection, command.chat_id)
        self._connection.send(Ack(action="unsubscribed", ref=command.ref, chat_id=command.chat_id))

    # --- Messages -------------------------------------------------------------------------------

    async def _post(self, command: frames.Post) -> None:
        wait = self._hub.quota.posts.take(self._user.pk) if settings.FLOWRA_RATE_LIMITS else 0.0
        if wait and not await self.is_repeated_post(command):
            message = "You are posting too fast; wait a moment."
            raise FrameError(ErrorCode.RATE_LIMITED, message, retry_after=round(wait, 3))
        posted = await run_serialized(
            post_key(command.chat_id),
            services.post_message,
            user=self._user,
            chat_id=command.chat_id,
            body=command.body,
            client_id=command.client_id,
            reply_to_id=command.reply_to,
        )
        self._connection.send(_posted_ack(command, posted.message))

    async def _read(self, command: frames.Read) -> None:
        membership = await run_serialized(
            read_key(command.chat_id), services.mark_read, user=self._user, chat_id=command.chat_id, seq=command.seq
        )
        self._connection.send(
            Ack(action="read", ref=command.ref, chat_id=command.chat_id, seq=membership.last_read_seq)
        )

    async def _type(self, command: frames.TypingCommand) -> None:
        if not settings.FLOWRA_TYPING_ENABLED:
            raise FrameError(ErrorCode.DISABLED, "Typing indicators are switched off.")
        room = self._hub.registry.rooms.get(command.chat_id)
        is_subscribed = command.chat_id in self._connection.chats
        if is_subscribed and room is not None and room.access_version is not None and not room.is_direct:
            access_version = room.access_version
        else:  # in a direct chat one may have blocked the other since the subscription
            membership = await run_in_db_thread(access_typing, self._user, command.chat_id)
            access_version = membership.chat.access_version

        def pass_on(is_typing: bool) -> None:
            self._hub.publish(
                typing_event(
                    chat_id=command.chat_id,
                    user_id=self._connection.user_id,
                    display_name=self._connection.display_name,
                    is_typing=is_typing,
                    access_version=access_version,
                )
            )

        self._hub.typing_gate.offer(self._connection.user_id, command.chat_id, command.is_typing, pass_on)

    async def _watch(self, command: frames.PresenceWatch) -> None:
        if not settings.FLOWRA_PRESENCE_ENABLED:
            raise FrameError(ErrorCode.DISABLED, "Presence is switched off.")
        wait = self._watches.take(time.monotonic()) if settings.FLOWRA_RATE_LIMITS else 0.0
        if wait:
            message = "Whom to watch can be changed once a second; wait a moment."
            raise FrameError(ErrorCode.RATE_LIMITED, message, retry_after=round(wait, 3))
        try:
            users = await self._hub.subscribing.watch(self._connection, dict.fromkeys(command.user_ids))
        except (RegistryUnavailable, CannotWatch):
            raise FrameError(ErrorCode.INTERNAL, "Who is online is not known right now; try again.") from None
        self._connection.send(Ack(action="watching", ref=command.ref, users=users))
        self._hub.watching.release(self._connection)

    # --- The connection itself ------------------------------------------------------------------

    async def _authenticate(self, command: frames.Auth) -> None:
        found = await run_in_db_thread(credentials.check_token, command.token)
        if found is None:
            raise FrameError(ErrorCode.INVALID, "This access token is not valid.", field="token")
        user, credential = found
        if user.pk != self._connection.user_id:
            raise FrameError(ErrorCode.INVALID, "This access token is somebody else's.", field="token")
        self._connection.credential = credential
        self._connection.checked_at = user.security_changed_at  # as it was when the token was checked
        self._credential_changed()
        await recheck_connection(self._hub.registry, self._connection)
        if self._connection.is_ending:
            raise FrameError(ErrorCode.INVALID, "This access token is not valid.", field="token")
        expires_at = datetime.datetime.fromtimestamp(credential.expires_at, datetime.UTC)
        self._connection.send(Ack(action="authenticated", ref=command.ref, expires_at=time_text(expires_at)))

    async def _pong(self, command: frames.Ping) -> None:
        self._connection.send(Pong(ref=UNSET if command.ref is None else command.ref))


_HANDLERS: dict[type, Callable[[Commands, Any], Awaitable[None]]] = {
    frames.Subscribe: Commands._subscribe,
    frames.Unsubscribe: Commands._unsubscribe,
    frames.Post: Commands._post,
    frames.TypingCommand: Commands._type,
    frames.Read: Commands._read,
    frames.PresenceWatch: Commands._watch,
    frames.Auth: Commands._authenticate,
    frames.Ping: Commands._pong,
}


def _posted_ack(command: frames.Post, message: Message) -> Ack:
    return Ack(
        action="posted",
        ref=command.ref,
        chat_id=command.chat_id,
        client_id=command.client_id,
        message_id=message.pk,
        seq=message.seq,
        revision=message.revision,
    )
