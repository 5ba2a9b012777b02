"""The wire protocol `flowra.v1`: every frame as a typed struct, error codes, close codes.

Imports neither Django nor Channels, does no I/O. `decode` turns what a client sent into a command or raises
FrameError, which has the fields of the `error` frame; `encode` turns a server frame into JSON.
"""

from __future__ import annotations

import enum
import re
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from presence.changes import PresenceEntry
from realtime.protocol.surrogates import has_half, read_members, without_halves

SUBPROTOCOL = "flowra.v1"
TOKEN_PREFIX = "bearer."  # noqa: S105  (of a subprotocol that carries an access token)
REF_MAX_LENGTH = 100
WATCHED_MOST = 500  # people whom one connection watches
_MAX_COUNTER = 2**63 - 1  # what the database's counters hold


class ErrorCode(enum.StrEnum):
    """What an `error` frame says in `code`."""

    BAD_FRAME = "bad_frame"
    UNKNOWN_TYPE = "unknown_type"
    INVALID = "invalid"
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate_limited"
    TOO_MANY = "too_many"
    TOO_LONG = "too_long"
    CLOSED = "closed"
    DISABLED = "disabled"
    INTERNAL = "internal"


class CloseCode(enum.IntEnum):
    """Why the server closes a socket."""

    NORMAL = 1000
    GOING_AWAY = 1001
    BINARY = 1003
    INTERNAL = 1011
    RESTART = 1012
    TOO_MANY = 1013
    ABUSE = 4400
    UNAUTHENTICATED = 4401
    SLOW_CONSUMER = 4408
    FLOOD = 4429


# --- Client to server ---------------------------------------------------------------------------

Ref = Annotated[str, Meta(max_length=REF_MAX_LENGTH)]
Counter = Annotated[int, Meta(ge=0, le=_MAX_COUNTER)]


class Command(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """Base of what a client may send; `ref` comes back in the answer."""

    ref: Ref | None = None


class Subscribe(Command, frozen=True, tag="subscribe"):
    chat_id: UUID
    since: Counter | None = None
    background: bool = False  # without presence and typing


class Unsubscribe(Command, frozen=True, tag="unsubscribe"):
    chat_id: UUID


class Post(Command, frozen=True, tag="chat.message.post"):
    chat_id: UUID
    body: str
    client_id: UUID
    reply_to: UUID | None = None


class TypingCommand(Command, frozen=True, tag="chat.typing"):
    chat_id: UUID
    is_typing: bool = True


class Read(Command, frozen=True, tag="chat.read"):
    chat_id: UUID
    seq: Counter


class PresenceWatch(Command, frozen=True, tag="presence.watch"):
    user_ids: Annotated[list[UUID], Meta(max_length=WATCHED_MOST)]


class Auth(Command, frozen=True, tag="auth"):
    token: str


class Ping(Command, frozen=True, tag="ping"):
    pass


AnyCommand = Subscribe | Unsubscribe | Post | TypingCommand | Read | PresenceWatch | Auth | Ping
COMMAND_TYPES: dict[str, type[Command]] = {str(kind.__struct_config__.tag): kind for kind in get_args(AnyCommand)}


class FrameError(Exception):
    """A command that cannot be carried out; becomes an `error` frame."""

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        field: str | None = None,
        ref: str | None = None,
        chat_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.ref = ref
        self.chat_id = chat_id
        self.retry_after = retry_after


_decoder = msgspec.json.Decoder(AnyCommand)
_FIELD = re.compile(r"`\$\.(\w+)|field `(\w+)`")


def decode(text: str) -> AnyCommand:
    """Return the command in a text frame; raises FrameError, whatever the text is."""
    try:
        command: AnyCommand = _decoder.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError) as error:
        raise _explain(text, error) from None
    return command


def _explain(text: str, error: Exception) -> FrameError:
    """Return what is wrong with a frame that did not decode, with its `ref` and `chat_id` if it has any."""
    try:
        frame = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        half = _explain_half(text)
        if half is not None:
            return half
        return FrameError(ErrorCode.BAD_FRAME, "A frame must be one JSON object; this is no valid JSON.")
    if not isinstance(frame, dict):
        return FrameError(ErrorCode.BAD_FRAME, f"A frame must be a JSON object, not {_kind(frame)}.")
    ref, chat_id, kind = frame.get("ref"), frame.get("chat_id"), frame.get("type")
    context: dict[str, Any] = {"ref": _repeatable(ref), "chat_id": _repeatable(chat_id)}
    if isinstance(ref, str) and len(ref) > REF_MAX_LENGTH:
        message = f"ref has {len(ref):,} characters; at most {REF_MAX_LENGTH} are allowed."
        return FrameError(ErrorCode.TOO_LONG, message, field="ref", **context)
    if not isinstance(kind, str):
        problem = "is missing" if kind is None else f"must be text, not {_kind(kind)}"
        return FrameError(ErrorCode.INVALID, f"type {problem}.", field="type", **context)
    if kind not in COMMAND_TYPES:
        names = ", ".join(COMMAND_TYPES)
        return FrameError(ErrorCode.UNKNOWN_TYPE, f"{kind[:100]!r} is none of {names}.", **context)
    found = _FIELD.search(str(error))
    field = (found[1] or found[2]) if found else None
    return FrameError(ErrorCode.INVALID, f"{error}.", field=field, **context)


