"""Hostile and broken clients: each gets its answer, nobody else feels it."""

from __future__ import annotations

import contextlib
import json
import socket as stdlib_socket
import uuid

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from tests.realtime.conftest import Scene
from tests.support.clients import Person, Socket
from tests.support.processes import Server


async def test_bad_frames_are_answered_and_the_socket_goes_on(scene: Scene) -> None:
    frames = {
        "{": "bad_frame",
        "[1, 2]": "bad_frame",
        "[" * 10_000: "bad_frame",
        '{"type": "nope"}': "unknown_type",
        '{"type": {}}': "invalid",
        json.dumps({"type": "subscribe", "chat_id": "'" * 50}): "invalid",
        json.dumps({"type": "chat.read", "chat_id": scene.chat_id, "seq": 2**70}): "invalid",
        json.dumps({"type": "chat.message.post", "chat_id": scene.chat_id, "body": ["x"], "client_id": "y"}): "invalid",
        '{"type": "chat.message.post", "body": "\\ud800"}': "invalid",
        '{"type": "chat.message.post", "body": "\\ud800"': "bad_frame",
        json.dumps({"type": "ping", "ref": "x" * 101}): "too_long",
    }
    async with await scene.john.subscribe(scene.chat_id) as john:
        for text, code in frames.items():
            await john.send_raw(text)
            answer = await john.receive()
            assert (answer["type"], answer["code"]) == ("error", code), text[:80]
        assert (await john.post(scene.chat_id, "still here"))["action"] == "posted"


async def test_a_binary_frame_closes_with_1003(scene: Scene) -> None:
    socket = await scene.john.connect()
    await socket.send_raw(b"\x00\x01")
    assert await socket.closed() == 1003


async def test_a_frame_of_a_megabyte_closes_with_1009_and_nobody_else_notices(scene: Scene) -> None:
    async with await scene.jane.subscribe(scene.chat_id) as jane:
        socket = await scene.john.connect()
        with contextlib.suppress(ConnectionClosed):  # the server may close while the rest is still on its way
            await socket.send_raw(json.dumps({"type": "ping", "ref": "x" * 1_000_000}))
        assert await socket.closed() == 1009
        await scene.john.call("POST", f"{scene.path}/messages", {"body": "hi"})
        assert await jane.until("chat.message.posted")


async def test_many_bad_frames_are_closed_with_4400_after_the_last_answer(scene: Scene) -> None:
    socket = await scene.john.connect()
    answers = 0
    with contextlib.suppress(ConnectionClosed):
        for _ in range(200):
            await socket.send_raw("nonsense")
            assert (await socket.receive())["code"] == "bad_frame"
            answers += 1
    assert await socket.closed() == 4400
    assert answers > 10


@pytest.mark.usefixtures("processes")
async def test_too_many_frames_are_refused_and_a_flood_is_closed() -> None:
    settings = {"FLOWRA_FRAMES_PER_SECOND": "1", "FLOWRA_FRAMES_BURST": "5"}
    with Server(settings, demo=True) as server:
        john = await Person.sign_in(server.base_url, "john")
        socket = await john.connect()
        for _ in range(5):
            assert (await socket.ask("ping"))["type"] == "pong"
        error = await socket.ask("ping")
        assert error["code"] == "rate_limited"
        assert 0 < error["retry_after"] <= 1
        assert await flood(socket) == 4429


async def flood(socket: Socket) -> int:
    """Send pings until the server has had enough, and return its close code."""
    with contextlib.suppress(ConnectionClosed):
        for _ in range(1_000):
            await socket.send("ping")
    return await socket.closed()


@pytest.mark.usefixtures("processes")
async def test_posting_too_fast_is_refused_but_a_repeated_post_is_answered() -> None:
    with Server({"FLOWRA_POSTS_PER_SECOND": "0.01", "FLOWRA_POSTS_BURST": "2"}, demo=True) as server:
        john = await Person.sign_in(server.base_url, "john")
        chat = (await john.call("GET", "/chats?kind=task"))["results"][0]
        async with await john.connect() as socket:
            client_id = uuid.uuid4()
            first = await socket.post(chat["id"], "one", client_id=client_id)
            await socket.post(chat["id"], "two")
            assert (await socket.post(chat["id"], "three"))["code"] == "rate_limited"
            again = await socket.post(chat["id"], "one", client_id=client_id)
            assert again["message_id"] == first["message_id"]


@pytest.mark.usefixtures("processes")
async def test_typing_can_be_switched_off() -> None:
    with Server({"FLOWRA_TYPING_ENABLED": "false"}, demo=True) as server:
        john = await Person.sign_in(server.base_url, "john")
        async with await john.connect() as socket:
            assert socket.welcome["typing_enabled"] is False
            assert (await socket.ask("chat.typing", chat_id=uuid.uuid4()))["code"] == "disabled"


