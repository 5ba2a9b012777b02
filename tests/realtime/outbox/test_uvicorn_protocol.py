"""Frames as bytes against ASGI's own, through a real uvicorn and a client that checks the bytes."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from realtime.outbox import uvicorn_protocol
from realtime.outbox.frame import Frame, text_frame
from realtime.outbox.outbox import Outbox
from realtime.outbox.transports import AsgiTransport, open_transport
from realtime.protocol.frames import CloseCode
from tests.realtime.outbox.uvicorn_peer import WITHIN, connect, extension_of, serve, until_gone

TLS = Path(__file__).parent / "tls"
SIZES = (0, 1, 125, 126, 65_535, 65_536)


async def plain(scope: Any, receive: Any, send: Any) -> None:
    """Send all sizes by plain ASGI, and close."""
    await receive()
    await send({"type": "websocket.accept"})
    for size in SIZES:
        await send({"type": "websocket.send", "text": "é" * (size // 2) + "x" * (size % 2)})
    await send({"type": "websocket.close", "code": 4408})
    await until_gone(receive)


async def preframed(scope: Any, receive: Any, send: Any) -> None:
    """Do the same with frames as bytes."""
    await receive()
    await send({"type": "websocket.accept"})
    transport = open_transport(scope, send)
    for size in SIZES:
        transport.send(Frame("é".encode() * (size // 2) + b"x" * (size % 2)))
    transport.close(CloseCode.SLOW_CONSUMER)
    await until_gone(receive)


def opened_outbox(scope: Any, send: Any, overflows: list[bool]) -> Outbox:
    """Return an outbox on the extension that has sent its welcome and notes an overflow in `overflows`."""
    outbox = Outbox(open_transport(scope, send), limit=100_000, overflowed=lambda: overflows.append(True))
    outbox.open(Frame(b"welcome"))
    return outbox


def contexts() -> tuple[dict[str, Any], ssl.SSLContext]:
    """Return uvicorn's options for TLS, and a client's context that trusts them."""
    options = {"ssl_certfile": str(TLS / "certificate.pem"), "ssl_keyfile": str(TLS / "key.pem")}
    return options, ssl.create_default_context(cafile=str(TLS / "certificate.pem"))


@pytest.mark.parametrize("is_encrypted", [False, True], ids=["plain", "TLS"])
async def test_preframed_bytes_are_those_of_plain_asgi(is_encrypted: bool) -> None:
    options, context = contexts() if is_encrypted else ({}, None)
    received = []
    for application in (plain, preframed):
        async with serve(application, **options) as port, connect(port, context) as peer:
            length = sum(size + (2 if size < 126 else 4 if size < 65_536 else 10) for size in SIZES) + 4
            received.append(await peer.take(length))
            peer.send(0x8, (1000).to_bytes(2, "big"))
            assert await peer.rest() == b""
    assert received[0] == received[1]


async def test_plain_preframed_and_control_frames_keep_their_order() -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        socket = extension_of(scope)
        for number in range(0, 40, 2):
            await send({"type": "websocket.send", "text": str(number)})
            socket.write(text_frame(str(number + 1).encode()))
            await receive()
        await until_gone(receive)

    async with serve(application) as port, connect(port) as peer:
        for number in range(0, 40, 2):
            for text in (str(number), str(number + 1)):
                assert await peer.take(2 + len(text)) == text_frame(text.encode())
            peer.send(0x9, b"ping")  # its pong comes in between
            assert await peer.take(6) == b"\x8a\x04ping"
            peer.send(0x1, b"next")


async def test_several_frames_in_one_write_arrive_as_several() -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        extension_of(scope).write(b"".join(text_frame(text) for text in (b"a", b"bc", b"d" * 200)))
        await until_gone(receive)

    async with serve(application) as port, connect(port) as peer:
        assert await peer.take(3 + 4 + 204) == b"\x81\x01a\x81\x02bc\x81\x7e\x00\xc8" + b"d" * 200


@pytest.mark.parametrize("closed_by", ["outbox", "send", "peer"])
async def test_after_the_end_nothing_is_written(closed_by: str) -> None:
    done = asyncio.Event()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        outbox = opened_outbox(scope, send, [])
        if closed_by == "outbox":
            outbox.close(CloseCode.RESTART)
        elif closed_by == "send":
            await send({"type": "websocket.close", "code": 1012})
        await until_gone(receive)
        assert outbox.direct is None
        outbox.put(Frame(b"late"))
        outbox.close(CloseCode.INTERNAL)
        done.set()

    async with serve(application) as port, connect(port) as peer:
        assert await peer.take(9) == text_frame(b"welcome")
        if closed_by == "peer":
            peer.send(0x8, (1012).to_bytes(2, "big"))
        assert await peer.take(4) == b"\x88\x02" + (1012).to_bytes(2, "big")
        await asyncio.wait_for(done.wait(), WITHIN)
        if closed_by != "peer":
            peer.send(0x8, (1012).to_bytes(2, "big"))
        assert await peer.rest() == b""


ENDS = [
    "close",
    "abort",
    "peer closes",
    "peer half-closes",
    "peer vanishes",
    "nonsense",
    "bad UTF-8",
]


@pytest.mark.parametrize("end", [*ENDS, "silence", "shutdown", "before it is watched"])
async def test_every_end_is_reported_once_and_before_anything_could_be_written(end: str) -> None:
    was_gone: list[bool] = []  # at each report: whether the connection was lost by then
    ended = asyncio.Event()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        socket = extension_of(scope)

        def note_the_end() -> None:
            was_gone.append(socket.disconnected)
            ended.set()

        if end == "before it is watched":
            await send({"type": "websocket.close", "code": 1012})
        socket.watch(lambda is_full: None, note_the_end)
        if end == "before it is watched":
            assert was_gone == [False]
            return
        socket.write(text_frame(b"ready"))
        if end == "close":
            await send({"type": "websocket.close", "code": 1012})
            assert was_gone == [False]
        elif end == "abort":
            socket.abort()
            assert was_gone == [False]
        await until_gone(receive)

    options: dict[str, Any] = {"ws_ping_interval": 0.05, "ws_ping_timeout": 0.05} if end == "silence" else {}
    async with contextlib.AsyncExitStack() as stack:
        port = await stack.enter_async_context(serve(application, **options))
        async with connect(port) as peer:
            if end != "before it is watched":
                assert await peer.take(7) == text_frame(b"ready")
            if end == "peer closes":
                peer.send(0x8, (1000).to_bytes(2, "big"))
            elif end == "peer half-closes":
                peer.writer.write_eof()
            elif end == "peer vanishes":
                peer.reset()
            elif end == "nonsense":
                peer.writer.write(b"\xff" * 20)
            elif end == "bad UTF-8":
                peer.send(0x1, b"\xff")
            elif end == "shutdown":
                await stack.aclose()
            await asyncio.wait_for(ended.wait(), WITHIN)
    assert was_gone == [end == "peer vanishes"]


async def test_a_peer_that_takes_nothing_overflows_and_can_be_aborted() -> None:
    overflows: list[bool] = []
    ended = asyncio.Event()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        outbox = opened_outbox(scope, send, overflows)
        while not overflows:
            outbox.put(Frame(b"x" * 60_000))
            await asyncio.sleep(0)
        assert outbox.direct is None
        outbox.abort()
        await until_gone(receive)
        ended.set()

    async with serve(application) as port, connect(port) as peer:
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.wait_for(ended.wait(), WITHIN)
        assert overflows == [True]
        peer.writer.transport.resume_reading()  # type: ignore[attr-defined]
        # What the kernel had taken still comes; what waited in the process, the close last, does not.
        assert not (await peer.rest()).endswith((4408).to_bytes(2, "big"))


async def test_a_peer_that_reads_again_after_an_overflow_gets_the_close_code() -> None:
    overflows: list[bool] = []
    overflowed = asyncio.Event()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        outbox = opened_outbox(scope, send, overflows)
        while not overflows:
            outbox.put(Frame(b"x" * 60_000))
            await asyncio.sleep(0)
        overflowed.set()
        await until_gone(receive)

    async with serve(application) as port, connect(port) as peer:
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.wait_for(overflowed.wait(), WITHIN)
        peer.writer.transport.resume_reading()  # type: ignore[attr-defined]
        assert await peer.take(9) == text_frame(b"welcome")
        frame = text_frame(b"x" * 60_000)
        while (head := await peer.take(4)) == frame[:4]:
            assert await peer.take(60_000) == frame[4:]
        assert head == b"\x88\x02" + (4408).to_bytes(2, "big")


async def test_a_close_that_the_peer_does_not_read_is_aborted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uvicorn_protocol, "ABORT_AFTER", 0.2)
    ended = asyncio.Event()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        socket = extension_of(scope)
        socket.transport.set_write_buffer_limits(high=10**9)  # else the close would wait
        while not socket.transport.get_write_buffer_size():
            socket.write(text_frame(b"x" * 1_000_000))
            await asyncio.sleep(0)
        await send({"type": "websocket.close", "code": 4408})
        await until_gone(receive)  # said with the close
        await until_gone(receive)  # and when the connection was aborted
        ended.set()

    async with serve(application) as port, connect(port) as peer:
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.wait_for(ended.wait(), WITHIN)
        peer.writer.transport.resume_reading()  # type: ignore[attr-defined]
        assert not (await peer.rest()).endswith((4408).to_bytes(2, "big"))


async def test_full_and_writable_again_are_reported() -> None:
    changes: list[bool] = []
    drained = asyncio.Event()

    def changed(is_full: bool) -> None:
        changes.append(is_full)
        if not is_full:
            drained.set()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        socket = extension_of(scope)
        socket.watch(changed, lambda: None)
        while True not in changes:
            socket.write(text_frame(b"x" * 60_000))
            await asyncio.sleep(0)
        await until_gone(receive)

    async with serve(application) as port, connect(port) as peer:
        while not drained.is_set():
            await peer.take(60_004)
        assert changes == [True, False]


async def test_another_protocol_offers_no_extension() -> None:
    found: list[type] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        found.append(type(open_transport(scope, send)))
        await until_gone(receive)

    async with serve(application, WebSocketsSansIOProtocol) as port, connect(port):
        pass
    options = {"ws_per_message_deflate": True}
    config = uvicorn.Config(application, **options)  # type: ignore[arg-type]
    assert config.ws_per_message_deflate
    assert found == [AsgiTransport]
