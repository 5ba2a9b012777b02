"""The socket as an AsyncAPI 3 document, made from the structs in realtime/protocol/frames.py and the payloads in them.

Operations are seen from the server, as AsyncAPI has it: it receives commands and sends frames. A test holds
docs/asyncapi.json, and every frame that docs/protocol.md shows, to what is made here.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

import msgspec
from django.conf import settings

from chats.payload_types import (
    ChatCreatedPayload,
    ChatPayload,
    ChatSettingsPayload,
    MemberPayload,
    MePayload,
    MessagePayload,
    NotificationPayload,
    RolePayload,
    UserStatePayload,
    WorkspaceNamePayload,
)
from realtime.frames.chats import CHAT_FRAME_TYPES
from realtime.protocol import frames as protocol
from realtime.protocol import people
from realtime.protocol.frames import Command, ServerFrame

Document = dict[str, Any]

VERSION = "3.0.0"
CHANNEL = "socket"
SCHEMA_REF = "#/components/schemas/{name}"
SERVER_FRAMES: tuple[type[ServerFrame], ...] = tuple(ServerFrame.__subclasses__())
# What `data` is in the frames of protocol.ChatFrame, by how their type goes on after "chat.".
_CHAT_DATA: dict[str, type] = {
    "message": MessagePayload,
    "created": ChatCreatedPayload,
    "member_added": MemberPayload,
    "member_removed": MemberPayload,
}
# And in the other frames that have one.
_DATA: dict[type[ServerFrame], type] = {
    protocol.NotificationNew: NotificationPayload,
    people.UserChanged: UserStatePayload,
    people.MeChanged: MePayload,
    people.ChatSettings: ChatSettingsPayload,
    people.WorkspaceChanged: WorkspaceNamePayload,
    people.WorkspaceDeleted: WorkspaceNamePayload,
    people.WorkspaceMemberAdded: RolePayload,
    people.WorkspaceMemberRemoved: RolePayload,
    people.WorkspaceRoleChanged: RolePayload,
}
_ANSWERED_BY = {"ping": ("pong",), "chat.typing": ("error",)}  # else "ack" or "error"


def asyncapi_document() -> Document:
    """Return the document, ready for JSON; the same for the same version of Flowra."""
    schemas = _schemas()
    commands = {kind.__name__: _message(kind) for kind in protocol.COMMAND_TYPES.values()}
    frames = {kind.__name__: _message(kind) for kind in SERVER_FRAMES}
    for type_name in sorted(set(CHAT_FRAME_TYPES.values())):
        name = _message_name(type_name)
        schemas[name] = _chat_frame(type_name)
        frames[name] = _described(name, type_name, "")
    messages = {**commands, **frames}
    return {
        "asyncapi": VERSION,
        "info": {
            "title": f"Flowra: the socket, {protocol.SUBPROTOCOL}",
            "version": settings.FLOWRA_VERSION,
            "description": "Made from realtime/protocol/frames.py. docs/protocol.md tells how the frames go together.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "here": {
                "host": "localhost:8000",
                "protocol": "ws",
                "description": "The demo. In production wss, at the host of the pages.",
                "security": [{"$ref": f"#/components/securitySchemes/{name}"} for name in _SECURITY],
            }
        },
        "channels": {
            CHANNEL: {
                "address": "/ws/",
                "description": "One socket for all chats of its user. The first frame is welcome.",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
                "bindings": {"ws": {"method": "GET"}},
            }
        },
        "operations": {
            **{f"on{name}": _receive(name, kind["name"]) for name, kind in commands.items()},
            "send": {
                "action": "send",
                "channel": {"$ref": f"#/channels/{CHANNEL}"},
                "summary": "What the server tells.",
                "messages": _in_channel(frames),
            },
        },
        "components": {"securitySchemes": _SECURITY, "messages": messages, "schemas": schemas},
    }


_SECURITY: Document = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "API clients. A page on another origin sends it as the subprotocol bearer.<token>.",
    },
    "session": {
        "type": "httpApiKey",
        "in": "cookie",
        "name": settings.SESSION_COOKIE_NAME,
        "description": "The bundled page.",
    },
}


def _schemas() -> Document:
    """Return the schemas of all commands, frames and payloads, by name."""
    kinds = [*protocol.COMMAND_TYPES.values(), *SERVER_FRAMES, ChatPayload, *_CHAT_DATA.values()]
    _, schemas = msgspec.json.schema_components([*kinds, *set(_DATA.values())], ref_template=SCHEMA_REF)
    made: Document = dict(schemas)
    for frame, payload in _DATA.items():
        made[frame.__name__]["properties"]["data"] = _reference(payload)
    for kind in SERVER_FRAMES:
        always = [field.name for field in msgspec.structs.fields(kind) if field.default is not msgspec.UNSET]
        made[kind.__name__]["required"] = ["type", *always]
    for schema in made.values():
        # The type's only value: what tells frames apart.
        kind = schema.get("properties", {}).get("type", {})
        if len(kind.get("enum", ())) == 1:
            schema["properties"]["type"] = {"const": kind["enum"][0]}
    return dict(sorted(made.items()))


def _chat_frame(type_name: str) -> Document:
    """Return the schema of one type of protocol.ChatFrame."""
    after = type_name.removeprefix("chat.").split(".")[0]
    fields = [field.name for field in msgspec.structs.fields(protocol.ChatFrame)]
    known: Document = {
        "type": {"const": type_name},
        "chat_id": {"type": "string", "format": "uuid"},
        "data": _reference(_CHAT_DATA.get(after, ChatPayload)),
    }
    return {
        "title": _message_name(type_name),
        "type": "object",
        "properties": {name: known[name] for name in fields},
        "required": fields,
    }


def _message(kind: type[Command] | type[ServerFrame]) -> Document:
    # inspect.getdoc would give the base's where a frame has none of its own.
    summary = inspect.cleandoc(kind.__dict__.get("__doc__") or "")
    return _described(kind.__name__, str(kind.__struct_config__.tag), summary)


def _described(name: str, type_name: str, summary: str) -> Document:
    message: Document = {"name": type_name, "payload": {"$ref": SCHEMA_REF.format(name=name)}}
    return {**message, "summary": summary} if summary else message


def _receive(name: str, type_name: str) -> Document:
    answers = [_frame_name(answer) for answer in _ANSWERED_BY.get(type_name, ("ack", "error"))]
    return {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{CHANNEL}"},
        "messages": _in_channel([name]),
        "reply": {"channel": {"$ref": f"#/channels/{CHANNEL}"}, "messages": _in_channel(answers)},
    }


def _in_channel(names: Iterable[str]) -> list[Document]:
    return [{"$ref": f"#/channels/{CHANNEL}/messages/{name}"} for name in names]


def _frame_name(type_name: str) -> str:
    return next(kind.__name__ for kind in SERVER_FRAMES if kind.__struct_config__.tag == type_name)


def _message_name(type_name: str) -> str:
    """Return "ChatMemberAdded" for "chat.member_added"."""
    return "".join(word.capitalize() for word in type_name.replace("_", ".").split("."))


def _reference(kind: type) -> Document:
    return {"$ref": SCHEMA_REF.format(name=kind.__name__)}
