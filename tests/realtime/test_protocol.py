"""The wire protocol as pure functions: what decodes, and how what does not is explained."""

import json
import uuid
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from realtime.protocol import frames
from realtime.protocol.frames import ErrorCode, FrameError, decode

CHAT = str(uuid.UUID(int=1))


def explain(text: str) -> FrameError:
    """Return the error that `text` decodes to."""
    with pytest.raises(FrameError) as caught:
        decode(text)
    return caught.value


def test_commands_decode_to_their_types() -> None:
    post = decode(
        json.dumps({"type": "chat.message.post", "chat_id": CHAT, "body": "hi", "client_id": CHAT, "ref": "r"})
    )
    assert post == frames.Post(chat_id=uuid.UUID(CHAT), body="hi", client_id=uuid.UUID(CHAT), ref="r")
    assert decode(f'{{"type": "subscribe", "chat_id": "{CHAT}"}}') == frames.Subscribe(chat_id=uuid.UUID(CHAT))
    typing = decode(f'{{"type": "chat.typing", "chat_id": "{CHAT}"}}')
    assert isinstance(typing, frames.TypingCommand)
    assert typing.is_typing
    assert decode('{"type": "ping"}') == frames.Ping()


@pytest.mark.parametrize(
    "text", ["", "{", "nonsense", "[]", "5", "null", '"text"', "[" * 100_000, '{"a": NaN}', "\ud800"]
)
def test_what_is_no_json_object_is_a_bad_frame(text: str) -> None:
    assert explain(text).code is ErrorCode.BAD_FRAME


@pytest.mark.parametrize(
    ("frame", "field"),
    [
        ({}, "type"),
        ({"type": 5}, "type"),
        ({"type": "subscribe"}, "chat_id"),
        ({"type": "subscribe", "chat_id": "../../etc/passwd"}, "chat_id"),
        ({"type": "subscribe", "chat_id": "1' OR '1'='1"}, "chat_id"),
        ({"type": "subscribe", "chat_id": 5}, "chat_id"),
        ({"type": "subscribe", "chat_id": CHAT, "since": -1}, "since"),
        ({"type": "subscribe", "chat_id": CHAT, "since": 2**63}, "since"),
        ({"type": "subscribe", "chat_id": CHAT, "since": True}, "since"),
        ({"type": "subscribe", "chat_id": CHAT, "since": "1"}, "since"),
        ({"type": "chat.message.post", "chat_id": CHAT, "client_id": CHAT, "body": 5}, "body"),
        ({"type": "chat.message.post", "chat_id": CHAT, "client_id": "x", "body": "a"}, "client_id"),
        ({"type": "chat.typing", "chat_id": CHAT, "is_typing": "yes"}, "is_typing"),
        ({"type": "ping", "ref": {}}, "ref"),
        ({"type": "ping", "surprise": 1}, "surprise"),
    ],
)
def test_a_wrong_field_is_named(frame: dict[str, object], field: str) -> None:
    error = explain(json.dumps(frame))
    assert (error.code, error.field) == (ErrorCode.INVALID, field)


HIGH, LOW = "\\ud83d", "\\ude00"  # as JSON escapes them
WHOLE = HIGH + LOW


@pytest.mark.parametrize(
    "half", [HIGH, LOW, LOW + HIGH, HIGH + "x", HIGH + WHOLE, WHOLE + LOW, HIGH + "\\n", "\\uDBFF"]
)
@pytest.mark.parametrize(
    ("frame", "field"),
    [
        ('{"type": "chat.message.post", "chat_id": "C", "client_id": "C", "ref": "7", "body": "H"}', "body"),
        ('{"body": "H", "ref": "7", "chat_id": "C", "client_id": "C", "type": "chat.message.post"}', "body"),
        ('{"type": "chat.message.post", "ref": "7", "chat_id": "C", "client_id": "aH"}', "client_id"),
        ('{"type": "auth", "ref": "7", "chat_id": "C", "token": "Hb"}', "token"),
        ('{"type": "H", "ref": "7", "chat_id": "C"}', "type"),
        ('{"type": "ping", "ref": "7", "chat_id": "C", "more": [1, {"deep": ["H"]}]}', "more"),
        ('{"type": "ping", "ref": "7", "chat_id": "C", "more": {"a": {"H": null}}}', "more"),
        ('{"type": "ping", "body": "H", "ref": "7", "chat_id": "C", "body": "whole"}', "body"),
        ('{"type": "ping", "seq": 1' + "0" * 5_000 + ', "ref": "7", "chat_id": "C", "body": "H"}', "body"),
        (' \n{"body": "H", "ref": "7", "chat_id": "C"}', "body"),
    ],
)
def test_half_a_surrogate_pair_is_told_of_its_field(frame: str, field: str, half: str) -> None:
    error = explain(frame.replace("H", half).replace('"C"', f'"{CHAT}"'))
    assert (error.code, error.field, error.ref, error.chat_id) == (ErrorCode.INVALID, field, "7", CHAT)
    assert "half a surrogate pair" in error.message


