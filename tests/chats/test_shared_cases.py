"""What the server writes into a page and a script writes into it later is the same: both follow tests/cases."""

from __future__ import annotations

import datetime
import json
from typing import Any
from uuid import UUID, uuid5

import pytest

from chats.models import Chat, ChatMember, Message
from chats.templatetags.chat_tags import badge, hue, initials, spoken_count
from chats.views.room_list import ChatEntry, ListStyle
from chats.views.room_list import arrange as arrange_rooms
from chats.views.timeline import arrange
from tests.support.processes import ROOT

READER = "me"
ALL = 1_000_000  # more than any case has: everything is read


def cases(name: str) -> Any:
    return json.loads((ROOT / "tests" / "cases" / f"{name}.json").read_text())


def author(name: str) -> UUID:
    return uuid5(UUID(int=0), name)


def message(seq: int, case: dict[str, Any]) -> Message:
    at = datetime.datetime.fromisoformat(case["at"])
    return Message(
        seq=seq,
        author_id=author(case["author"]),
        created_at=at,
        reply_to_id=UUID(int=1) if case.get("reply") else None,
        deleted_at=at if case.get("deleted") else None,
    )


@pytest.mark.parametrize("case", cases("grouping"), ids=lambda case: case["what"])
def test_grouping(case: dict[str, Any]) -> None:
    messages = [message(seq, given) for seq, given in enumerate(case["messages"], 1)]
    places = arrange(messages, reader_id=author(READER), read_up_to=case.get("read_up_to", ALL))
    words = [
        " ".join(word for word, holds in zip(("same", "day", "new"), place, strict=True) if holds) for place in places
    ]
    assert words == case["lines"]


@pytest.mark.parametrize(("name", "letters"), cases("avatars")["initials"])
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters


@pytest.mark.parametrize(("user_id", "number"), cases("avatars")["hues"])
def test_hue(user_id: str, number: int) -> None:
    assert hue(user_id) == hue(UUID(user_id)) == number


@pytest.mark.parametrize(("count", "text"), cases("counts")["badge"])
def test_badge(count: int, text: str) -> None:
    assert badge(count) == text


@pytest.mark.parametrize(("count", "text"), cases("counts")["spoken"])
def test_spoken_count(count: int, text: str) -> None:
    assert spoken_count(count) == text


def entry(case: dict[str, Any]) -> ChatEntry:
    number, at = int(case["id"]), datetime.datetime.fromtimestamp(case.get("at", 0), datetime.UTC)
    chat = Chat(
        id=UUID(int=number),
        kind=case["kind"],
        title=case["name"],
        seq=case.get("unread", 0),
        closed_at=at if case.get("closed") else None,
        last_message_at=at,
    )
    row = ChatMember(chat=chat, is_favourite=case.get("favourite", False))
    row.counted_unread = case.get("unread", 0)  # type: ignore[attr-defined]
    return ChatEntry(row, None, is_current=False)


@pytest.mark.parametrize("case", cases("rooms"), ids=lambda case: case["what"])
@pytest.mark.parametrize("unread_first", [False, True])
def test_the_list_of_chats(case: dict[str, Any], unread_first: bool) -> None:
    sections = arrange_rooms(map(entry, case["rooms"]), ListStyle(unread_first))
    found = {
        section.name: [str(room.membership.chat_id.int) for room in section.rooms]
        for section in sections
        if section.rooms
    }
    assert found == case["unread_first" if unread_first else "by_kind"]