@pytest.mark.usefixtures("processes")
async def test_one_connection_has_a_bounded_number_of_subscriptions() -> None:
    with Server({"FLOWRA_SUBSCRIPTIONS_PER_CONNECTION": "1"}, demo=True) as server:
        john = await Person.sign_in(server.base_url, "john")
        one, two = [chat["id"] for chat in (await john.call("GET", "/chats"))["results"][:2]]
        async with await john.connect() as socket:
            assert (await socket.ask("subscribe", chat_id=one))["type"] == "ack"
            assert (await socket.ask("subscribe", chat_id=one))["type"] == "ack"
            refused = await socket.ask("subscribe", chat_id=two)
            assert (refused["code"], refused["chat_id"], "retry_after" in refused) == ("too_many", two, False)
            await socket.ask("unsubscribe", chat_id=one)
            assert (await socket.ask("subscribe", chat_id=two))["type"] == "ack"


@pytest.mark.usefixtures("processes")
async def test_a_client_that_stops_reading_is_dropped_and_delays_nobody() -> None:
    with Server({"FLOWRA_OUTBOX_BYTES": "400000", "FLOWRA_RATE_LIMITS": "false"}, demo=True) as server:
        john, jane = [await Person.sign_in(server.base_url, name) for name in ("john", "jane")]
        chat = (await john.call("GET", "/chats?kind=task"))["results"][0]
        stalled = await jane.subscribe(chat["id"])
        stalled.stop_reading()
        async with await jane.subscribe(chat["id"]) as hears, await john.connect() as socket:
            for number in range(1_000):
                ack = await socket.post(chat["id"], f"{number} " + "😀" * 9_000)
                assert ack["action"] == "posted"
                assert (await hears.until("chat.message.posted"))["data"]["seq"] == ack["seq"]
                if number % 5 == 0 and await closed_as_slow(server):
                    break
        assert await closed_as_slow(server)
        await stalled.vanish()


@pytest.mark.usefixtures("processes")
async def test_a_catch_up_larger_than_the_outbox_is_sent_whole() -> None:
    """Else a few long messages would lock out everybody who was away: closed with 4408, back again, closed again."""
    with Server({"FLOWRA_OUTBOX_BYTES": "400000", "FLOWRA_RATE_LIMITS": "false"}, demo=True) as server:
        john, jane = [await Person.sign_in(server.base_url, name) for name in ("john", "jane")]
        chat = (await john.call("GET", "/chats?kind=task"))["results"][0]
        async with await john.connect() as socket:
            acks = [await socket.post(chat["id"], f"{number} " + "😀" * 9_900) for number in range(100)]
        # As over a real network, where the kernel takes a little at a time, and not megabytes at once.
        narrow = stdlib_socket.socket()
        narrow.setsockopt(stdlib_socket.SOL_SOCKET, stdlib_socket.SO_RCVBUF, 16_384)
        narrow.connect(("127.0.0.1", server.port))
        async with await jane.connect(sock=narrow) as socket:
            await socket.send("subscribe", ref="x", chat_id=chat["id"], since=chat["revision"])
            for ack in acks:
                assert (await socket.until("chat.message.posted"))["data"]["seq"] == ack["seq"]
            assert (await socket.until("ack", ref="x"))["revision"] == acks[-1]["revision"]
            again = await socket.post(chat["id"], "here")
            assert (await socket.until("chat.message.posted"))["data"]["seq"] == again["seq"]


async def closed_as_slow(server: Server) -> bool:
    """Whether the server's metrics count a socket that was closed with 4408."""
    metrics = await fetch_text(f"{server.base_url}/metrics")
    return 'flowra_sockets_closed_total{code="4408"} 1.0' in metrics


async def fetch_text(url: str) -> str:
    """Return the text at `url`."""
    async with httpx.AsyncClient() as http:
        return (await http.get(url)).raise_for_status().text


@pytest.mark.usefixtures("processes")
async def test_a_peer_that_stopped_answering_pings_is_dropped() -> None:
    fast = {"FLOWRA_PING_INTERVAL": "1", "FLOWRA_PONG_TIMEOUT": "1", "FLOWRA_RATE_LIMITS": "false"}
    with Server(fast, demo=True) as server:
        john = await Person.sign_in(server.base_url, "john")
        silent = await john.connect()
        async with await john.connect() as answers:
            assert "flowra_connections 2.0" in await fetch_text(f"{server.base_url}/metrics")
            silent.stop_reading()
            while "flowra_connections 1.0" not in await fetch_text(f"{server.base_url}/metrics"):
                assert (await answers.ask("ping"))["type"] == "pong"
        await silent.vanish()
