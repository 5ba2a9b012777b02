"""Edits of one message that wait for a client: the last one says all."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

_EDITED = b'{"type":"chat.message.edited"'
_DELETED = b'{"type":"chat.message.deleted"'


class _Message(msgspec.Struct):
    id: str


class _Change(msgspec.Struct):
    data: _Message


_decoder = msgspec.json.Decoder(_Change)


def superseded_edits(payloads: Sequence[bytes]) -> set[int]:
    """Return the places of those frames after which the same message is edited again, or deleted.

    Where one is left out its revision is missing. A client takes that for a gap, and after 2 s asks with `since`, as
    for every gap: it gets the message as it is by then.
    """
    superseded: set[int] = set()
    changed_later: set[str] = set()
    for place in range(len(payloads) - 1, -1, -1):
        payload = payloads[place]
        is_edited = payload.startswith(_EDITED)
        if not is_edited and not payload.startswith(_DELETED):
            continue
        message_id = _decoder.decode(payload).data.id
        if is_edited and message_id in changed_later:
            superseded.add(place)
        changed_later.add(message_id)
    return superseded
