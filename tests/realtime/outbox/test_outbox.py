"""The outbox against a server's `send` that can be made to wait."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

from presence.changes import PresenceEntry
from realtime import metrics
from realtime.frames.presence import presence_event
from realtime.outbox.frame import Frame
from realtime.outbox.outbox import Outbox
from realtime.outbox.presence import fold, portions
from realtime.outbox.transports import AsgiTransport
from realtime.protocol import frames
from realtime.protocol.frames import CloseCode, Priority

EMOJI = "\N{GRINNING FACE}"


class Socket:
    """Stands for the server's side of a socket: takes frames while `writable` is set, as uvicorn does."""

    def __init__(self) -> None:
        self.writable = asyncio.Event()
        self.writable.set()
        self.is_gone = False
        self.taken: list[Any] = []

    async def send(self, message: dict[str, Any]) -> None:
        await self.writable.wait()
        if self.is_gone:
            raise OSError("gone")
        self.taken.append(message.get("text", message.get("code")))


def make(limit: int = 1_000) -> tuple[Socket, Outbox, list[str]]:
    """Return a socket, its opened outbox and the list that notes an overflow."""
    socket, overflows = Socket(), []
    outbox = Outbox(AsgiTransport(socket.send), limit=limit, overflowed=lambda: overflows.append("overflow"))
    outbox.open(Frame(b"welcome"))
    return socket, outbox, overflows


async def drained() -> None:
    """Return when no `send` waits any more; each that does is a task."""
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others)


def shed(kind: str) -> float:
    """Return how many frames of a kind /metrics says were dropped."""
    counted: float = metrics.frames_shed.labels(kind)._value.get()
    return counted


async def test_frames_are_sent_at_once_without_a_task() -> None:
    socket, outbox, _ = make()
    before = len(asyncio.all_tasks())
    outbox.put(Frame(b"a"))
    assert socket.taken == ["welcome", "a"]
    assert len(asyncio.all_tasks()) == before


async def test_order_holds_while_the_socket_waits() -> None:
    socket, outbox, _ = make()
    socket.writable.clear()
    for text in "abc":
        outbox.put(Frame(text.encode()))
    assert socket.taken == ["welcome"]
    socket.writable.set()
    await drained()
    assert socket.taken == ["welcome", *"abc"]
    outbox.put(Frame(b"d"))
    assert socket.taken[-1] == "d"


async def test_what_came_before_the_welcome_follows_it() -> None:
    socket = Socket()
    outbox = Outbox(AsgiTransport(socket.send), limit=100, overflowed=lambda: None)
    outbox.put(Frame(b"early"))
    assert socket.taken == []
    outbox.open(Frame(b"welcome"))
    assert socket.taken == ["welcome", "early"]


async def test_a_full_outbox_drops_typing_first() -> None:
    socket, outbox, overflows = make(limit=30)
    before = shed("typing")
    socket.writable.clear()
    outbox.put(Frame(b"stuck"))
    outbox.put(Frame(b"t" * 12, Priority.TYPING))
    outbox.put(Frame(b"m" * 12))
    outbox.put(Frame(b"n" * 12))
    assert not overflows
    assert shed("typing") == before + 1
    socket.writable.set()
    await drained()
    assert socket.taken == ["welcome", "stuck", "m" * 12, "n" * 12]


def change(kind: str, message: str, revision: int, size: int = 100) -> Frame:
    """Return a frame of a changed message."""
    data = {"id": message, "revision": revision, "html": "x" * size}
    return Frame(frames.encode(frames.ChatFrame(type=f"chat.message.{kind}", chat_id="chat", data=data)))


async def test_a_full_outbox_keeps_the_last_edit_of_a_message() -> None:
    """Whoever edits a large message again and again throws nobody out."""
    socket, outbox, overflows = make(limit=1_000)
    before = shed("edited")
    socket.writable.clear()
    outbox.put(Frame(b"stuck"))
    outbox.put(change("posted", "one", 1))
    outbox.put(change("edited", "two", 2))
    for revision in range(3, 200):
        outbox.put(change("edited", "one", revision))
    outbox.put(change("deleted", "two", 200))
    outbox.put(change("edited", "one", 201, size=300))
    assert not overflows
    socket.writable.set()
    await drained()
    received = [json.loads(text) for text in socket.taken[2:]]
    assert (received[0]["type"], received[0]["data"]["revision"]) == ("chat.message.posted", 1)
    assert [frame["data"]["revision"] for frame in received] == sorted(frame["data"]["revision"] for frame in received)
    assert received[-2]["type"] == "chat.message.deleted"
    assert received[-1]["data"]["revision"] == 201
    assert shed("edited") == before + 201 - len(received)
    assert len(received) < 7


async def test_edits_of_different_messages_are_all_kept() -> None:
    socket, outbox, overflows = make(limit=1_000)
    socket.writable.clear()
    outbox.put(Frame(b"stuck"))
    for revision in range(20):
        outbox.put(change("edited", f"message {revision}", revision))
    assert overflows == ["overflow"]
    socket.writable.set()


