"""What a client has missed, sent in parts at the pace at which the client takes them.

Of each client one part is in memory, whatever the size of the whole. A part is read in one of a few database threads,
and no thread is held while the client takes it.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ParamSpec, TypeVar
from uuid import UUID

from realtime import metrics
from realtime.database import run_in_db_thread
from realtime.frames.chats import change_frame
from realtime.outbox.frame import Frame
from realtime.protocol.frames import ErrorCode, FrameError, encode
from realtime.sockets.queries import PART_BYTES, Allowance, ChatSnapshot, read_chat, read_part

if TYPE_CHECKING:
    from chats.models import Message
    from flowra.accounts.models import User
    from realtime.hub.rooms import Subscription
    from realtime.outbox.connection import Connection

P = ParamSpec("P")
T = TypeVar("T")


class CatchUp:
    """Brings one subscriber from revision `since` to the latest; `threads` bounds the threads for all of them."""

    def __init__(
        self,
        connection: Connection,
        subscription: Subscription,
        *,
        user: User,
        chat_id: UUID,
        since: int,
        threads: asyncio.Semaphore,
    ) -> None:
        self._connection = connection
        self._subscription = subscription
        self._user = user
        self._chat_id = chat_id
        self._since = since
        self._threads = threads

    async def run(self, snapshot: ChatSnapshot) -> tuple[int, bool]:
        """Send what changed, beginning with `snapshot`; returns the last revision, and whether to load the chat anew.

        Raises FrameError if the subscription ends meanwhile, chats.exceptions.NotFound if the membership does.
        """
        allowance = Allowance.whole()
        while not snapshot.plan.reset:
            parts = snapshot.plan.parts
            allowance = allowance.without(snapshot.plan)
            if not await self._send(snapshot.first):
                break
            for before, part in itertools.pairwise(parts):
                if not await self._send(await self._read(read_part, self._user, self._chat_id, before.until, part)):
                    return snapshot.revision, True
            if len(parts) <= 1:
                return snapshot.revision, False
            # What has changed while this was sent, until that is one part at most.
            snapshot = await self._read(read_chat, self._user, self._chat_id, parts[-1].until, allowance)
        return snapshot.revision, True

    async def _send(self, messages: Sequence[Message]) -> bool:
        """Send these messages at the client's pace; returns False if one is too large for a frame."""
        outbox = self._connection.outbox
        for message in messages:
            if self._subscription.has_ended or self._connection.is_ending:
                raise FrameError(ErrorCode.INTERNAL, "The subscription ended while it was sent; try again.")
            frame = Frame(encode(change_frame(message, since=self._since)))
            if frame.size > outbox.limit:
                return False
            outbox.put(frame)
            metrics.catch_up_messages.inc()
            await outbox.wait_writable(PART_BYTES)
        return True

    async def _read(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        async with self._threads:
            return await run_in_db_thread(function, *args, **kwargs)
