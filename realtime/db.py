"""Database work of sockets: in a bounded pool of threads of its own.

Channels' default sends all of it through one thread, where one slow query holds up every socket. The pool is one per
process; `database_sync_to_async` cleans up each thread's connections around the call.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async
from django.conf import settings

P = ParamSpec("P")
T = TypeVar("T")


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=settings.FLOWRA_SOCKET_DB_THREADS, thread_name_prefix="flowra-db")


async def run_in_db_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return `function(*args, **kwargs)`, run in a thread of the pool; raises what it raises."""
    in_thread = database_sync_to_async(function, thread_sensitive=False, executor=_pool())
    return await in_thread(*args, **kwargs)
