"""What an HTTP connection may cost, on a real uvicorn: answers that nobody takes, and too many of one address."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from flowra.server import http_protocol
from flowra.server.http_protocol import MAX_PIPELINED, BoundedHttpProtocol
from flowra.server.http_writing import CHECKS
from realtime.outbox.uvicorn_protocol import PreframedProtocol
from tests.realtime.outbox.uvicorn_peer import connect, running
from tests.support.processes import ROOT

OPERATIONS = ROOT / "docs" / "operations.md"
WITHIN = 20.0  # seconds for any one answer
LARGE = 20_000_000  # bytes: more than the kernel keeps for two ends of a connection
MOST = 3  # connections of one address
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n"


class Application:
    """Answers with `size` bytes, once `may_answer` is set, and counts."""

    def __init__(self, size: int = 2) -> None:
        self.size = size
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.began = self.ended = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            while (await receive())["type"] != "websocket.disconnect":
                pass
            return
        self.began += 1
        await self.may_answer.wait()
        head = [(b"content-length", b"%d" % self.size)]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        for start in range(0, self.size, 65_536):
            rest = self.size - start - 65_536
            await send({"type": "http.response.body", "body": b"x" * (65_536 + min(rest, 0)), "more_body": rest > 0})
        self.ended += 1


@asynccontextmanager
async def serve(application: Application) -> AsyncIterator[int]:
    """Run an application on uvicorn, in this event loop, as `manage.py serve` does; gives its port."""
    config = uvicorn.Config(
        application, port=0, http=BoundedHttpProtocol, ws=PreframedProtocol, lifespan="off", log_config=None
    )
    async with running(config, is_cut_off=True) as port:
        yield port


@asynccontextmanager
async def peer(port: int, request: bytes = GET + b"\r\n") -> AsyncIterator[socket.socket]:
    """Open a connection that keeps little for who does not read, and send `request`."""
    loop = asyncio.get_running_loop()
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
    made.setblocking(False)
    try:
        await loop.sock_connect(made, ("127.0.0.1", port))
        await loop.sock_sendall(made, request)
        yield made
    finally:
        made.close()


async def until(holds: Any, what: str) -> None:
    """Wait until `holds()`."""
    try:
        async with asyncio.timeout(WITHIN):
            while not holds():  # noqa: ASYNC110  (what the server holds knows of no event)
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"Waited in vain for {what}.") from None


async def answer(made: socket.socket) -> bytes:
    """Return all that comes up to the end of the connection."""
    loop, parts = asyncio.get_running_loop(), []
    async with asyncio.timeout(WITHIN):
        try:
            while part := await loop.sock_recv(made, 65_536):
                parts.append(part)
        except ConnectionResetError:
            parts.append(b"(cut)")
    return b"".join(parts)


def open_connections() -> int:
    """Return how many connections are counted."""
    return sum(map(len, http_protocol.addresses._connections.values()))


@pytest.fixture(autouse=True)
def limits(settings: Any) -> Any:
    """Give the settings, with a short time to take an answer in and few connections."""
    settings.FLOWRA_WRITE_TIMEOUT = 0.5
    settings.FLOWRA_HTTP_CONNECTIONS_PER_ADDRESS = MOST
    return settings


async def test_who_takes_nothing_is_cut() -> None:
    application = Application(LARGE)
    async with serve(application) as port, peer(port) as made:
        await until(lambda: application.began == 1 and open_connections() == 0, "the end of the connection")
        assert (await answer(made)).endswith(b"(cut)")


def test_by_default_they_are_cut_within_a_minute() -> None:
    (seconds,) = re.findall(r"^\| `FLOWRA_WRITE_TIMEOUT` \| (\d+) \|", OPERATIONS.read_text(), re.MULTILINE)
    assert int(seconds) * (1 + 2 / CHECKS) < 60


async def test_who_takes_little_but_some_is_not_cut(limits: Any) -> None:
    application = Application(3_000_000)
    loop = asyncio.get_running_loop()
    async with serve(application) as port, peer(port, GET + b"Connection: close\r\n\r\n") as made:
        began, got = loop.time(), 0
        while loop.time() - began < 4 * limits.FLOWRA_WRITE_TIMEOUT:
            got += len(await loop.sock_recv(made, 20_000))
            await asyncio.sleep(0.05)
        rest = await answer(made)
        assert not rest.endswith(b"(cut)")
        assert 3_000_000 < got + len(rest) < 3_001_000


async def test_an_answer_of_ordinary_size_leaves_nothing_behind_while_it_is_taken(limits: Any) -> None:
    """Neither the request, nor its thread, nor its connection to the database."""
    limits.FLOWRA_WRITE_TIMEOUT = 60
    limits.FLOWRA_RESPONSE_BYTES = LARGE + 1_000
    application = Application(LARGE)
    async with serve(application) as port, peer(port):
        await until(lambda: application.ended == 1, "the end of the request")
        limits.FLOWRA_RESPONSE_BYTES = 100_000
        async with peer(port):
            await until(lambda: application.began == 2, "the second request")
            await asyncio.sleep(0.2)
            assert application.ended == 1, "a larger one waits where it is made"


async def test_requests_without_end_before_the_first_answer_are_cut_off() -> None:
    application = Application()
    application.may_answer.clear()
    async with serve(application) as port, peer(port, (GET + b"\r\n") * (MAX_PIPELINED + 1)) as made:
        await until(lambda: application.began == 1, "the first request")
        application.may_answer.set()
        await until(lambda: application.ended == MAX_PIPELINED + 1, "the others")
        application.may_answer.clear()
        await asyncio.get_running_loop().sock_sendall(made, (GET + b"\r\n") * 10_000)
        await until(lambda: open_connections() == 0, "the end of the connection")
        assert application.ended == MAX_PIPELINED + 1


async def test_the_request_that_is_one_too_many_is_told_so(limits: Any) -> None:
    application = Application()
    application.may_answer.clear()
    async with serve(application) as port:
        async with peer(port), peer(port), peer(port), peer(port) as other:
            await until(lambda: application.began == MOST, "three requests")
            head, _, body = (await answer(other)).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 429 ")
            assert b"retry-after: 5" in head
            assert b"too many connections" in body
            api = GET.replace(b"/ ", b"/api/v1/me ") + b"\r\n"
            async with peer(port, api) as other:
                refusal = json.loads((await answer(other)).partition(b"\r\n\r\n")[2])
            assert (refusal["code"], refusal["retry_after"]) == ("rate_limited", 5)
            async with connect(port) as socket:  # sockets have limits of their own
                socket.send(0x9, b"ping")
                assert await socket.take(6) == b"\x8a\x04ping"
            limits.FLOWRA_RATE_LIMITS = False
            async with peer(port):
                await until(lambda: application.began == MOST + 1, "a request without limits")
        await until(lambda: open_connections() == 0, "the end of all")
    assert http_protocol.addresses._connections == {}


async def test_idle_connections_make_room(limits: Any) -> None:
    application = Application()
    async with serve(application) as port, peer(port, b"") as silent, peer(port) as used:
        await until(lambda: application.ended == 1 and open_connections() == 2, "a connection that was used")
        async with peer(port), peer(port):
            assert await answer(silent) == b""
            await until(lambda: application.ended == 3, "the newer ones")
            assert open_connections() == MOST
            await asyncio.get_running_loop().sock_sendall(used, GET + b"Connection: close\r\n\r\n")
            assert (await answer(used)).count(b"HTTP/1.1 200 ") == 2


@pytest.mark.parametrize("trusted", ["127.0.0.0/8", "1"])
async def test_a_trusted_proxy_has_the_connections_of_its_clients(limits: Any, trusted: str) -> None:
    limits.FLOWRA_TRUSTED_PROXIES = [trusted]
    application = Application()
    application.may_answer.clear()

    def request(client: str) -> bytes:
        return GET + f"X-Forwarded-For: {client}\r\n\r\n".encode()

    async with serve(application) as port:
        async with peer(port, request("192.0.2.1")), peer(port, request("192.0.2.1")), peer(port, request("192.0.2.1")):
            await until(lambda: application.began == MOST, "three requests")
            async with peer(port, request("192.0.2.1")) as other:
                assert (await answer(other)).startswith(b"HTTP/1.1 429 ")
            async with peer(port, request("192.0.2.2")) as other:
                await until(lambda: application.began == MOST + 1, "somebody else's request")
                application.may_answer.set()
                await until(lambda: application.ended == MOST + 1, "all answers")
                await asyncio.get_running_loop().sock_sendall(other, request("192.0.2.1"))
                await until(lambda: application.ended == MOST + 2, "one more")
        await until(lambda: http_protocol.addresses._requests == {}, "the end of all")
    assert open_connections() == 0
