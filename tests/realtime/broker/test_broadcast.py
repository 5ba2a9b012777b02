"""manage.py broadcast: from a process without sockets, without a broker, to every process that has some."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from chats import services
from realtime.models import Notice
from tests.conftest import Cast
from tests.support.clients import Frame, Person, Socket, make_chat
from tests.support.processes import ProgramError, Server

KEY = "one key for both, so that both know each session and token"
# FLOWRA_WATCH_INTERVAL is 0.5 s. A broken look never comes; a busy machine's one comes a little late.
WITHIN = 3.0


@pytest.fixture(scope="module")
def neighbours(processes: None) -> Iterator[tuple[Server, Server]]:
    """Give two servers that share a database, and nothing else: neither hears of the other."""
    with Server({"SECRET_KEY": KEY}, demo=True) as first:
        database = f"sqlite:///{first.folder / 'flowra.sqlite3'}"
        with Server({"SECRET_KEY": KEY, "DATABASE_URL": database}) as second:
            yield first, second


def broadcast(*arguments: str) -> str:
    """Run the command in this process and return what it prints."""
    out = io.StringIO()
    call_command("broadcast", *arguments, stdout=out)
    return out.getvalue()


async def notices(socket: Socket) -> list[Frame]:
    """Return the notices among the frames that this socket was sent until now."""
    return [frame for frame in await socket.frames_so_far() if frame["type"] == "notice"]


async def test_it_reaches_every_socket_of_every_process_once_without_a_broker(
    neighbours: tuple[Server, Server],
) -> None:
    first, second = neighbours
    john, jane, bob = [await Person.sign_in(first.base_url, name) for name in ("john", "jane", "bob")]
    chat = await make_chat(john, jane)
    everybody = [john, jane.at(second.base_url), bob, bob.at(second.base_url)]
    sockets = [await person.connect() for person in everybody]

    async def tell(*arguments: str) -> float:
        await asyncio.to_thread(second.manage, "broadcast", *arguments)
        return time.monotonic()

    stored = await tell("<b>Down</b> at  noon\n& back at one", "--level", "warning")
    for socket in sockets:
        notice = await socket.until("notice")
        assert notice == {"type": "notice", "level": "warning", "text": "<b>Down</b> at noon & back at one"}
    assert time.monotonic() - stored < WITHIN

    await tell("Acme only", "--workspace", chat["workspace_id"])
    await tell("Once more for all")
    for person, socket in zip(everybody, sockets, strict=True):
        if person.username != "bob":
            assert (await socket.until("notice"))["text"] == "Acme only"
        assert (await socket.until("notice"))["text"] == "Once more for all"
    await asyncio.sleep(2.5)  # looks that follow find the same rows, and must not show them again
    for socket in sockets:
        assert await notices(socket) == []
        await socket.close()


async def test_who_comes_later_is_not_told_what_is_over(neighbours: tuple[Server, Server]) -> None:
    first, _ = neighbours
    john = await Person.sign_in(first.base_url, "john")
    async with await john.connect() as early:
        await asyncio.to_thread(first.manage, "broadcast", "We restart now")
        await early.until("notice")
        async with await john.connect() as late:
            await asyncio.to_thread(first.manage, "broadcast", "We are back")
            assert (await late.until("notice"))["text"] == "We are back"
            assert await notices(late) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["  \u200b "], "text must not be empty"),
        (["x" * 501], "at most 500"),
        (["half \ud83d of a pair"], "half a surrogate pair"),
        (["hello", "--workspace", "Nowhere"], 'no workspace "Nowhere"'),
        (["hello", "--workspace", str(uuid4())], "no workspace"),
        (["hello", "--level", "loud"], "loud"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_stored(cast: Cast, arguments: list[str], says: str) -> None:
    with pytest.raises(CommandError, match=says):
        broadcast(*arguments)
    assert not Notice.objects.exists()


@pytest.mark.parametrize("how", ["name", "id"])
def test_a_workspace_is_named_by_name_or_id(cast: Cast, how: str) -> None:
    arguments = {"name": " aCmE", "id": str(cast.workspace.pk)}
    assert "members of Acme" in broadcast("hello", "--workspace", arguments[how])
    assert Notice.objects.get().workspace == cast.workspace


def test_a_name_that_several_have_is_refused_with_their_ids(cast: Cast) -> None:
    other = services.create_workspace(user=cast.outsider, name="ACME").workspace
    with pytest.raises(CommandError) as refused:
        broadcast("hello", "--workspace", "acme")
    assert str(other.pk) in str(refused.value)
    assert str(cast.workspace.pk) in str(refused.value)
    assert not Notice.objects.exists()


def test_it_ends_with_1_and_one_sentence(neighbours: tuple[Server, Server]) -> None:
    first: Any = neighbours[0]
    with pytest.raises(ProgramError, match=r"ended with 1:\n(\S+.*)?CommandError: text must not be empty\.\n$"):
        first.manage("broadcast", " ")
