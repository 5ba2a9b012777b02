"""However much somebody asks for and however slowly they read, the server holds little for them."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import socket as stdlib_socket
import subprocess
from collections.abc import Awaitable, Callable

import httpx
import pytest
from asgiref.sync import async_to_sync

from tests.realtime.sockets.test_abuse import fetch_text
from tests.support.clients import Frame, Person, Socket, make_chat
from tests.support.processes import Server

MIB = 1024 * 1024
MESSAGES = 100  # together a little less than FLOWRA_CATCHUP_BYTES
HEAVY = 75_000  # bytes of each message
CONNECTIONS = 50  # of one user, as many as they may have
GROWTH = 150 * MIB  # of all of them together
# Bodies in which an emoji makes Python keep four bytes for each of the other characters.
SEED = """
from chats.lib.ids import new_id
from chats.models import Chat, Message
chat = Chat.objects.get(pk="{chat_id}")
Message.objects.bulk_create(
    Message(
        chat=chat, author_id=chat.created_by_id, seq=seq, revision=seq, posted_revision=seq, client_id=new_id(),
        body=chr(0x1F600) * 5_000, html=chr(0x1F600) + "x" * {html},
    )
    for seq in range(1, {messages} + 1)
)
Chat.objects.filter(pk=chat.pk).update(seq={messages}, revision={messages})
"""


async def seed(server: Server, owner: Person, messages: int, size: int) -> str:
    """Make a chat with so many messages of so many bytes, and return its id."""
    chat_id: str = (await make_chat(owner))["id"]
    server.manage("shell", "-c", SEED.format(chat_id=chat_id, messages=messages, html=size - 20_000))
    return chat_id


@pytest.fixture(scope="module")
def john(people: list[Person]) -> Person:
    """Give John, signed in."""
    return people[0]


@pytest.fixture(scope="module")
def heavy_chat(demo_server: Server, john: Person) -> str:
    """Give a chat of John's with much in it."""
    made: str = async_to_sync(seed)(demo_server, john, MESSAGES, HEAVY)
    return made


def resident(server: Server) -> int:
    """Return the server's memory in bytes."""
    shown = subprocess.run(["ps", "-o", "rss=", "-p", str(server.process.pid)], capture_output=True, check=True)
    return int(shown.stdout) * 1024


def narrow(server: Server) -> stdlib_socket.socket:
    """Return a connection for whose peer the kernel keeps little, as over a real network."""
    made = stdlib_socket.socket()
    made.setsockopt(stdlib_socket.SOL_SOCKET, stdlib_socket.SO_RCVBUF, 8_192)
    made.connect(("127.0.0.1", server.port))
    return made


async def until_still(read: Callable[[], Awaitable[object]]) -> None:
    """Wait until what `read` returns has not changed for a second."""
    before = None
    while (now := await read()) != before:
        before = now
        await asyncio.sleep(1)


async def caught_up(server: Server) -> str:
    """Return how many messages the server says it has sent to who caught up."""
    lines = (await fetch_text(f"{server.base_url}/metrics")).splitlines()
    return next(line for line in lines if line.startswith("flowra_catch_up_messages_total"))


async def test_catch_ups_that_nobody_reads_cost_little(demo_server: Server, john: Person, heavy_chat: str) -> None:
    async with await john.connect() as reader:
        await catch_up(reader, heavy_chat, since=MESSAGES - 10)
        before = resident(demo_server)
        stalled = [await john.connect(sock=narrow(demo_server)) for _ in range(CONNECTIONS - 1)]
        for socket in stalled:
            socket.stop_reading()
            await socket.send("subscribe", chat_id=heavy_chat, since=0)
        await until_still(lambda: caught_up(demo_server))
        assert resident(demo_server) - before < GROWTH
        assert (await reader.ask("ping"))["type"] == "pong"
        frames, ack = await catch_up(reader, heavy_chat, since=MESSAGES - 30)
        assert ([frame["data"]["seq"] for frame in frames], ack["revision"]) == (list(range(71, 101)), MESSAGES)
        for socket in stalled:
            await socket.vanish()


