"""Two versions side by side: the tables of the next one come while people write, it takes over, and is put back.

The next version is made here: a copy of this one whose messages have another column, whose chats have a table more, and
whose style sheet is another. So it needs no history of the repository.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from asgiref.sync import async_to_sync

from tests.operations.test_backup import acked, writing
from tests.support.clients import Frame, Person, make_chat
from tests.support.follower import Follower, stored
from tests.support.nginx import Nginx, browser
from tests.support.processes import ROOT, PostgreSQL, Server, Valkey, environment, run_manage, temporary_folder

PARTS = ("chats", "flowra", "presence", "realtime", "static", "templates")
NEXT_MODELS = '''
from django.db import models


class Pin(models.Model):
    """A message that stays in sight."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="+")


Message.add_to_class("mood", models.CharField(max_length=10, default="calm", db_default="calm"))
Message.add_to_class("weight", models.IntegerField(null=True))
'''
ANSWER_SECONDS = 30.0


@pytest.fixture(scope="module")
def next_version(processes: None) -> Path:
    """Give the folder of the next version, its migration written by Django."""
    folder = temporary_folder()
    for part in PARTS:
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("manage.py", "pyproject.toml"):
        shutil.copy(ROOT / file, folder)
    with (folder / "chats" / "models" / "__init__.py").open("a") as models:
        models.write(NEXT_MODELS)
    with (folder / "static" / "css" / "base.css").open("a") as style:
        style.write("\nbody { accent-color: rebeccapurple; }\n")
    run_manage(["makemigrations", "chats", "--name", "next", "-v0"], environment(temporary_folder(), {}), root=folder)
    return folder


@pytest.fixture
def versions(postgresql: PostgreSQL, valkey: Valkey, next_version: Path) -> Iterator[tuple[Server, Server, Server]]:
    """Give two servers of this version and one of the next, none of which runs, on one database with the demo."""
    shared = {
        "DATABASE_URL": postgresql.create_database(),
        "REDIS_URL": valkey.url,
        "SECRET_KEY": "one key for all processes and for both of the versions, 50 and more",
        "DEBUG": "false",
        "ALLOWED_HOSTS": "127.0.0.1",
        "FLOWRA_RATE_LIMITS": "false",
        "FLOWRA_DATA_DIR": str(temporary_folder()),  # where static files are collected: outside of both versions
    }
    first, second, following = Server(shared), Server(shared), Server(shared, root=next_version)
    first.manage("seed_demo", "--force")
    first.manage("collectstatic", "--noinput", "-v0")
    try:
        yield first, second, following
    finally:
        for server in (first, second, following):
            server.kill()


async def in_the_background(*steps: tuple[object, ...]) -> None:
    """Run what blocks, one after the other, while the clients of this loop go on."""
    for do, *arguments in steps:
        await asyncio.to_thread(do, *arguments)  # type: ignore[arg-type]


def last_migration() -> str:
    """Return the name of this version's last migration of chats."""
    return max(path.stem for path in (ROOT / "chats" / "migrations").glob("[0-9]*.py"))


def style_sheet(address: str, client: httpx.Client | None = None) -> str:
    """Return the path of the style sheet that the sign-in page of a server wants."""
    page = (client or httpx).get(f"{address}/accounts/login/", headers={"X-Forwarded-Proto": "https"})
    found = re.search(r'href="(/static/css/flowra\.[0-9a-f]+\.css)"', page.text)
    assert found, page.text[:1_000]
    return found[1]


def test_the_next_version_takes_over_and_is_put_back_while_people_write(
    versions: tuple[Server, Server, Server],
) -> None:
    first, second, following = versions
    first.start()
    second.start()
    following.port = first.port
    async_to_sync(write_through_it_all)(first, second, following)


async def write_through_it_all(first: Server, second: Server, following: Server) -> None:
    john, jane = [await Person.sign_in(first.base_url, name) for name in ("john", "jane")]
    chat = await make_chat(john, jane)
    addresses = [first.base_url, second.base_url]
    async with (
        Follower.following(john, chat["id"], addresses) as johns,
        Follower.following(jane, chat["id"], addresses) as janes,
        writing(johns),
    ):
        old_sheet = await asyncio.to_thread(style_sheet, first.base_url)
        # What docs/operations.md says: tables first, then one server after the other.
        count = acked(johns)
        await in_the_background((following.manage, "migrate", "-v0"), (following.manage, "collectstatic", "--noinput"))
        assert acked(johns) > count, "nobody could write while the tables changed"
        assert not johns.outages + janes.outages
        await in_the_background((first.stop,), (following.start,))
        await asyncio.to_thread(see_static_files_of_both, following, second)
        await see_both_versions_talk(chat, following, second, janes)

        # The first way back, the code alone: the old version on the tables of the next, with the old files.
        await in_the_background((following.stop,), (first.manage, "collectstatic", "--noinput"), (first.start,))
        assert await asyncio.to_thread(style_sheet, first.base_url) == old_sheet
        findings = await asyncio.to_thread(second.manage, "doctor")
        following_migration = f"chats.{int(last_migration()[:4]) + 1:04}_next"
        assert f"that this version does not know, {following_migration} for one" in findings
        assert re.search(r"^ok +static files", findings, re.MULTILINE)
        count = acked(johns)
        await johns.until(lambda: acked(johns) > count, ANSWER_SECONDS, "an ack from the old version")

        # The second, the tables too, under servers that run.
        await in_the_background((following.manage, "migrate", "chats", last_migration()))
        count = acked(johns)
        await johns.until(lambda: acked(johns) > count, ANSWER_SECONDS, "an ack on the old tables")
        outages = johns.outages + janes.outages
        await janes.until(lambda: not johns.unacked and not janes.unacked, ANSWER_SECONDS, "the last acks")
    assert {outage.code for outage in outages} <= {1012}
    await expect_nothing_lost(chat, johns, janes, second)
    for server in (first, second, following):
        assert "Traceback" not in server.log.read_text()


def see_static_files_of_both(following: Server, second: Server) -> None:
    """Whichever server nginx asks, a page of either version gets its style sheet."""
    sheets = {style_sheet(following.base_url), style_sheet(second.base_url)}
    assert len(sheets) == 2
    with Nginx([following.port, second.port]) as front, browser(front.base_url) as client:
        for sheet in sheets:
            # nginx takes turns, so that each is asked of both.
            assert [client.get(sheet).status_code for _ in range(4)] == [200] * 4
        assert client.get("/static/css/none.css").status_code == 404


async def see_both_versions_talk(chat: Frame, following: Server, second: Server, janes: Follower) -> None:
    """What is written at the one arrives at the other, both ways."""
    person = janes.person
    async with (
        await person.at(following.base_url).subscribe(chat["id"]) as new,
        await person.at(second.base_url).subscribe(chat["id"]) as old,
    ):
        for here, there, body in ((new, old, "from the next version"), (old, new, "from the version before")):
            ack = await here.post(chat["id"], body)
            while (await there.until("chat.message.posted"))["data"]["id"] != ack["message_id"]:
                continue


async def expect_nothing_lost(chat: Frame, johns: Follower, janes: Follower, server: Server) -> None:
    """Everything that was confirmed is stored once, in the order in which it was written."""
    messages = await stored(johns.person, chat["id"], [server.base_url])
    assert [message["seq"] for message in messages] == list(range(1, len(messages) + 1))
    bodies = [message["body"] for message in messages if message["author"]["id"] == johns.person.id]
    assert bodies[: acked(johns)] == [sent.body for sent in johns.sent if sent.acked_at is not None]
    assert len(bodies) == len(set(bodies))
    assert johns.bodies.keys() | {sent.body for sent in johns.unacked} >= set(bodies)
    assert janes.messages.keys() <= {message["id"] for message in messages}
