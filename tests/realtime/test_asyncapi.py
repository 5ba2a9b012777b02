"""docs/asyncapi.json is what the types say, is AsyncAPI, and is what docs/protocol.md shows and a real server sends.

`asyncapi-3.0.0.schema.json.gz` is AsyncAPI's own JSON Schema (npm @asyncapi/specs 6.11.1, Apache License 2.0).
"""

from __future__ import annotations

import asyncio
import copy
import gzip
import io
import json
import re
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.core.management import call_command
from jsonschema.validators import Draft7Validator

from realtime.asyncapi import SERVER_FRAMES, asyncapi_document
from realtime.models import Notice
from realtime.protocol import frames as protocol
from tests.realtime.conftest import Scene
from tests.support.clients import Frame, Person, Socket
from tests.support.processes import ROOT, Server

COMMITTED = ROOT / "docs" / "asyncapi.json"
ASYNCAPI_SCHEMA = Path(__file__).parent / "asyncapi-3.0.0.schema.json.gz"
SENT, HEARD = "→", "←"
# What a conversation with a server cannot be made to contain within a test; the protocol's other tests have them.
RARE = {"resync", "presence.diff"}


@cache
def document() -> dict[str, Any]:
    """Return the committed document."""
    loaded: dict[str, Any] = json.loads(COMMITTED.read_text())
    return loaded


def faults(frame: Frame, direction: str) -> list[str]:
    """Return what is wrong with a frame by the document, nothing if it is as described."""
    components, commands = document()["components"], {kind.__name__ for kind in protocol.COMMAND_TYPES.values()}
    names = [
        name
        for name, message in components["messages"].items()
        if message["name"] == frame["type"] and (name in commands) == (direction == SENT)
    ]
    if len(names) != 1:
        return [f"{frame['type']} is described {len(names)} times"]
    schema = {**components["messages"][names[0]]["payload"], "components": components}
    checker = Draft7Validator(schema, format_checker=jsonschema.FormatChecker())
    known = components["schemas"][names[0]]["properties"]
    unknown = [f"{name} is not described" for name in frame if name not in known]
    return unknown + [f"{error.json_path}: {error.message}" for error in checker.iter_errors(frame)]


# --- The document -------------------------------------------------------------------------------


def test_it_is_what_the_types_say() -> None:
    out = io.StringIO()
    call_command("asyncapi", stdout=out)
    mend = "docs/asyncapi.json is not what the types say. Run: .venv/bin/python manage.py asyncapi > docs/asyncapi.json"
    assert json.loads(out.getvalue()) == document(), mend
    assert out.getvalue() == COMMITTED.read_text(), mend


def test_it_is_asyncapi() -> None:
    schema = json.loads(gzip.decompress(ASYNCAPI_SCHEMA.read_bytes()))
    checker = Draft7Validator(schema)
    assert [error.message for error in checker.iter_errors(document())] == []
    broken = copy.deepcopy(document())
    broken["operations"]["send"]["action"] = "shout"
    assert not checker.is_valid(broken)


def references(part: Any) -> Iterator[str]:
    """Yield every $ref in a part of the document."""
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from references(inner)


def test_every_reference_leads_somewhere() -> None:
    found = set(references(document()))
    assert len(found) > 50
    for reference in found:
        place: Any = document()
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def test_every_frame_is_in_it_once_and_in_an_operation() -> None:
    operations = document()["operations"].values()
    received = {ref for one in operations if one["action"] == "receive" for ref in references(one["messages"])}
    sent = {ref for one in operations if one["action"] == "send" for ref in references(one["messages"])}
    names = {kind.__name__ for kind in protocol.COMMAND_TYPES.values()}
    assert {ref.rsplit("/", 1)[1] for ref in received} == names
    assert {kind.__name__ for kind in SERVER_FRAMES} < {ref.rsplit("/", 1)[1] for ref in sent}
    assert len(sent) + len(received) == len(document()["components"]["messages"])
    assert asyncapi_document() == asyncapi_document()


