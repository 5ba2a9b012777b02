"""Frames for the fuzz: valid, almost valid, and nothing of the kind; and what each must be answered with."""

from __future__ import annotations

import json
import random
import uuid

import msgspec
from hypothesis import strategies as st

from realtime.protocol import frames as protocol
from realtime.protocol.frames import COMMAND_TYPES, FrameError

LONGEST = 100_000  # characters: a larger frame closes the socket with 1009, and that is not what is looked at here
OWN_CHAT, TOKEN = "OWN-CHAT", "ACCESS-TOKEN"  # put in place of by `fill`: examples know nothing of the server

# As they stand in JSON's text, because no library would write most of them.
ODD_VALUES = (
    *(
        "NaN",
        "Infinity",
        "-Infinity",
        "-0",
        "1e999",
        "-1e-999",
        "1.5",
        "9" * 400,
        "9223372036854775808",
        "01",
        "+1",
        "0x1",
    ),
    *("null", "true", "tru", '""', r'"\ud800"', r'"\udfff\ud800"', r'"\u0000"', '"\ufeff"', r'"\x"', '"', "'x'", ""),
    *("[" * 5_000, "[" * 900 + "]" * 900, '{"a":' * 900 + "1" + "}" * 900, "{}", "[]", '{"type":"ping"}', "undefined"),
    *('"' + "x" * 10_001 + '"', '"' + r"\ud83d\ude00" * 3_000 + '"', '"\u202e\u200b"', f'"{uuid.UUID(int=0)}"'),
)
PIECES = (*'{}[]",:\\ \x00é😀', "\\u", "null", "1e5", '"ref":', '"type":')

_uuids = st.uuids().map(str)
_valid: dict[str, st.SearchStrategy[object]] = {
    "chat_id": st.sampled_from([OWN_CHAT, OWN_CHAT, str(uuid.UUID(int=0)), str(uuid.uuid4()).upper()]),
    "since": st.none() | st.integers(0, 2**63 - 1),
    "body": st.text(min_size=1, max_size=60),
    "client_id": _uuids,
    "reply_to": st.none() | _uuids,
    "is_typing": st.booleans(),
    "background": st.booleans(),
    "user_ids": st.lists(_uuids, max_size=4),
    "seq": st.integers(0, 2**63 - 1),
    "token": st.just(TOKEN) | st.text(max_size=40),
    "ref": st.none() | st.text(max_size=protocol.REF_MAX_LENGTH),
}
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@st.composite
def _commands(draw: st.DrawFn) -> list[tuple[str, str]]:
    """Give a valid command as pairs of name and JSON text."""
    tag = draw(st.sampled_from(sorted(COMMAND_TYPES)))
    fields = [field.name for field in msgspec.structs.fields(COMMAND_TYPES[tag])]
    return [("type", json.dumps(tag)), *((name, json.dumps(draw(_valid[name]))) for name in fields)]


@st.composite
def _almost(draw: st.DrawFn) -> list[tuple[str, str]]:
    """Give a command with one or two things wrong: a field missing, unknown, doubled, of another type, extreme."""
    pairs = draw(_commands())
    for _ in range(draw(st.integers(1, 2))):
        at = draw(st.integers(0, len(pairs) - 1)) if pairs else 0
        odd = draw(st.sampled_from(ODD_VALUES) | _json.map(json.dumps))
        match draw(st.sampled_from(["drop", "odd", "double", "unknown"])) if pairs else "unknown":
            case "drop":
                del pairs[at]
            case "odd":
                pairs[at] = (pairs[at][0], odd)
            case "double":
                pairs.append((pairs[at][0], odd))
            case _:
                pairs.append((draw(st.text(max_size=10)), odd))
    return pairs


def _text(pairs: list[tuple[str, str]]) -> str:
    return "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in pairs) + "}"


frames: st.SearchStrategy[str] = st.one_of(
    _commands().map(_text), _almost().map(_text), _almost().map(_text), _json.map(json.dumps), st.text(max_size=80)
)


def fill(text: str, *, chat_id: str, token: str) -> str:
    """Return a frame of an example for this chat and token."""
    return text.replace(OWN_CHAT, chat_id).replace(TOKEN, token)[:LONGEST]


def mutate(chance: random.Random, text: str) -> str:
    """Return the frame with a few characters lost, doubled, swapped or put in."""
    for _ in range(chance.randint(1, 4)):
        at, to = sorted((chance.randint(0, len(text)), chance.randint(0, len(text))))
        match chance.randint(0, 3):
            case 0:
                text = text[:at] + text[min(to, at + 3) :]
            case 1:
                text = text[:at] + chance.choice(PIECES) + text[at:]
            case 2:
                text = text[:at] + chr(chance.randint(32, 126)) + text[at + 1 :]
            case _:
                text = text[:at] + text[at : at + 12] + text[at:]
    return text[:LONGEST]


def expected_answers(text: str, chat_id: str) -> tuple[int, str | None, str | None]:
    """Return how many answers a frame gets, their `ref`, and the error's code where it makes no sense."""
    try:
        command = protocol.decode(text)
    except FrameError as error:
        return 1, error.ref, error.code
    if isinstance(command, protocol.TypingCommand) and str(command.chat_id) == chat_id:
        return 0, command.ref, None
    return 1, command.ref, None


def is_nonsense(text: str) -> bool:
    """Whether the frame counts towards the 4400 that ends a socket."""
    try:
        protocol.decode(text)
    except FrameError:
        return True
    return False