def _explain_half(text: str) -> FrameError | None:
    """Return what is wrong with a JSON object in which there are halves of surrogate pairs, None for anything else."""
    members = read_members(text)
    field = next((name for name, value in members if has_half(name) or has_half(value)), None)
    if field is None:
        return None
    given, field = dict(members), without_halves(field[:REF_MAX_LENGTH])
    return FrameError(
        ErrorCode.INVALID,
        f"{field} holds half a surrogate pair; text has whole characters only.",
        field=field,
        ref=_repeatable(given.get("ref")),
        chat_id=_repeatable(given.get("chat_id")),
    )


def _repeatable(value: object) -> str | None:
    """Return a `ref` or `chat_id` as it may stand in the answer, None where it may not."""
    return value if isinstance(value, str) and len(value) <= REF_MAX_LENGTH and not has_half(value) else None


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


# --- Server to client ---------------------------------------------------------------------------


class ServerFrame(Struct, frozen=True, kw_only=True, tag_field="type"):
    """Base of what the server sends; fields left UNSET are not sent."""


class Welcome(ServerFrame, frozen=True, tag="welcome"):
    connection_id: str
    user_id: str
    display_name: str
    server_time: str
    ping_interval: float
    pong_timeout: float
    presence_enabled: bool
    typing_enabled: bool
    typing_timeout: float
    features: list[str]  # what this server offers of all that clients can ask for
    version: str  # of the static files


class Ack(ServerFrame, frozen=True, tag="ack"):
    """The answer to a command that was carried out; which fields it has depends on `action`."""

    action: Literal["subscribed", "unsubscribed", "posted", "read", "watching", "authenticated"]
    ref: str | None = None
    chat_id: UUID | UnsetType = UNSET
    revision: int | UnsetType = UNSET
    online_count: int | UnsetType | None = UNSET  # null: not known, or in the background
    reset: bool | UnsetType = UNSET
    client_id: UUID | UnsetType = UNSET
    message_id: UUID | UnsetType = UNSET
    seq: int | UnsetType = UNSET
    users: list[PresenceEntry] | UnsetType = UNSET
    expires_at: str | UnsetType = UNSET


class Error(ServerFrame, frozen=True, tag="error"):
    code: ErrorCode
    message: str
    ref: str | None = None
    chat_id: str | UnsetType = UNSET
    field: str | UnsetType = UNSET
    retry_after: float | UnsetType = UNSET


class Pong(ServerFrame, frozen=True, tag="pong"):
    ref: str | UnsetType | None = UNSET


class Typing(ServerFrame, frozen=True, tag="chat.typing"):
    chat_id: UUID
    user_id: UUID
    display_name: str
    is_typing: bool


class Unread(ServerFrame, frozen=True, tag="chat.unread"):
    chat_id: UUID
    last_read_seq: int
    unread_count: int
    mention_count: int


# Why a client has to load again what it shows.
ResyncReason = Literal["broker", "presence", "behind", "restored", "chat_deleted", "removed", "overload", "too_large"]


class Resync(ServerFrame, frozen=True, tag="resync"):
    """Load chats, members, presence and unread counts again, after a random time of up to `within` seconds."""

    reason: ResyncReason
    within: float


class NoticeLevel(enum.StrEnum):
    """How a notice looks; an error stays until somebody closes it."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Notice(ServerFrame, frozen=True, tag="notice"):
    level: NoticeLevel
    text: str


class NotificationNew(ServerFrame, frozen=True, tag="notification.new"):
    data: Any  # chats.payload_types.NotificationPayload


class NotificationRead(ServerFrame, frozen=True, tag="notification.read"):
    """These notifications, or all, were read or are gone; `unread_count` is what the bell shows now."""

    unread_count: int
    ids: list[UUID] | UnsetType = UNSET
    all: Literal[True] | UnsetType = UNSET


class ChatFrame(Struct, frozen=True, kw_only=True):
    """A message or the chat itself changed: `chat.message.posted`, `chat.renamed` and so on."""

    type: str
    chat_id: str
    data: Any  # chats.payload_types.MessagePayload, ChatPayload or MemberPayload


class Priority(enum.IntEnum):
    """Which frames a full outbox drops first: the lowest. Not sent to clients."""

    TYPING = 0
    PRESENCE = 1
    MUST = 2


_encoder = msgspec.json.Encoder()


def encode(frame: ServerFrame | ChatFrame) -> bytes:
    """Return the JSON of a frame, in UTF-8."""
    return _encoder.encode(frame)
