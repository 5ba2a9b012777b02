"""The server sorts a chat's members as the page's script does: both follow tests/cases/members.json."""

from __future__ import annotations

import json
from uuid import UUID

from chats.search.folding import name_key
from presence.selectors import Member, MemberPresence, member_order
from tests.support.processes import ROOT


def test_order_of_members() -> None:
    cases = json.loads((ROOT / "tests" / "cases" / "members.json").read_text())
    nobody = UUID(int=0)
    members = [
        MemberPresence(
            Member(nobody, nobody, UUID(case["id"]), "", case["name"], name_key(case["name"])),
            case["is_online"],
            None,
            0,
        )
        for case in cases
    ]
    sorted_anew = members[::-1]
    sorted_anew.sort(key=member_order)
    assert sorted_anew == members
