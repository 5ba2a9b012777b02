"""Database work of sockets: in a bounded pool of threads of its own.

Channels' default sends all of it through one thread, where one slow query holds up every socket. The pool is one per
process; each thread's connections are cleaned up around the call, as Channels does it. Its `database_sync_to_async`
is not used: wrapping a function anew for each call took a seventh of the event loop's Python at a post.

Writes are serialised per key, which stands for the row they lock. If each write that waits for a locked row had a
thread, one chat whose row is locked for long would soon take all threads. So one write per key has a thread and the
others wait in the event loop; the row would let them in one by one anyway. And at most _WRITERS_SHARE of the threads
write, however many rows are locked at once: the others are left to reads.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import close_old_connections, connection, reset_queries

P = ParamSpec("P")
T = TypeVar("T")
Key = tuple[str, UUID | None]

_WRITERS_SHARE = 0.75  # of the threads


class DatabaseThreads:
    """A pool of FLOWRA_SOCKET_DB_THREADS threads; calls come from one event loop."""

    def __init__(self) -> None:
        size = settings.FLOWRA_SOCKET_DB_THREADS
        self._pool = ThreadPoolExecutor(max_workers=size, thread_name_prefix="flowra-db")
        self._writers = asyncio.Semaphore(max(1, int(size * _WRITERS_SHARE)))
        # Weak: a lock is dropped with the last call that holds it or waits for it.
        self.locks: weakref.WeakValueDictionary[Key, asyncio.Lock] = weakref.WeakValueDictionary()

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """Return the future of `function(*args, **kwargs)`, which runs in a thread."""
        call = functools.partial(_run, function, *args, **kwargs)
        return asyncio.get_running_loop().run_in_executor(self._pool, contextvars.copy_context().run, call)

    async def run_serialized(self, key: Key, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` as `run` does, after all earlier calls with the same key.

        A call that is cancelled while it waits is not run. One that runs already is run to its end, and the next one
        waits for that: a thread cannot be cancelled.
        """
        turn = self.locks.get(key)
        if turn is None:
            turn = self.locks[key] = asyncio.Lock()
        await turn.acquire()
        try:
            await self._writers.acquire()
        except BaseException:
            turn.release()
            raise
        running = self.run(function, *args, **kwargs)

        def leave(_: object) -> None:
            self._writers.release()
            turn.release()

        running.add_done_callback(leave)
        return await asyncio.shield(running)

    def close(self) -> None:
        """Let the threads end; calls that were made are run to their end."""
        self._pool.shutdown(wait=False)


_threads: DatabaseThreads | None = None


def start() -> DatabaseThreads:
    """Return this process's threads, made with the first call. The hub starts and stops them."""
    global _threads
    if _threads is None:
        _threads = DatabaseThreads()
    return _threads


def stop() -> None:
    """Let this process's threads end."""
    global _threads
    threads, _threads = _threads, None
    if threads is not None:
        threads.close()


async def run_in_db_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return `function(*args, **kwargs)`, run in a thread of the pool; raises what it raises."""
    return await start().run(function, *args, **kwargs)


async def run_serialized(key: Key, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return `function(*args, **kwargs)`, run as by `DatabaseThreads.run_serialized`."""
    return await start().run_serialized(key, function, *args, **kwargs)


def _run(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return `function(*args, **kwargs)`, and leave no statements behind.

    With DEBUG each connection keeps the last 9,000, with the bodies of messages in them. Django empties that at each
    request, but the pool's threads outlive all requests.
    """
    close_old_connections()
    try:
        return function(*args, **kwargs)
    finally:
        if settings.DEBUG:
            reset_queries()
        close_old_connections()


def post_key(chat_id: UUID) -> Key:
    """Return the key of writes that lock the chat's row."""
    return ("post", chat_id) if _has_row_locks() else _ONLY_WRITER


def read_key(chat_id: UUID) -> Key:
    """Return the key of writes that lock one member's row: many read what one posts, without delaying the next post."""
    return ("read", chat_id) if _has_row_locks() else _ONLY_WRITER


def background_key(task: str) -> Key:
    """Return the key of a background task's writes."""
    return (task, None) if _has_row_locks() else _ONLY_WRITER


# SQLite has one lock for the whole database: all writes wait for each other, and reads for none.
_ONLY_WRITER: Key = ("write", None)


@functools.cache
def _has_row_locks() -> bool:
    return connection.features.has_select_for_update
