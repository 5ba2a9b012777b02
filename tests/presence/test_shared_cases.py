"""The server sorts members, and says when they were seen, as the page's script does: both follow tests/cases."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from chats.search.folding import name_key
from presence.selectors import Member, MemberPresence, member_order
from presence.templatetags.presence_tags import ago_words
from tests.support.processes import ROOT


def cases(name: str) -> Any:
    return json.loads((ROOT / "tests" / "cases" / f"{name}.json").read_text())


@pytest.mark.parametrize(("seconds", "words"), cases("ago"))
def test_how_long_ago(seconds: float, words: str) -> None:
    assert ago_words(seconds) == words


def test_order_of_members() -> None:
    nobody = UUID(int=0)
    members = [
        MemberPresence(
            Member(nobody, nobody, UUID(case["id"]), "", case["name"], name_key(case["name"])),
            case["is_online"],
            None,
            0,
        )
        for case in cases("members")
    ]
    sorted_anew = members[::-1]
    sorted_anew.sort(key=member_order)
    assert sorted_anew == members
