"""What concerns the caller across chats: people, notifications, search."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from chats import services
from tests.api.conftest import Callers, caller_for
from tests.conftest import Cast, make_user


def post(cast: Cast, body: str) -> str:
    """Have the owner post to the cast's chat; returns the message's id."""
    return str(services.post_message(user=cast.owner, chat_id=cast.chat.pk, body=body, client_id=uuid4()).message.pk)


def names(answer: Any) -> list[str]:
    """Return the usernames on a page."""
    return [person["username"] for person in answer.data["results"]]


def test_people_are_those_of_ones_workspaces(cast: Cast, callers: Callers) -> None:
    assert names(callers.owner.get("/users")) == ["mika", "olga"]
    assert names(callers.outsider.get("/users")) == []
    assert names(callers.owner.get("/users?search=MIK")) == ["mika"]
    assert names(callers.owner.get("/users?search=otto")) == []
    assert names(callers.owner.get("/users?search=")) == ["mika", "olga"]
    assert names(callers.owner.get("/users?search=%25")) == []
    assert callers.owner.get("/users").data["results"][0].keys() == {"id", "username", "display_name"}
    cast.member.is_active = False
    cast.member.save()
    assert names(callers.owner.get("/users")) == ["olga"]


@pytest.mark.parametrize("search", ["%00", "a" * 101])
def test_a_search_for_people_is_short_text(callers: Callers, search: str) -> None:
    assert "search" in callers.owner.get(f"/users?search={search}").data


def test_a_mention_makes_a_notification(cast: Cast, callers: Callers) -> None:
    message = post(cast, "Look, @mika")
    listed = callers.member.get("/notifications?unread=true").data
    mention = listed["results"][0]
    assert (mention["kind"], mention["message_id"], mention["actor"]["username"]) == ("mention", message, "olga")
    assert (mention["excerpt"], mention["chat_label"], mention["read_at"]) == (
        "Look, @mika",
        "Task: Update documentation",
        None,
    )
    assert listed["unread_count"] == len(listed["results"]) == 2  # the other: added to the chat
    assert callers.member.post("/notifications/read", {"ids": [mention["id"]]}).data == {"unread_count": 1}
    assert [row["kind"] for row in callers.member.get("/notifications?unread=true").data["results"]] == ["added"]
    assert len(callers.member.get("/notifications?unread=false").data["results"]) == 2
    assert callers.member.post("/notifications/read", {"all": True}).data == {"unread_count": 0}
    assert callers.owner.get("/notifications").data["results"] == []


def test_nobody_reads_anothers_notifications(cast: Cast, callers: Callers) -> None:
    theirs = callers.member.get("/notifications").data["results"][0]["id"]
    assert callers.outsider.post("/notifications/read", {"ids": [theirs, str(uuid4())]}).status == 200
    assert callers.member.get("/notifications").data["unread_count"] == 1
    assert callers.member.post("/notifications/read", {"all": False}).data == {"unread_count": 1}


@pytest.mark.parametrize("body", [{}, {"ids": "x"}, {"ids": ["x"]}, {"ids": None}, {"all": "true"}, {"all": 1}, []])
def test_what_to_mark_is_named(callers: Callers, body: Any) -> None:
    assert callers.member.post("/notifications/read", body).status == 400


@pytest.mark.parametrize("unread", ["1", "yes", "", "True", "null"])
def test_unread_is_a_boolean(callers: Callers, unread: str) -> None:
    assert "unread" in callers.member.get(f"/notifications?unread={unread}").data


def test_search_finds_what_one_may_see(cast: Cast, callers: Callers) -> None:
    message = post(cast, "The DOCUMENTATION of Mika")
    found = callers.member.get("/search?q=documentation").data
    assert [row["id"] for row in found["messages"]] == [message]
    assert [row["id"] for row in found["chats"]] == [str(cast.chat.pk)]
    assert found["people"] == []
    assert [row["username"] for row in callers.member.get("/search?q=mika").data["people"]] == ["mika"]
    nothing: dict[str, list[Any]] = {"messages": [], "chats": [], "people": []}
    assert callers.outsider.get("/search?q=documentation").data == nothing
    services.delete_message(user=cast.owner, chat_id=cast.chat.pk, message_id=message)  # type: ignore[arg-type]
    assert callers.member.get("/search?q=mika").data["messages"] == []


def test_search_in_one_workspace(cast: Cast, callers: Callers) -> None:
    post(cast, "needle")
    other = services.create_workspace(user=cast.owner, name="Other").workspace
    services.moderate_add_workspace_member(workspace_id=other.pk, user_id=cast.outsider.pk, role="member")
    here = callers.owner.get(f"/search?q=needle&workspace={cast.workspace.pk}").data
    there = callers.owner.get(f"/search?q=needle&workspace={other.pk}").data
    assert (len(here["messages"]), there["messages"]) == (1, [])
    people = callers.owner.get(f"/search?q=o&workspace={other.pk}").data["people"]
    assert [person["username"] for person in people] == ["olga", "otto"]
    assert callers.member.get(f"/search?q=otto&workspace={other.pk}").status == 404


def test_search_finds_a_direct_chat_by_the_others_name(cast: Cast, callers: Callers) -> None:
    body = {"workspace_id": str(cast.workspace.pk), "kind": "direct", "member_ids": [str(cast.member.pk)]}
    chat = callers.owner.post("/chats", body).data["id"]
    assert [row["id"] for row in callers.owner.get("/search?q=mika").data["chats"]] == [chat]
    assert callers.owner.get("/search?q=olga").data["chats"] == []


def test_search_gives_at_most_20_of_each(cast: Cast, callers: Callers) -> None:
    for number in range(22):
        post(cast, f"needle {number}")
    assert len(callers.member.get("/search?q=needle").data["messages"]) == 20


@pytest.mark.parametrize("query", ["", "?q=", "?q=%20", "?q=%E2%80%8B", "?q=%00", f"?q={'a' * 101}"])
def test_search_wants_something_to_look_for(callers: Callers, query: str) -> None:
    answer = callers.member.get(f"/search{query}")
    assert answer.status == 400
    assert "q" in answer.data


@pytest.mark.parametrize("q", ["%25", "_", "%27%3B--", "%5C", "%F0%9F%98%80", "%D7%A9"])
def test_search_takes_its_text_literally(cast: Cast, callers: Callers, q: str) -> None:
    post(cast, "Nothing special")
    assert callers.member.get(f"/search?q={q}").data["messages"] == []


def test_somebody_without_a_workspace_sees_nothing(db: None) -> None:
    lonely = caller_for(make_user("lonely"))
    assert (
        lonely.get("/chats").data == lonely.get("/workspaces").data == {"results": [], "next": None, "previous": None}
    )
