"""A server indexes the messages that have no entry, whoever posted them, beside what people do."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator

import pytest

from tests.support.clients import Person
from tests.support.processes import Server, wait_until

SECONDS = 60.0


@pytest.fixture
def stopped(processes: None) -> Iterator[Server]:
    """Give a server with the demo's data that does not run."""
    server = Server(demo=True)
    yield server
    server.kill()


def ask(server: Server, statement: str) -> int:
    """Run one statement on the server's database; return the number that it gives."""
    with contextlib.closing(sqlite3.connect(server.folder / "flowra.sqlite3", timeout=20)) as database, database:
        return int((database.execute(statement).fetchone() or [0])[0])


def test_what_was_there_before_the_index_is_found_after_a_while(stopped: Server) -> None:
    ask(stopped, "DELETE FROM chats_searchentry")
    ask(stopped, "DELETE FROM chats_searchprogress")
    ask(stopped, "UPDATE accounts_user SET name_key = ''")
    written = ask(stopped, "SELECT count(*) FROM chats_message WHERE deleted_at IS NULL")
    assert written > 40
    stopped.start()
    entries = "SELECT count(*) FROM chats_searchentry"
    wait_until(lambda: ask(stopped, entries) == written, SECONDS, "all messages to be indexed")
    is_done = "SELECT count(*) FROM chats_searchprogress WHERE is_done"
    wait_until(lambda: ask(stopped, is_done) == 1, SECONDS, "the server to note that")
    assert ask(stopped, "SELECT count(*) FROM accounts_user WHERE name_key = ''") == 0
    john = asyncio.run(Person.sign_in(stopped.base_url, "john"))
    people = asyncio.run(john.call("GET", "/users?search=doe+ja"))["results"]
    assert [person["username"] for person in people] == ["jane"]
    stopped.stop()
