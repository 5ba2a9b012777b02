"""Lists: every row once, in order, however the pages are cut, and at a constant price."""

from __future__ import annotations

import base64
import json
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chats import services
from tests.api.conftest import Caller, Callers, caller_for
from tests.conftest import Cast, make_user

LISTS = [
    "/workspaces",
    "/workspaces/{workspace}/members",
    "/workspaces/{workspace}/invites",
    "/users",
    "/chats",
    "/chats/{chat}/members",
    "/notifications",
]
FIXED = ["/chats/{chat}/messages", "/chats/{chat}/changes?since=0", "/search?q=p"]


def fill(cast: Cast, start: int, count: int) -> None:
    """Make `count` more of everything that is listed; two people each share a name."""
    for number in range(start, start + count):
        person = make_user(f"user{number:02}a", f"Person {number // 2}")
        services.moderate_add_workspace_member(workspace_id=cast.workspace.pk, user_id=person.pk, role="member")
        services.add_chat_members(user=cast.owner, chat_id=cast.chat.pk, user_ids=[person.pk])
        services.create_chat(user=cast.owner, workspace_id=cast.workspace.pk, kind="direct", member_ids=[person.pk])
        services.create_chat(user=cast.owner, workspace_id=cast.workspace.pk, kind="bug", title=f"Bug a{number}")
        services.create_workspace(user=cast.owner, name=f"Team a{number // 2}")
        services.create_invite(user=cast.owner, workspace_id=cast.workspace.pk)
        services.post_message(user=person, chat_id=cast.chat.pk, body=f"Hi a @olga {number}", client_id=uuid4())


def place(path: str, cast: Cast) -> str:
    """Return the path of a list of the cast's."""
    return path.format(workspace=cast.workspace.pk, chat=cast.chat.pk)


def keys(rows: list[dict[str, Any]]) -> list[str]:
    """Return what tells the rows apart."""
    return [row.get("id") or row["user_id"] for row in rows]


def walk(caller: Caller, first: str, direction: str) -> list[list[str]]:
    """Follow `next` or `previous` to the end; returns the pages."""
    pages, url = [], first
    while url:
        answer = caller.get(url)
        assert answer.status == 200
        pages.append(keys(answer.data["results"]))
        last, url = url, answer.data[direction]
        assert len(pages) < 50
    if direction == "next":
        pages.append([last])
    return pages


@pytest.mark.slow
@pytest.mark.parametrize("path", LISTS)
def test_every_row_comes_once_in_order(cast: Cast, callers: Callers, path: str) -> None:
    fill(cast, 0, 6)
    path = place(path, cast)
    everything = keys(callers.owner.get(f"{path}?limit=100").data["results"])
    assert len(everything) >= 6
    for limit in (1, 2, 5, len(everything)):
        *pages, [last_url] = walk(callers.owner, f"{path}?limit={limit}", "next")
        assert [key for page in pages for key in page] == everything
        assert all(len(page) == limit for page in pages[:-1])
        back = walk(callers.owner, last_url, "previous")
        assert [key for page in reversed(back) for key in page] == everything


def test_rows_that_come_and_go_disturb_no_page(cast: Cast, callers: Callers) -> None:
    fill(cast, 0, 4)
    path = f"/workspaces/{cast.workspace.pk}/members"
    first = callers.owner.get(f"{path}?limit=2").data
    gone = first["results"][0]["user_id"]
    assert callers.owner.delete(f"{path}/{gone}").status == 204
    early = make_user("aaron", "Aaron")
    services.moderate_add_workspace_member(workspace_id=cast.workspace.pk, user_id=early.pk, role="member")
    rest = [key for page in walk(callers.owner, first["next"], "next")[:-1] for key in page]
    everything = keys(callers.owner.get(path).data["results"])
    assert rest == everything[2:]


@pytest.mark.slow
@pytest.mark.parametrize("path", LISTS + FIXED)
def test_the_number_of_queries_does_not_grow(cast: Cast, callers: Callers, path: str) -> None:
    path = place(path, cast)
    fill(cast, 0, 2)
    with CaptureQueriesContext(connection) as few:
        short = callers.owner.get(path).data
    fill(cast, 2, 18)
    with CaptureQueriesContext(connection) as many:
        long = callers.owner.get(path).data
    assert len(many) == len(few) <= 8
    count = "people" if path.startswith("/search") else "results"
    assert len(long[count]) > len(short[count])


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("limit", ["0", "-1", "x", "", "1.0", "%00", "9" * 5000])
def test_a_limit_is_a_positive_number(cast: Cast, callers: Callers, path: str, limit: str) -> None:
    answer = callers.owner.get(f"{place(path, cast)}?limit={limit}")
    assert (answer.status, answer.data["code"]) == (400, "invalid")
    assert "limit" in answer.data


def test_a_limit_above_100_is_cut(cast: Cast, callers: Callers, settings: Any) -> None:
    for number in range(101):
        services.create_chat(user=cast.member, workspace_id=cast.workspace.pk, kind="bug", title=str(number))
    assert len(callers.member.get("/chats?limit=5000000000000000000000").data["results"]) == 100
    assert len(callers.member.get("/chats").data["results"]) == 50


def cursor(*parts: object) -> str:
    """Return a cursor as ours are made, of anything."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "wrong",
    [
        "x",
        "%00",
        "é",
        cursor(),
        cursor("n"),
        cursor("n", 1, 2),
        cursor("x", "a", "b"),
        cursor("n", "a\0", "01a20929-ccfc-7651-a51f-773d283306b5"),
        cursor("n", "a", "1' OR 1=1"),
        cursor("n", "a", "b", "c", "d"),
        base64.urlsafe_b64encode(b"[" * 1400).decode(),
    ],
)
def test_a_cursor_that_is_none_is_no_page(cast: Cast, callers: Callers, path: str, wrong: str) -> None:
    answer = callers.owner.get(f"{place(path, cast)}?cursor={wrong}")
    assert (answer.status, answer.data["code"]) in ((404, "not_found"), (400, "invalid"))


def test_somebody_elses_cursor_shows_nothing_of_theirs(cast: Cast, callers: Callers) -> None:
    fill(cast, 0, 3)
    theirs = callers.owner.get("/chats?limit=1").data["next"]
    stranger = caller_for(cast.outsider)
    assert stranger.get(theirs).data["results"] == []