@pytest.mark.parametrize("half", [HIGH, LOW, HIGH.upper().replace("U", "u")])
def test_half_a_surrogate_pair_is_not_said_back(half: str) -> None:
    error = explain(f'{{"type": "ping", "ref": "{half}"}}')
    assert (error.code, error.field, error.ref) == (ErrorCode.INVALID, "ref", None)
    error = explain(f'{{"type": "unsubscribe", "ref": "7", "chat_id": "{half}"}}')
    assert (error.code, error.field, error.ref, error.chat_id) == (ErrorCode.INVALID, "chat_id", "7", None)
    error = explain(f'{{"type": "ping", "ref": "7", "{half}": 1}}')
    assert (error.code, error.field, error.ref) == (ErrorCode.INVALID, "\N{REPLACEMENT CHARACTER}", "7")


@pytest.mark.parametrize(
    "frame", ['["H"]', '"H"', '{"a": "H"', '{"a": NaN, "b": "H"}', '{"a": "H\n"}', "[" * 99_999 + '"H"']
)
def test_what_is_no_json_object_is_a_bad_frame_with_halves_as_well(frame: str) -> None:
    assert explain(frame.replace("H", HIGH)).code is ErrorCode.BAD_FRAME


def test_a_whole_pair_is_a_character() -> None:
    ping = decode(f'{{"type": "ping", "ref": "{WHOLE}{WHOLE.upper().replace("U", "u")}"}}')
    assert ping.ref == "\N{GRINNING FACE}" * 2


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "ping", "ref": "x" * 101},
        {"ref": "\N{GRINNING FACE}" * 101, "type": "ping"},
        {"type": "subscribe", "chat_id": "none", "ref": "x" * 101},
        {"type": "chat.explode", "ref": "x" * 101},
        {"ref": "x" * 100_000},
    ],
)
def test_a_ref_that_is_too_long_is_told_so(frame: dict[str, object]) -> None:
    error = explain(json.dumps(frame))
    assert (error.code, error.field, error.ref) == (ErrorCode.TOO_LONG, "ref", None)
    assert decode(json.dumps({"type": "ping", "ref": "\N{GRINNING FACE}" * 100})).ref is not None


def test_an_unknown_type_is_named_and_what_is_known_is_listed() -> None:
    error = explain('{"type": "chat.explode", "ref": "7"}')
    assert error.code is ErrorCode.UNKNOWN_TYPE
    assert error.ref == "7"
    assert "chat.explode" in error.message
    assert "chat.message.post" in error.message


def test_an_error_carries_ref_and_chat_back_only_if_they_are_text() -> None:
    assert explain(f'{{"type": "subscribe", "ref": "a", "chat_id": "{CHAT}", "since": -1}}').chat_id == CHAT
    error = explain('{"type": "subscribe", "ref": 5, "chat_id": [1]}')
    assert (error.ref, error.chat_id) == (None, None)


HALVES = st.text(st.characters(categories=None))  # with halves of surrogate pairs among them
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | HALVES,
    lambda inner: st.lists(inner) | st.dictionaries(HALVES, inner),
)
field_names = ("chat_id", "body", "client_id", "since", "ref", "seq", "token")
near_frames = st.fixed_dictionaries(
    {"type": st.sampled_from([*frames.COMMAND_TYPES, "x"])},
    optional={name: json_values | st.just(CHAT) for name in field_names},
)


@given(st.text() | json_values.map(json.dumps) | near_frames.map(json.dumps))
@example('{"type": "ping", "type": "pong"}')
def test_any_text_is_a_command_or_a_frame_error(text: str) -> None:
    try:
        command = decode(text)
    except FrameError as error:
        result: object = error
    else:
        result = command
    if isinstance(result, FrameError):
        assert result.code in (ErrorCode.BAD_FRAME, ErrorCode.UNKNOWN_TYPE, ErrorCode.INVALID, ErrorCode.TOO_LONG)
        # It can be told: nothing that no text can say comes back in it.
        given: dict[str, Any] = {"chat_id": result.chat_id or "", "field": result.field or ""}
        frames.encode(frames.Error(code=result.code, message=result.message, ref=result.ref, **given))
    else:
        assert isinstance(result, frames.Command)


def test_frames_leave_out_what_is_not_set() -> None:
    ack = json.loads(frames.encode(frames.Ack(action="unsubscribed", chat_id=uuid.UUID(CHAT))))
    assert ack == {"type": "ack", "action": "unsubscribed", "ref": None, "chat_id": CHAT}
