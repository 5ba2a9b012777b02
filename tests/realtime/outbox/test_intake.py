"""What a peer may send through a real uvicorn: at the pace of the application, and no floods of what it never sees."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

import pytest

from realtime.outbox import uvicorn_protocol
from realtime.outbox.uvicorn_protocol import CONTROL_FRAMES_BURST, PARSE_SIZE, PreframedProtocol
from tests.realtime.outbox.uvicorn_peer import WITHIN, Peer, connect, extension_of, fill, serve, until_gone

TEXT, PING, PONG, CONTINUED = 0x1, 0x9, 0xA, 0x0


def masked(opcode: int, payload: bytes = b"", *, is_last: bool = True) -> bytes:
    """Return a short frame, masked with zeros as a client may."""
    return bytes((0x80 * is_last | opcode, 0x80 | len(payload))) + bytes(4) + payload


async def close_code(peer: Peer) -> int:
    """Return the code that the server closes with; pongs before it are passed over."""
    end = await peer.rest()
    (code,) = struct.unpack("!H", end[-2:])
    return int(code)


async def test_a_burst_is_received_in_order_at_the_pace_of_the_application() -> None:
    number = 5 * PARSE_SIZE // 12  # frames of 11 and 12 bytes
    taken: list[int] = []
    most_waiting = 0
    done = asyncio.Event()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        nonlocal most_waiting
        await receive()
        await send({"type": "websocket.accept"})
        protocol = extension_of(scope)
        while len(taken) < number:
            taken.append(int((await receive())["text"]))
            most_waiting = max(most_waiting, protocol.queue.qsize())
            if len(taken) % 100 == 0:
                await asyncio.sleep(0.001)
        done.set()
        await until_gone(receive)

    async with serve(application) as port, connect(port) as peer:
        peer.writer.write(b"".join(masked(TEXT, f"{index:05}".encode()) for index in range(number)))
        await asyncio.wait_for(done.wait(), WITHIN)
        peer.send(0x8, (1000).to_bytes(2, "big"))
        assert await close_code(peer) == 1000
    assert taken == list(range(number))
    assert most_waiting <= PARSE_SIZE // 11 + 1


@pytest.mark.parametrize("opcode", [PING, PONG, CONTINUED])
async def test_control_frames_and_fragments_are_limited(opcode: int) -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await until_gone(receive)

    async with serve(application) as port, connect(port) as peer:
        if opcode == CONTINUED:
            peer.writer.write(masked(TEXT, is_last=False))
        peer.writer.write(masked(opcode, is_last=opcode != CONTINUED) * (2 * CONTROL_FRAMES_BURST))
        assert await close_code(peer) == 4429
    async with serve(application) as port, connect(port) as peer:
        peer.writer.write(masked(TEXT, b"x", is_last=False) + masked(CONTINUED, b"x" * 100, is_last=False) * 500)
        peer.writer.write(masked(CONTINUED) + masked(PING, b"here"))
        assert await peer.take(6) == bytes((0x80 | PONG, 4)) + b"here"


async def test_pongs_for_a_peer_that_does_not_read_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uvicorn_protocol, "CONTROL_FRAMES_BURST", 10**6)
    unsent: list[int] = []
    full = asyncio.Event()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        protocol = extension_of(scope)
        await fill(protocol)
        unsent.append(protocol.transport.get_write_buffer_size())
        full.set()
        await receive()  # after the pings
        unsent.append(protocol.transport.get_write_buffer_size())
        protocol.abort()

    async with serve(application) as port, connect(port) as peer:
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.wait_for(full.wait(), WITHIN)
        peer.writer.write(masked(PING, b"x" * 125) * 5_000 + masked(TEXT, b"done"))
        while len(unsent) < 2:  # noqa: ASYNC110  (the test's own time-out ends it)
            await asyncio.sleep(0.01)
    assert unsent[1] <= unsent[0]


@pytest.mark.parametrize("end", ["silence", "goodbye"])
async def test_unread_bytes_do_not_keep_a_connection_open(end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transport that closes waits for the peer to take the rest: for ever, if it says so."""
    monkeypatch.setattr(uvicorn_protocol, "ABORT_AFTER", 0.2)
    protocols: list[PreframedProtocol] = []
    full, ended = asyncio.Event(), asyncio.Event()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        protocol = extension_of(scope)
        await fill(protocol)
        protocols.append(protocol)
        full.set()
        await until_gone(receive)
        ended.set()

    options: dict[str, Any] = {"ws_ping_interval": 0.1, "ws_ping_timeout": 0.1} if end == "silence" else {}
    async with serve(application, **options) as port, connect(port) as peer:
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.wait_for(full.wait(), WITHIN)
        if end == "goodbye":
            peer.send(0x8, (1000).to_bytes(2, "big"))
        await asyncio.wait_for(ended.wait(), WITHIN)
        async with asyncio.timeout(WITHIN):
            while not protocols[0].disconnected:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


@pytest.mark.parametrize("head", [f"Cookie: {'x' * 9_000}", "\r\n".join(f"X-{n}: y" for n in range(300))])
async def test_a_handshake_that_is_too_large_is_refused(head: str) -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("There is no handshake.")

    async with serve(application) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        request = (
            f"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {'A' * 22}==\r\nSec-WebSocket-Version: 13\r\n{head}\r\n\r\n"
        )
        writer.write(request.encode())
        answer = await asyncio.wait_for(reader.read(-1), WITHIN)
        writer.close()
    assert answer.startswith(b"HTTP/1.1 431 ")