async def test_a_full_outbox_keeps_the_latest_presence() -> None:
    chat, jane = uuid.uuid4(), uuid.uuid4()

    def presence(version: int) -> Frame:
        change = PresenceEntry(
            user_id=jane, display_name="Jane", is_online=bool(version % 2), last_seen=None, version=version
        )
        event = presence_event(chat, [change], online_count=version % 2, access_version=0)
        return Frame(event.payload, Priority(event.priority))

    socket, outbox, overflows = make(limit=1_000)
    before = shed("presence")
    socket.writable.clear()
    outbox.put(Frame(b"stuck"))
    for version in range(1, 200):
        outbox.put(presence(version))
    assert not overflows
    socket.writable.set()
    await drained()
    received = [json.loads(text) for text in socket.taken[2:]]
    assert len(received) < 7
    assert shed("presence") == before + 199 - len(received)
    last = received[-1]
    entries = [*last["online"], *last["offline"]] if last["type"] == "presence.diff" else [last]
    assert [entry["version"] for entry in entries] == [199]
    assert last["online_count"] == 1


async def test_what_cannot_be_dropped_overflows_once_and_memory_stays_bounded() -> None:
    socket, outbox, overflows = make(limit=100)
    socket.writable.clear()
    for _ in range(1_000):
        outbox.put(Frame(b"x" * 50))
    assert overflows == ["overflow"]
    assert outbox.queued_bytes == 0
    socket.writable.set()
    await drained()
    assert socket.taken == ["welcome", "x" * 50, 4408]


async def test_the_bound_is_in_bytes_not_in_characters() -> None:
    socket, outbox, overflows = make(limit=100)
    socket.writable.clear()
    outbox.put(Frame(b"stuck"))
    outbox.put(Frame("😀".encode() * 25))
    assert (outbox.queued_bytes, overflows) == (100, [])
    outbox.put(Frame("é".encode()))
    assert overflows == ["overflow"]


async def test_close_comes_after_what_is_queued_and_nothing_after_it() -> None:
    socket, outbox, _ = make()
    socket.writable.clear()
    outbox.put(Frame(b"last"))
    outbox.close(CloseCode.RESTART)
    outbox.put(Frame(b"late"))
    outbox.close(CloseCode.NORMAL)
    socket.writable.set()
    await drained()
    assert socket.taken == ["welcome", "last", 1012]


async def test_before_the_welcome_only_the_close_is_sent() -> None:
    socket = Socket()
    outbox = Outbox(AsgiTransport(socket.send), limit=100, overflowed=lambda: None)
    outbox.put(Frame(b"early"))
    outbox.close(CloseCode.UNAUTHENTICATED)
    assert socket.taken == [4401]


async def test_wait_writable_returns_when_there_is_room_or_the_outbox_is_closed() -> None:
    socket, outbox, _ = make()
    socket.writable.clear()
    outbox.put(Frame(b"stuck"))
    outbox.put(Frame(b"x" * 10))
    waits = asyncio.create_task(outbox.wait_writable(9))
    await outbox.wait_writable(10)
    assert not waits.done()
    socket.writable.set()
    await asyncio.wait_for(waits, 5)
    assert socket.taken == ["welcome", "stuck", "x" * 10]
    socket.writable.clear()
    outbox.put(Frame(b"stuck"))
    outbox.put(Frame(b"y"))
    waits = asyncio.create_task(outbox.wait_writable(0))
    await asyncio.sleep(0)
    outbox.detach()
    await asyncio.wait_for(waits, 5)


async def test_a_lost_peer_closes_the_outbox() -> None:
    socket, outbox, _ = make()
    socket.is_gone = True
    outbox.put(Frame(b"a"))
    assert outbox.is_closed
    outbox.put(Frame(b"b"))
    assert socket.taken == ["welcome"]


async def test_a_peer_that_is_lost_while_a_frame_waits_closes_the_outbox() -> None:
    socket, outbox, _ = make()
    socket.writable.clear()
    outbox.put(Frame(b"a"))
    outbox.put(Frame(b"b"))
    socket.is_gone = True
    socket.writable.set()
    await drained()
    assert outbox.is_closed
    assert outbox.queued_bytes == 0


async def test_a_send_that_waits_is_cancelled_when_the_connection_has_ended() -> None:
    socket, outbox, _ = make()
    socket.writable.clear()
    outbox.put(Frame(b"a"))
    outbox.detach()
    await drained()
    socket.writable.set()
    assert socket.taken == ["welcome"]


async def test_a_resync_replaces_a_frame_that_is_larger_than_the_bound() -> None:
    socket, outbox, overflows = make(limit=1_000)
    outbox.put(Frame(b"x" * 1_000))
    outbox.put(Frame(b"x" * 1_001))
    outbox.put(Frame("é".encode() * 501))
    socket.writable.clear()
    outbox.put(Frame(b"stuck"))
    outbox.put(Frame(b"x" * 5_000_000))
    assert outbox.queued_bytes < 100
    socket.writable.set()
    await drained()
    kinds = ["welcome", "x" * 1_000, "resync", "resync", "stuck", "resync"]
    assert [json.loads(text)["type"] if text[0] == "{" else text for text in socket.taken] == kinds
    assert {json.loads(text)["reason"] for text in socket.taken if text[0] == "{"} == {"too_large"}
    assert overflows == []


async def test_presence_that_is_folded_still_fits_frames() -> None:
    """Of a chat with thousands of people, who all come back at once."""
    chat, users = uuid.uuid4(), [uuid.uuid4() for _ in range(1_000)]
    changes = [
        PresenceEntry(user_id=user, display_name=EMOJI * 80, is_online=True, last_seen=None, version=1)
        for user in users
    ]
    payloads = [presence_event(chat, some, online_count=1_000, access_version=0).payload for some in portions(changes)]
    folded = fold(payloads)
    assert max(len(payload) for payload in [*payloads, *folded]) < 320 * 1024
    received = [entry["user_id"] for payload in folded for entry in json.loads(payload)["online"]]
    assert received == [str(user) for user in users]
