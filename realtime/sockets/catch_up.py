"""What a client has missed, sent in parts as it takes them.

However much that is and however slowly it is taken, one part is in memory for a client, and a few parts are read at a
time in this process. Nobody holds a place among the readers while a client does not read.
"""

from __future__ import annotations

import asyncio
import itertools
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ParamSpec, TypeVar
from uuid import UUID

from django.conf import settings

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

_READERS_SHARE = 0.5  # of the threads for the database: the others are left to those who arrive, read a little or post
# One or none, so that it does not outlive its event loop. Whoever waits for it has their turn in the order they came.
_readers: weakref.WeakValueDictionary[None, asyncio.Semaphore] = weakref.WeakValueDictionary()


class CatchUp:
    """Brings one subscriber from revision `since` to the present."""

    def __init__(
        self, connection: Connection, subscription: Subscription, *, user: User, chat_id: UUID, since: int
    ) -> None:
        self._connection = connection
        self._subscription = subscription
        self._user = user
        self._chat_id = chat_id
        self._since = since

    async def run(self, snapshot: ChatSnapshot) -> tuple[int, bool]:
        """Send what changed, of which `snapshot` was read; returns the position, and whether the chat is to be loaded.

        Raises FrameError where the subscription ends meanwhile, chats.exceptions.NotFound where the membership does.
        """
        allowance = Allowance.whole()
        while not snapshot.plan.reset:
            parts = snapshot.plan.parts
            allowance = allowance.without(snapshot.plan)
            if not await self._send(snapshot.first):
                break
            for before, part in itertools.pairwise(parts):
                if not await self._send(await _read(read_part, self._user, self._chat_id, before.until, part)):
                    return snapshot.revision, True
            if len(parts) <= 1:
                return snapshot.revision, False
            # What was changed while all this was sent, until that is no more than one part.
            snapshot = await _read(read_chat, self._user, self._chat_id, parts[-1].until, allowance)
        return snapshot.revision, True

    async def _send(self, messages: Sequence[Message]) -> bool:
        """Send these messages as the client takes them; returns False where one is too large for a frame."""
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


async def _read(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    readers = _readers.get(None)
    if readers is None:
        count = max(1, int(settings.FLOWRA_SOCKET_DB_THREADS * _READERS_SHARE))
        readers = _readers[None] = asyncio.Semaphore(count)
    async with readers:
        return await run_in_db_thread(function, *args, **kwargs)
