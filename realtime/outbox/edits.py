"""Edits of one message in a queue: only the last one is needed."""

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
    """Return the indexes of edits whose message is edited again, or deleted, in a later one of these frames.

    The revision of an edit that is left out is missing for the client. As for every gap, it asks with `since` after
    2 s, and gets the message as it is by then.
    """
    superseded: set[int] = set()
    changed_later: set[str] = set()
    for index in range(len(payloads) - 1, -1, -1):
        payload = payloads[index]
        is_edited = payload.startswith(_EDITED)
        if not is_edited and not payload.startswith(_DELETED):
            continue
        message_id = _decoder.decode(payload).data.id
        if is_edited and message_id in changed_later:
            superseded.add(index)
        changed_later.add(message_id)
    return superseded
