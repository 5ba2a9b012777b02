"""A backup is made while people write, all is lost, and the backup is restored, with the commands of the document."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import sqlite3
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.operations.documented import run_documented
from tests.support.clients import Frame, Person, make_chat
from tests.support.follower import Follower, stored
from tests.support.processes import PostgreSQL, Server, Valkey, migrated_sqlite, temporary_folder

BACKUP = {"postgresql": "PostgreSQL, to go back to the moment", "sqlite": "SQLite (never copy the file itself"}
RESTORE = {"postgresql": "until you are content. PostgreSQL, with", "sqlite": "SQLite; the files `-wal` and `-shm`"}
ANSWER_SECONDS = 30.0
PAUSE = 0.02  # seconds between two messages of one who writes: many, and the machine has time for others


@dataclasses.dataclass
class House:
    """A server on one kind of database, and where its operator keeps backups."""

    kind: str
    server: Server
    folder: Path

    def back_up(self) -> None:
        """Do what the document says, while it runs."""
        run_documented(BACKUP[self.kind], self.server.env, self.folder)

    def restore(self) -> str:
        """Do what the document says, while it does not run; return what was printed."""
        if self.kind == "postgresql":
            self.server.env["DATABASE_URL"] += "_restored?application_name=flowra"
        return run_documented(RESTORE[self.kind], self.server.env, self.folder)


@pytest.fixture(params=["postgresql", "sqlite"])
def house(processes: None, request: pytest.FixtureRequest) -> House:
    """Give a server that does not run yet, with the demo in it."""
    shared = {"SECRET_KEY": "the same before and after, kept apart from the backups", "FLOWRA_RATE_LIMITS": "false"}
    if request.param == "postgresql":
        postgresql: PostgreSQL = request.getfixturevalue("postgresql")
        valkey: Valkey = request.getfixturevalue("valkey")
        shared |= {"DATABASE_URL": postgresql.create_database(), "REDIS_URL": valkey.url}
    server = Server(shared, demo=True)
    if request.param == "postgresql":
        server.manage("seed_demo")
    return House(request.param, server, temporary_folder())


@contextlib.asynccontextmanager
async def writing(follower: Follower, most: int = 5_000) -> AsyncIterator[None]:
    """Have somebody write, each message when the one before was confirmed."""

    async def write() -> None:
        for number in range(most):
            sent = await follower.post(f"{follower.person.username} {number}")
            await follower.until(lambda: sent.acked_at is not None, ANSWER_SECONDS, "an ack")  # noqa: B023
            await asyncio.sleep(PAUSE)

    task = asyncio.create_task(write())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def acked(follower: Follower) -> int:
    return sum(sent.acked_at is not None for sent in follower.sent)


async def test_people_come_back_to_what_the_backup_has(house: House) -> None:
    with house.server as server:
        john, jane = [await Person.sign_in(server.base_url, name) for name in ("john", "jane")]
        chat = await make_chat(john, jane)
        addresses = [server.base_url]
        async with (
            Follower.following(john, chat["id"], addresses) as johns,
            Follower.following(jane, chat["id"], addresses) as janes,
        ):
            async with writing(johns):
                await johns.until(lambda: acked(johns) >= 20, ANSWER_SECONDS, "20 messages")
                before = acked(johns)
                await asyncio.to_thread(house.back_up)
                after = acked(johns)
                assert after > before, "nobody could write while the backup was made"
                await johns.until(lambda: acked(johns) >= after + 20, ANSWER_SECONDS, "20 messages that will be lost")
            await janes.until(lambda: len(janes.messages) >= after + 20, ANSWER_SECONDS, "them with the other one")
            behind = await see_the_revision(john, chat)
            lost = johns.sent[after + 10].body

            server.kill()
            await janes.until(lambda: not janes.is_live, ANSWER_SECONDS, "the end of her connection")
            await janes.post("written while all was lost")
            assert "failed" not in await asyncio.to_thread(house.restore)
            await asyncio.to_thread(server.start)

            for follower in (johns, janes):
                await follower.until(lambda one=follower: one.is_live, 60, "the restored server")  # type: ignore[misc]
                assert follower.resets == 1
            await janes.until(lambda: not janes.unacked, ANSWER_SECONDS, "the ack of what she wrote meanwhile")
            await expect_the_same(chat, johns, janes, between=(before, after + 1), gone=lost)
            await expect_it_goes_on(chat, johns, janes, behind=behind)
        assert "IntegrityError" not in server.output()
        assert "Traceback" not in server.output()


async def see_the_revision(person: Person, chat: Frame) -> int:
    """Return the position of a page that has seen everything so far."""
    revision: int = (await person.call("GET", f"/chats/{chat['id']}"))["revision"]
    return revision


async def expect_the_same(
    chat: Frame, johns: Follower, janes: Follower, *, between: tuple[int, int], gone: str
) -> None:
    """Both see what is stored: of John's a whole beginning, as long as the backup may be, and Jane's once."""
    await johns.until(lambda: johns.bodies["written while all was lost"] == 1, ANSWER_SECONDS, "her message")
    messages = await stored(johns.person, chat["id"], [johns.person.base_url])
    assert [message["seq"] for message in messages] == list(range(1, len(messages) + 1))
    assert messages.pop()["body"] == "written while all was lost"
    assert between[0] <= len(messages) <= between[1]
    assert [message["body"] for message in messages] == [sent.body for sent in johns.sent[: len(messages)]]
    bodies = {message["body"]: 1 for message in messages} | {"written while all was lost": 1}
    assert johns.bodies == janes.bodies == bodies
    assert gone not in bodies


async def expect_it_goes_on(chat: Frame, johns: Follower, janes: Follower, *, behind: int) -> None:
    """Writing goes on where it was; what the backup knows is stored once; who comes late is told to load anew."""
    count = len(janes.messages)
    known = johns.sent[0]
    async with await johns.person.connect() as socket:
        again = await socket.post(chat["id"], known.body, client_id=uuid.UUID(known.client_id))
        assert (again["action"], again["seq"]) == ("posted", 1)
    more = behind - count + 20  # than were lost: the chat passes those who saw them
    for number in range(more):
        await johns.post(f"afterwards {number}")
    await janes.until(lambda: len(janes.messages) == count + more, ANSWER_SECONDS, "what is written afterwards")
    messages = await stored(johns.person, chat["id"], [johns.person.base_url])
    assert janes.messages == {message["id"]: message for message in messages}
    assert messages[-1]["seq"] == count + more
    async with await janes.person.connect() as socket:
        late = await socket.ask("subscribe", chat_id=chat["id"], since=behind)
        assert late.get("reset"), "a page that saw what is lost would go on showing it"
        late = await socket.ask("subscribe", chat_id=chat["id"], since=late["revision"])
        assert "reset" not in late


# --- manage.py backup ---------------------------------------------------------------------------


@pytest.mark.usefixtures("processes")
def test_a_backup_is_one_sound_file_for_its_owner_alone(tmp_path: Path) -> None:
    server = Server(demo=True)
    file = tmp_path / "flowra.backup"
    assert "sound" in server.manage("backup", str(file))
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    assert file.stat().st_mode & 0o777 == 0o600
    with contextlib.closing(sqlite3.connect(f"{file.as_uri()}?mode=ro&immutable=1", uri=True)) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert copy.execute("SELECT count(*) FROM chats_message").fetchone()[0] > 40


@pytest.mark.usefixtures("processes")
def test_what_stands_in_the_way_of_a_backup_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = settings.DATABASES["default"]
    there = tmp_path / "there"
    there.write_text("an older backup")
    broken = tmp_path / "broken.sqlite3"
    broken.write_bytes(b"no database" * 1_000)
    sound = migrated_sqlite()
    for engine, name, file, expected in (
        ("sqlite3", sound, there, "is never written over"),
        ("sqlite3", sound, tmp_path / "nowhere" / "file", "No such file or directory"),
        ("sqlite3", broken, tmp_path / "copy", "There is no backup: file is not a database"),
        ("sqlite3", tmp_path / "none", tmp_path / "copy", "There is no database"),
        ("postgresql", "flowra", tmp_path / "copy", "pg_dump -Fc"),
    ):
        monkeypatch.setitem(database, "ENGINE", f"django.db.backends.{engine}")
        monkeypatch.setitem(database, "NAME", str(name))
        with pytest.raises(CommandError, match=expected):
            call_command("backup", str(file))
    assert there.read_text() == "an older backup"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.sqlite3", "there"]
