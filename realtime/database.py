"""Database work of sockets: in a bounded pool of threads of its own.

Channels' default sends all of it through one thread, where one slow query holds up every socket. The pool is one per
process; each thread's connections are cleaned up around the call, as Channels does it. Its `database_sync_to_async`
is not used: wrapping a function anew for each call took a seventh of the event loop's Python at a post.

Writes go through lanes. Those to one chat wait for its row, or for one of its members' rows, and if each waited in a
thread, a chat whose row is held for long would soon hold all threads, and so everybody. In a lane one of them has a
thread, and the others wait for their turn in the event loop. They lose nothing by it: the row lets them in one by one
anyway. And however many chats are held at once, some threads are left to those who only read, to arrive or to catch up.
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
Lane = tuple[str, UUID | None]

# A lane is forgotten when nobody is in it or waits for it: whoever does holds its lock.
_lanes: weakref.WeakValueDictionary[Lane, asyncio.Lock] = weakref.WeakValueDictionary()
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


async def run_in_lane(lane: Lane, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `function` as `run_in_db_thread` does, after everything that was given to the same lane before.

    Cancelled while it waits for its turn, it is not run. Once it runs it is run to its end, and the lane is taken as
    long: a thread cannot be cancelled, and whoever came and went would otherwise leave one behind each time.
    """
    turn = _lanes.get(lane)
    if turn is None:
        turn = _lanes[lane] = asyncio.Lock()
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


def post_lane(chat_id: UUID) -> Lane:
    """Return the lane of what takes the chat's row."""
    return ("post", chat_id) if _has_row_locks() else _ONLY_WRITER


def read_lane(chat_id: UUID) -> Lane:
    """Return the lane of what takes one member's row; many read what one posts, and must not hold up the next post."""
    return ("read", chat_id) if _has_row_locks() else _ONLY_WRITER


# SQLite has one lock for the whole database: wherever they write, writers wait for each other, and readers for nobody.
_ONLY_WRITER: Lane = ("write", None)


@functools.cache
def _has_row_locks() -> bool:
    return connection.features.has_select_for_update
