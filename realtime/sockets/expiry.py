"""When a connection's credential ends: the socket is closed then, unless the session behind it lasts longer by now."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from realtime.credentials import Credential, recheck
from realtime.database import run_in_db_thread
from realtime.outbox.connection import Connection
from realtime.protocol.frames import CloseCode

logger = logging.getLogger(__name__)
MAX_TIMER = 7 * 24 * 3600.0  # seconds; the time left is looked at again at least this often


class CredentialExpiry:
    """Calls `end` with a close code when `connection.credential` has expired."""

    def __init__(self, connection: Connection, end: Callable[[CloseCode], None]) -> None:
        self._connection = connection
        self._end = end
        self._timer: asyncio.TimerHandle | None = None
        self._extending: asyncio.Task[None] | None = None
        self._watched: Credential | None = None  # the credential that expires at `_expires_at`
        self._expires_at = 0.0  # on the event loop's clock

    def watch(self) -> None:
        """Watch the connection's credential; to be called again when it has another one."""
        credential, loop = self._connection.credential, asyncio.get_running_loop()
        left = credential.expires_at - time.time()
        if credential is not self._watched:
            self._watched, self._expires_at = credential, loop.time() + left
        # Whichever is sooner: a system clock that is set back must not extend a credential.
        left = min(left, self._expires_at - loop.time())
        if left > 0:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = loop.call_later(min(left, MAX_TIMER), self.watch)
        elif credential.token:
            self._end(CloseCode.UNAUTHENTICATED)
        else:
            self._extending = loop.create_task(self._extend(credential))

    def stop(self) -> None:
        """Watch no longer."""
        if self._timer is not None:
            self._timer.cancel()
        if self._extending is not None:
            self._extending.cancel()

    async def _extend(self, credential: Credential) -> None:
        """Close the socket unless the session lasts longer by now: each request that writes to it extends it."""
        try:
            fresh = await run_in_db_thread(recheck, credential)
        except Exception:
            # Without the database nobody can say. The client connects again with its cookie.
            logger.exception("A session that may have expired cannot be checked; its socket is closed.")
            self._end(CloseCode.INTERNAL)
            return
        if self._connection.credential is not credential:
            return  # `auth` has brought another one, which is watched already
        if fresh is None or fresh.expires_at <= credential.expires_at:
            self._end(CloseCode.UNAUTHENTICATED)
            return
        self._connection.credential = fresh
        self.watch()
