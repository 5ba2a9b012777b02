"""What crosses the channel layer is the same on the other side, and what version 0.3 sends is read."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
import pytest

from presence.changes import ChatScope, PresenceBatch, PresenceEntry
from realtime.broker.events import Audience, LayerEvent, from_layer, to_layer

JANE, CHAT, WORKSPACE, MESSAGE = (uuid.UUID(int=number) for number in range(1, 5))
CHANGE = PresenceEntry(user_id=JANE, display_name="Jané", is_online=True, last_seen=None, version=7)
EVENT = LayerEvent(
    group="chat.x",
    audience=Audience.CHAT,
    payload='{"type":"chat.message.posted","body":"é"}'.encode(),
    priority=1,
    chat_id=CHAT,
    workspace_id=WORKSPACE,
    user_ids=(JANE,),
    skip_user_id=JANE,
    access_version=3,
    revision=2**53,
    message_id=MESSAGE,
    deleted_seq=4,
    changes_members=True,
    latest_of="workspace",
    display_name="Jané",
    announcement=5,
    presence=PresenceBatch(WORKSPACE, (CHANGE,), (ChatScope(CHAT, 3, (0,)),)),
)


def without_time(event: LayerEvent | None) -> LayerEvent:
    """Return the event with a fixed `known_at`, which each process sets by its own clock."""
    assert event is not None
    return msgspec.structs.replace(event, known_at=0.0)


def as_in_0_3(event: LayerEvent) -> dict[str, Any]:
    """Return the layer message that Flowra 0.3 makes of the event: its fields in JSON, the frame as text among them."""
    fields = msgspec.to_builtins(event)
    del fields["payload"]
    del fields["presence"]["workspace_id"], fields["presence"]["changes"][0]["last_seen"]
    fields["kind"], fields["text"] = fields.pop("audience"), event.payload.decode()
    return {"type": "hub.event", "origin": "there", "published_at": 1.0, "event": msgspec.json.encode(fields)}


def test_every_field_crosses_the_layer() -> None:
    fields = {field.name for field in msgspec.structs.fields(EVENT)}
    assert all(getattr(EVENT, name) for name in fields), "a field without a value shows nothing"
    assert without_time(from_layer(to_layer(EVENT, "there"), "here")) == without_time(EVENT)


def test_what_0_3_sends_is_read() -> None:
    assert without_time(from_layer(as_in_0_3(EVENT), "here")) == without_time(EVENT)
    # It leaves out what is empty.
    message = {"origin": "there", "event": b'{"group":"everybody","kind":"resync","known_at":1.0}'}
    resync = LayerEvent(group="everybody", audience=Audience.RESYNC)
    assert without_time(from_layer(message, "here")) == without_time(resync)


def test_0_3_finds_no_event_in_what_is_sent_now() -> None:
    """Version 0.3 logs a KeyError of this key and goes on; anything else in it might be sent to its clients."""
    assert "event" not in to_layer(EVENT, "there")


@pytest.mark.parametrize(
    "broken",
    [
        {"origin": "there"},
        {"origin": "there", "packed": b"\xc1"},
        {"origin": "there", "packed": msgspec.msgpack.encode({"group": "x", "audience": "nobody"})},
        {"origin": "there", "event": b"[]"},
        {"origin": "there", "event": b"{"},
        {},
    ],
)
def test_what_cannot_be_read_raises_what_the_receiver_expects(broken: dict[str, Any]) -> None:
    with pytest.raises((msgspec.MsgspecError, KeyError, TypeError)):
        from_layer(broken, "here")
