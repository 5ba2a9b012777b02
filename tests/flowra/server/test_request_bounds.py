"""What comes before a request is answered, or never becomes one: bodies without end, heads without end, and silence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from flowra.server import http_protocol, request_body
from flowra.server.http_protocol import MAX_HEAD, BoundedHttpProtocol
from flowra.server.request_body import MAX_BYTES
from tests.realtime.outbox.uvicorn_peer import running

WITHIN = 20.0  # seconds for any one answer
KIB = b"x" * 1024


async def answer_ok(scope: Any, receive: Any, send: Any) -> None:
    """Answer any request."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def serve(application: Any = "flowra.asgi:application") -> AsyncIterator[int]:
    """Run an application on uvicorn, in this event loop, as `manage.py serve` does; gives its port."""
    config = uvicorn.Config(application, port=0, http=BoundedHttpProtocol, lifespan="off", log_config=None)
    async with running(config, is_cut_off=True) as port:
        yield port


async def answer_to(port: int, *parts: bytes) -> bytes:
    """Send these bytes on a connection of their own, and return all that comes until it ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        return await asyncio.wait_for(reader.read(-1), WITHIN)
    except ConnectionError:  # cut off while it was sending: what the server had answered is lost with it
        return b""
    finally:
        writer.transport.abort()


def post(path: str, *headers: str) -> bytes:
    """Return the head of a POST."""
    return "\r\n".join((f"POST {path} HTTP/1.1", "Host: localhost", *headers, "", "")).encode()


@pytest.mark.parametrize(
    ("path", "kind"), [("/accounts/login/", b"text/plain"), ("/api/v1/auth/token", b"application/json")]
)
async def test_a_body_that_is_announced_as_too_large_is_not_waited_for(path: str, kind: bytes) -> None:
    async with serve() as port:
        answer = await answer_to(port, post(path, f"Content-Length: {MAX_BYTES + 1}"))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert kind in answer
    assert b"The body is too large." in answer


async def test_a_body_without_an_end_is_cut_off_and_not_kept() -> None:
    """Unannounced, in chunks: Django would write it to the disk for as long as it comes."""
    read = 0

    async def receive() -> Any:
        nonlocal read
        read += len(KIB)
        return {"type": "http.request", "body": KIB, "more_body": True}

    sent: list[Any] = []

    async def send(event: Any) -> None:
        sent.append(event)

    from flowra.asgi import application

    headers = [(b"host", b"localhost"), (b"transfer-encoding", b"chunked")]
    scope = {"type": "http", "method": "POST", "path": "/accounts/login/", "headers": headers, "query_string": b""}
    await asyncio.wait_for(application({**scope, "client": ("192.0.2.1", 1)}, receive, send), WITHIN)
    assert [event.get("status") for event in sent] == [413, None]
    assert read <= MAX_BYTES + len(KIB)


async def test_a_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_body, "WITHIN", 0.2)
    async with serve() as port:
        answer = await answer_to(port, post("/accounts/login/", "Content-Length: 1000"), KIB[:10])
    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_a_head_without_an_end_is_cut_off() -> None:
    async with serve(answer_ok) as port:
        parts = [b"X-More: " + KIB + b"\r\n"] * (MAX_HEAD // 1024 + 1)
        answer = await answer_to(port, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n", *parts)
        assert answer.startswith(b"HTTP/1.1 431 ")
        large = await answer_to(port, b"GET /healthz HTTP/1.1\r\nConnection: close\r\n", *parts[:20], b"\r\n")
        assert large.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("said", [b"", b"GET /hea", b"GET /healthz HTTP/1.1\r\nHost: loc"])
@pytest.mark.parametrize("is_second", [False, True], ids=["first", "kept alive"])
async def test_a_request_that_does_not_come_is_given_up(
    said: bytes, is_second: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_WITHIN", 0.3)
    async with serve(answer_ok) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        if is_second:
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert (await asyncio.wait_for(reader.readuntil(b"ok"), WITHIN)).startswith(b"HTTP/1.1 200 ")
        writer.write(said)
        assert await asyncio.wait_for(reader.read(-1), WITHIN) == b""
        writer.close()