async def test_answers_that_nobody_reads_cost_little(demo_server: Server, john: Person, heavy_chat: str) -> None:
    """As many connections ask for heavy things, at once: pages, changes, and the page in the browser."""
    cookie = await session_of(demo_server, "john")
    api = f"/api/v1/chats/{heavy_chat}"
    paths = (f"{api}/messages", f"{api}/changes?since=0", f"/chats/{heavy_chat}/", f"{api}/messages?after=0")
    credentials = f"Authorization: Bearer {john.token}\r\nCookie: {cookie}"
    before = resident(demo_server)
    stalled = [narrow(demo_server) for _ in range(2 * CONNECTIONS)]
    for connection, path in zip(stalled, itertools.cycle(paths), strict=False):
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{credentials}\r\n\r\n".encode())
    while await answered(demo_server) < len(stalled):  # noqa: ASYNC110  (the server's counters know of no event)
        await asyncio.sleep(0.1)
    await until_still(lambda: asyncio.to_thread(lambda: resident(demo_server) // MIB))
    assert resident(demo_server) - before < GROWTH
    assert (await john.call("GET", "/me"))["username"] == "john"
    for connection in stalled:
        assert connection.recv(12) == b"HTTP/1.1 200"
        connection.close()


async def answered(server: Server) -> float:
    """Return how many of these answers the server says it has made."""
    pattern = r'^flowra_http_requests_total.*route="[^"]*(?:messages|changes|detail)".* (\S+)$'
    return sum(map(float, re.findall(pattern, await fetch_text(f"{server.base_url}/metrics"), re.MULTILINE)))


async def session_of(server: Server, username: str) -> str:
    """Sign in as a browser does, and return its cookies."""
    async with httpx.AsyncClient(base_url=server.base_url, timeout=20) as http:
        page = await http.get("/accounts/login/")
        (token,) = set(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text))
        form = {"csrfmiddlewaretoken": token, "username": username, "password": "demo"}
        assert (await http.post("/accounts/login/", data=form)).status_code == 302
        return f"sessionid={http.cookies['sessionid']}"


async def catch_up(socket: Socket, chat_id: str, since: int) -> tuple[list[Frame], Frame]:
    """Return the changes before the ack of a subscription with `since`, and the ack."""
    await socket.send("subscribe", ref="x", chat_id=chat_id, since=since)
    ack = await socket.until("ack", ref="x")
    frames = [frame for frame in await socket.frames_so_far() if frame["type"].startswith("chat.message.")]
    return frames, ack


async def test_what_changes_while_a_catch_up_is_taken_comes_with_it(demo_server: Server, john: Person) -> None:
    """In parts, and some of it after it was to come: each message once in its last state, as new, in order."""
    chat_id = await seed(demo_server, john, MESSAGES, HEAVY)
    path = f"/chats/{chat_id}/messages"
    messages = (await john.call("GET", f"{path}?after=95&limit=1"))["results"]
    messages += (await john.call("GET", f"{path}?after=0&limit=1"))["results"]
    async with await john.connect(sock=narrow(demo_server)) as socket:
        socket.stop_reading()
        await socket.send("subscribe", ref="x", chat_id=chat_id, since=0)
        await until_still(lambda: caught_up(demo_server))
        for message in messages:
            await john.call("PATCH", f"{path}/{message['id']}", {"body": "edited"})
        posted = await john.call("POST", path, {"body": "posted meanwhile"})
        socket.read_on()
        ack = await socket.until("ack", ref="x")
        frames = [frame for frame in await socket.frames_so_far() if frame["type"].startswith("chat.message.")]
    assert {frame["type"] for frame in frames} == {"chat.message.posted"}
    revisions = [frame["data"]["revision"] for frame in frames]
    assert revisions == sorted(revisions)
    assert (ack["revision"], ack.get("reset"), posted["revision"]) == (MESSAGES + 3, None, MESSAGES + 3)
    state = {frame["data"]["seq"]: frame["data"]["body"] for frame in frames}
    assert state.keys() == set(range(1, MESSAGES + 2))
    assert (state[1], state[96], state[101]) == ("edited", "edited", "posted meanwhile")
    # The first one had been sent before it was edited, the other one had not.
    assert [frame["data"]["seq"] for frame in frames].count(1) == 2
    assert [frame["data"]["seq"] for frame in frames].count(96) == 1


async def test_more_bytes_than_a_catch_up_may_have_are_a_reset(demo_server: Server, john: Person) -> None:
    chat_id = await seed(demo_server, john, 120, HEAVY)
    async with await john.connect() as socket:
        frames, ack = await catch_up(socket, chat_id, since=0)
        assert (frames, ack["reset"], ack["revision"]) == ([], True, 120)
        frames, ack = await catch_up(socket, chat_id, since=20)
        assert (len(frames), ack.get("reset")) == (100, None)


async def test_html_that_was_stored_without_a_bound_is_not_even_read(demo_server: Server, john: Person) -> None:
    chat_id = await seed(demo_server, john, 10, 6_000_000)
    path = f"/chats/{chat_id}/messages"
    before = resident(demo_server)
    async with await john.connect() as socket:
        frames, ack = await catch_up(socket, chat_id, since=0)
        assert ack.get("reset") is None
        (first, *_) = page = (await john.call("GET", f"{path}?limit=100"))["results"]
        await john.call("PATCH", f"{path}/{first['id']}", {"body": "short"})
        assert (await socket.until("chat.message.edited"))["data"]["html"] == "<p>short</p>"
    shown = [message["html"] for message in [*page, *(frame["data"] for frame in frames)]]
    assert set(shown) == {f"<p>{chr(0x1F600) * 5_000}</p>"}
    assert len(frames) == 10
    assert resident(demo_server) - before < 40 * MIB  # it is 60 MB


def test_the_sizes_fit_the_bounds() -> None:
    assert MESSAGES * HEAVY < 8 * MIB < CONNECTIONS * MESSAGES * HEAVY
    assert len(json.dumps("x" * HEAVY)) > 64 * 1024, "no part has two of them"
