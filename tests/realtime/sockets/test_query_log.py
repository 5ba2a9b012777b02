"""With DEBUG on Django keeps the statements of each connection: threads that outlive all requests must not."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections

from chats import services
from flowra import pruning
from flowra.observability import probes
from realtime import database
from realtime.database import run_serialized
from realtime.models import Notice
from tests.conftest import Cast

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def thread(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[ThreadPoolExecutor]:
    """Give the one thread that sockets and readiness have in the test, and DEBUG."""
    settings.DEBUG = True
    with ThreadPoolExecutor(max_workers=1) as one:
        threads = database.DatabaseThreads()
        monkeypatch.setattr(threads, "_pool", one)
        monkeypatch.setattr(database, "_threads", threads)
        monkeypatch.setattr(probes, "_database_thread", one)
        yield one
        one.submit(connections.close_all).result()


def kept_in(thread: ThreadPoolExecutor) -> int:
    """Return how many statements the thread's connection keeps."""
    return thread.submit(lambda: len(connection.queries_log)).result()


async def test_posts_of_sockets(thread: ThreadPoolExecutor, cast: Cast) -> None:
    posts = [
        run_serialized(
            database.post_key(cast.chat.pk),
            services.post_message,
            user=cast.owner,
            chat_id=cast.chat.pk,
            body=f"Message {number}",
            client_id=uuid.uuid4(),
        )
        for number in range(10)
    ]
    assert [posted.created for posted in await asyncio.gather(*posts)] == [True] * 10
    assert kept_in(thread) == 0


async def test_work_that_fails(thread: ThreadPoolExecutor, cast: Cast) -> None:
    with pytest.raises(ZeroDivisionError):
        await database.run_in_db_thread(lambda: Notice.objects.count() / 0)
    assert kept_in(thread) == 0


async def test_readiness(thread: ThreadPoolExecutor) -> None:
    for _ in range(5):
        assert await probes.check_database() == "ok"
    assert kept_in(thread) == 0


def test_commands_that_run_for_long(thread: ThreadPoolExecutor, cast: Cast) -> None:
    Notice.objects.bulk_create([Notice(level="info", text=str(number)) for number in range(1_200)])
    kept = [len(connection.queries_log) for _ in pruning.delete_in_batches(Notice.objects.all())]
    assert kept == [0, 0, 0]