def test_what_is_always_there_is_required_and_words_are_listed() -> None:
    schemas = document()["components"]["schemas"]
    assert set(schemas["Ack"]["required"]) == {"type", "action", "ref"}
    assert set(schemas["Error"]["required"]) == {"type", "code", "message", "ref"}
    assert schemas["Pong"]["required"] == ["type"]
    assert "broker" in schemas["Resync"]["properties"]["reason"]["enum"]
    assert schemas["ChatPayload"]["properties"]["kind"]["enum"] == ["discussion", "direct", "task", "bug", "epic"]
    assert set(schemas["NotificationPayload"]["properties"]["kind"]["enum"]) >= {"mention", "reply", "added"}


def test_it_names_no_section_of_a_document() -> None:
    """Clients get this file alone, and numbers of sections change."""
    assert re.findall(r"section \d", COMMITTED.read_text()) == []
    assert set(re.findall(r"\w+\.md", COMMITTED.read_text())) == {"protocol.md"}


def test_levels_of_notices_are_those_of_the_rows() -> None:
    assert [level.value for level in protocol.NoticeLevel] == Notice.Level.values


# --- docs/protocol.md ---------------------------------------------------------------------------


def shown_frames() -> list[tuple[str, Frame]]:
    """Return every frame in docs/protocol.md, and whether a client sends or hears it."""
    frames: list[tuple[str, Frame]] = []
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```", (ROOT / "docs/protocol.md").read_text(), re.M | re.S):
        if language == "json":
            frames.append((HEARD, json.loads(block)))
        for line in block.splitlines():
            if line.startswith((SENT, HEARD)):
                frames.append((line[0], json.loads(line[1:])))
    return frames


def test_frames_that_the_protocol_shows_are_frames() -> None:
    shown = shown_frames()
    assert len(shown) > 12
    for direction, frame in shown:
        assert faults(frame, direction) == [] or frame.get("ref") == "4", frame
        if direction == SENT and frame.get("ref") != "4":
            assert isinstance(protocol.decode(json.dumps(frame)), protocol.Command)


def test_the_error_that_it_shows_is_the_one_that_comes() -> None:
    shown = [frame for _, frame in shown_frames() if frame.get("ref") == "4"]
    with pytest.raises(protocol.FrameError) as caught:
        protocol.decode(json.dumps(shown[0]))
    assert (caught.value.code, caught.value.message, caught.value.field) == tuple(
        shown[1][name] for name in ("code", "message", "field")
    )


@pytest.mark.parametrize(
    ("direction", "frame"),
    [
        (SENT, {"type": "subscribe"}),
        (SENT, {"type": "subscribe", "chat_id": "no id"}),
        (SENT, {"type": "ping", "surprise": 1}),
        (SENT, {"type": "welcome"}),
        (HEARD, {"type": "error", "code": "odd", "message": "", "ref": None}),
        (HEARD, {"type": "notice", "level": "loud", "text": ""}),
        (HEARD, {"type": "chat.renamed", "chat_id": str(uuid.uuid4()), "data": {"id": "x"}}),
        (HEARD, {"type": "pong", "surprise": 1}),
    ],
)
def test_what_is_no_frame_has_faults(direction: str, frame: Frame) -> None:
    assert faults(frame, direction)


# --- A server -----------------------------------------------------------------------------------


class Recorded(Socket):
    """A socket that keeps every frame it hears."""

    heard: list[Frame]

    async def _receive(self) -> Frame:
        frame = await super()._receive()
        self.heard.append(frame)
        return frame


async def recorded(person: Person) -> Recorded:
    """Open a socket that keeps all frames, its welcome too."""
    plain = await person.connect()
    socket = Recorded(plain._connection)
    socket.heard = [plain.welcome]
    return socket


async def until_offline(asker: Person, path: str, person: Person) -> None:
    """Return once the chat shows somebody as offline; raises TimeoutError."""
    async with asyncio.timeout(20):
        while True:
            members = await asker.call("GET", f"{path}/presence")
            if not any(member["user_id"] == person.id and member["is_online"] for member in members):
                return
            await asyncio.sleep(0.1)


async def test_everything_that_a_server_says_is_described(demo_server: Server, scene: Scene) -> None:
    john, jane = await recorded(scene.john), await recorded(scene.jane)
    for socket in (john, jane):
        await socket.ask("subscribe", chat_id=scene.chat_id, since=0)
    posted = await john.post(scene.chat_id, "Hello @jane")
    await john.send("chat.typing", chat_id=scene.chat_id)
    await jane.until("chat.typing")
    await jane.ask("chat.read", chat_id=scene.chat_id, seq=posted["seq"])
    await jane.until("chat.unread")
    await jane.until("notification.new")
    await jane.until("notification.read")
    message = f"{scene.path}/messages/{posted['message_id']}"
    await scene.john.call("PATCH", message, {"body": "Hello"})
    await scene.john.call("DELETE", message)
    for change in ("close", "reopen"):
        await scene.john.call("POST", f"{scene.path}/{change}")
    await scene.john.call("PATCH", scene.path, {"title": "Renamed"})
    await scene.john.call("PATCH", f"{scene.path}/me", {"is_favourite": True})
    workspace = scene.chat["workspace_id"]
    await scene.john.call("POST", f"/workspaces/{workspace}/members", {"user_id": scene.bob.id})
    await scene.john.call("POST", f"{scene.path}/members", {"user_id": scene.bob.id})
    await scene.john.call("PATCH", f"/workspaces/{workspace}", {"name": "Renamed"})
    await scene.john.call("PATCH", f"/workspaces/{workspace}/members/{scene.bob.id}", {"role": "admin"})
    await scene.jane.call("PATCH", "/me", {"display_name": f"Jane {uuid.uuid4().hex[:6]}"})
    await scene.jane.call("PATCH", "/me", {"display_name": "Jane Doe"})
    await until_offline(scene.john, scene.path, scene.bob)  # a test before may have left Bob in his grace
    assert (await jane.ask("presence.watch", user_ids=[scene.bob.id]))["users"]
    async with await scene.bob.connect():
        await john.until("presence.changed", user_id=scene.bob.id)
        await jane.until("presence.users")
        await jane.until("presence.count")
    await scene.john.call("DELETE", f"{scene.path}/members/{scene.bob.id}")
    body = {"workspace_id": workspace, "kind": "bug", "title": "New", "member_ids": [scene.jane.id]}
    await scene.john.call("POST", "/chats", body)
    await john.until("chat.created")
    await john.ask("auth", token=scene.john.token)
    await john.ask("chat.read", chat_id=uuid.uuid4(), seq=1)
    await john.send_raw("{")
    await john.ask("ping")
    await john.ask("ping", surprise=1)
    demo_server.manage("broadcast", "Hello, all", "--level", "error")
    await john.until("notice")
    await john.ask("unsubscribe", chat_id=scene.chat_id)
    await scene.john.call("DELETE", scene.path)
    await jane.until("chat.deleted")
    await scene.john.call("DELETE", f"/workspaces/{workspace}/members/{scene.bob.id}")
    await jane.until("workspace.member_removed")
    await scene.john.call("DELETE", f"/workspaces/{workspace}")
    await jane.until("workspace.deleted")
    heard = [*john.heard, *jane.heard]
    for socket in (john, jane):
        await socket.close()
    for frame in heard:
        assert faults(frame, HEARD) == [], frame
    described = {message["name"] for message in document()["components"]["messages"].values()}
    commands = set(protocol.COMMAND_TYPES) - {"chat.typing"}
    assert described - commands - RARE == {frame["type"] for frame in heard} - RARE
    assert {frame["action"] for frame in heard if frame["type"] == "ack"} == {
        *("subscribed", "unsubscribed", "posted", "read", "watching", "authenticated")
    }
