"""A server deletes what is left of a chat, whoever deleted it, and goes on with what a killed one has begun."""

from __future__ import annotations

import contextlib
import sqlite3
import uuid
from collections.abc import Iterator

import pytest

from tests.support.processes import Server, wait_until

MESSAGES = 8_000  # forty transactions
SECONDS = 60.0


@pytest.fixture
def stopped(processes: None) -> Iterator[Server]:
    """Give a server with the demo's data that does not run."""
    server = Server(demo=True)
    yield server
    server.kill()


def ask(server: Server, statement: str, *values: object) -> list[tuple[object, ...]]:
    """Run one statement on the server's database."""
    with contextlib.closing(sqlite3.connect(server.folder / "flowra.sqlite3", timeout=20)) as database, database:
        return database.execute(statement, values).fetchall()


def left_of(server: Server, chat_id: str) -> int:
    """Return how many messages of the chat there are."""
    ((count,),) = ask(server, "SELECT count(*) FROM chats_message WHERE chat_id = ?", chat_id)
    assert isinstance(count, int)
    return count


def make_large_and_delete(server: Server) -> str:
    """Fill a chat of the demo, and mark it as another process would that was killed after its commit; return its id."""
    ((chat_id, seq, author),) = ask(
        server,
        "SELECT chat_id, max(seq), author_id FROM chats_message"
        " GROUP BY chat_id ORDER BY count(*) DESC, chat_id LIMIT 1",
    )
    assert isinstance(seq, int)
    with contextlib.closing(sqlite3.connect(server.folder / "flowra.sqlite3", timeout=20)) as database, database:
        database.executemany(
            "INSERT INTO chats_message (id, chat_id, author_id, seq, revision, posted_revision, client_id, body, html,"
            " created_at) VALUES (?, ?, ?, ?, ?, ?, ?, 'x', '<p>x</p>', '2026-01-01 00:00:00')",
            [
                (uuid.uuid4().hex, chat_id, author, number, number + 10_000, number + 10_000, uuid.uuid4().hex)
                for number in range(seq + 1, seq + 1 + MESSAGES)
            ],
        )
        database.execute("UPDATE chats_chat SET deleted_at = '2026-01-01 00:00:00' WHERE id = ?", (chat_id,))
        database.execute("DELETE FROM chats_chatmember WHERE chat_id = ?", (chat_id,))
    return str(chat_id)


def test_it_is_deleted_in_the_background_and_a_kill_loses_nothing(stopped: Server) -> None:
    chat_id = make_large_and_delete(stopped)
    others = ask(stopped, "SELECT count(*) FROM chats_message WHERE chat_id != ?", chat_id)
    all_of_it = left_of(stopped, chat_id)
    stopped.start()
    wait_until(lambda: left_of(stopped, chat_id) < all_of_it, SECONDS, "the first messages to go")
    stopped.kill()
    half = left_of(stopped, chat_id)
    assert 0 < half < all_of_it
    stopped.start()
    gone = "SELECT count(*) FROM chats_chat WHERE id = ?"
    wait_until(lambda: ask(stopped, gone, chat_id) == [(0,)], SECONDS, "the rest to go")
    assert left_of(stopped, chat_id) == 0
    assert ask(stopped, "SELECT count(*) FROM chats_message WHERE chat_id != ?", chat_id) == others
    assert ask(stopped, "PRAGMA foreign_key_check") == []
    stopped.stop()
