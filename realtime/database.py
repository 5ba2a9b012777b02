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

# Weak: a lock is dropped with the last call that holds it or waits for it.
_locks: weakref.WeakValueDictionary[Key, asyncio.Lock] = weakref.WeakValueDictionary()
_WRITERS_SHARE = 0.75  # of the pool's threads
# Likewise one semaphore or none, so that none outlives its event loop.
_writers: weakref.WeakValueDictionary[None, asyncio.Semaphore] = weakref.WeakValueDictionary()


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=settings.FLOWRA_SOCKET_DB_THREADS, thread_name_prefix="flowra-db")


async def run_in_db_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return `function(*args, **kwargs)`, run in a thread of the pool; raises what it raises."""
    return await _start(function, *args, **kwargs)


def _start(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
    call = functools.partial(_run, function, *args, **kwargs)
    return asyncio.get_running_loop().run_in_executor(_pool(), contextvars.copy_context().run, call)


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


async def run_serialized(key: Key, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `function` as `run_in_db_thread` does, after all earlier calls with the same key.

    A call that is cancelled while it waits is not run. One that runs already is run to its end, and the next one waits
    for that: a thread cannot be cancelled.
    """
    turn = _locks.get(key)
    if turn is None:
        turn = _locks[key] = asyncio.Lock()
    threads = _writers.get(None)
    if threads is None:
        threads = _writers[None] = asyncio.Semaphore(max(1, int(settings.FLOWRA_SOCKET_DB_THREADS * _WRITERS_SHARE)))
    await turn.acquire()
    try:
        await threads.acquire()
    except BaseException:
        turn.release()
        raise
    running = _start(function, *args, **kwargs)

    def leave(_: object) -> None:
        threads.release()
        turn.release()

    running.add_done_callback(leave)
    return await asyncio.shield(running)


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
