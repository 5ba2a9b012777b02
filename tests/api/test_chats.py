"""Chats and who is in them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from chats import services
from chats.models import Chat
from tests.api.conftest import Callers, caller_for
from tests.conftest import Cast, make_user


def make(cast: Cast, **more: Any) -> dict[str, Any]:
    """Return the body for a new chat."""
    return {"workspace_id": str(cast.workspace.pk), "kind": "discussion", "title": "General", **more}


@pytest.mark.parametrize(
    ("kind", "label"),
    [("discussion", "Release"), ("task", "Task: Release"), ("bug", "Bug: Release"), ("epic", "Epic: Release")],
)
def test_create_a_chat_of_each_kind(cast: Cast, callers: Callers, kind: str, label: str) -> None:
    made = callers.member.post("/chats", make(cast, kind=kind, title=" Release ", member_ids=[str(cast.owner.pk)]))
    assert made.status == 201
    assert (made.data["title"], made.data["label"], made.data["seq"], made.data["revision"]) == ("Release", label, 0, 0)
    assert callers.owner.get(f"/chats/{made.data['id']}").data["unread_count"] == 0
    assert callers.member.get(f"/chats/{made.data['id']}").data == made.data


def test_a_direct_chat_is_found_again(cast: Cast, callers: Callers) -> None:
    body = {"workspace_id": str(cast.workspace.pk), "kind": "direct", "member_ids": [str(cast.member.pk)]}
    made = callers.owner.post("/chats", body)
    assert (made.status, made.data["label"], made.data["title"]) == (201, "Mika", "")
    assert made.data["peer"]["username"] == "mika"
    again = callers.member.post("/chats", {**body, "member_ids": [str(cast.owner.pk)]})
    assert (again.status, again.data["id"], again.data["label"]) == (200, made.data["id"], "Olga")


def test_a_direct_chat_stays_between_two(cast: Cast, callers: Callers) -> None:
    body = {"workspace_id": str(cast.workspace.pk), "kind": "direct", "member_ids": [str(cast.member.pk)]}
    chat = callers.owner.post("/chats", body).data["id"]
    assert callers.owner.patch(f"/chats/{chat}", {"title": "Us"}).data["code"] == "forbidden"
    assert callers.owner.post(f"/chats/{chat}/members", {"user_id": str(cast.member.pk)}).status == 409
    assert callers.owner.delete(f"/chats/{chat}/members/{cast.owner.pk}").status == 409
    for member_ids in ([], [str(cast.owner.pk)], [str(cast.member.pk), str(cast.outsider.pk)]):
        assert "member_ids" in callers.owner.post("/chats", {**body, "member_ids": member_ids}).data


def test_everybody_in_a_chat_is_in_its_workspace(cast: Cast, callers: Callers) -> None:
    answer = callers.owner.post("/chats", make(cast, member_ids=[str(cast.outsider.pk)]))
    assert (answer.status, answer.data["code"]) == (400, "invalid")
    assert "member_ids" in answer.data
    answer = callers.owner.post(f"/chats/{cast.chat.pk}/members", {"user_ids": [str(cast.outsider.pk)]})
    assert answer.status == 400
    assert "user_ids" in answer.data


def test_listing_by_workspace_and_kind(cast: Cast, callers: Callers) -> None:
    made = callers.owner.post("/chats", make(cast)).data
    other = callers.owner.post("/workspaces", {"name": "Other"}).data["id"]
    elsewhere = callers.owner.post("/chats", make(cast, workspace_id=other)).data
    task = str(cast.chat.pk)
    assert [chat["id"] for chat in callers.owner.get("/chats").data["results"]] == [task, made["id"], elsewhere["id"]]
    here = callers.owner.get(f"/chats?workspace={cast.workspace.pk}&kind=task").data["results"]
    assert [chat["id"] for chat in here] == [task]
    assert [chat["id"] for chat in callers.member.get("/chats").data["results"]] == [task]
    assert "kind" in callers.owner.get("/chats?kind=party").data
    assert "workspace" in callers.owner.get("/chats?workspace=1").data


def test_creator_and_admins_manage_a_chat(cast: Cast, callers: Callers) -> None:
    chat = callers.member.post("/chats", make(cast, member_ids=[str(cast.owner.pk)])).data["id"]
    plain_user = make_user("paul")
    services.moderate_add_workspace_member(workspace_id=cast.workspace.pk, user_id=plain_user.pk, role="member")
    plain = caller_for(plain_user)
    assert callers.member.post(f"/chats/{chat}/members", {"user_id": str(plain_user.pk)}).status == 201
    for method, path, body in [
        ("PATCH", f"/chats/{chat}", {"title": "Mine"}),
        ("POST", f"/chats/{chat}/close", None),
        ("POST", f"/chats/{chat}/reopen", None),
        ("DELETE", f"/chats/{chat}/members/{cast.owner.pk}", None),
        ("DELETE", f"/chats/{chat}", None),
    ]:
        assert plain.call(method, path, body).data["code"] == "forbidden"
    for manager in (callers.member, callers.owner):
        assert manager.patch(f"/chats/{chat}", {"title": "Ours"}).data["title"] == "Ours"
        assert manager.post(f"/chats/{chat}/close").data["closed_at"] is not None
        assert manager.post(f"/chats/{chat}/reopen").data["closed_at"] is None
    assert plain.delete(f"/chats/{chat}/members/{plain_user.pk}").status == 204
    assert callers.owner.delete(f"/chats/{chat}").status == 204
    assert not Chat.objects.filter(pk=chat).exists()


def test_members_are_found_by_name(cast: Cast, callers: Callers) -> None:
    path = f"/chats/{cast.chat.pk}/members?search="
    for search, found in (("MIK", ["mika"]), ("olga", ["olga"]), ("otto", []), ("nobody", []), ("", ["mika", "olga"])):
        rows = callers.member.get(path + search).data["results"]
        assert sorted(row["username"] for row in rows) == found, search
    assert callers.outsider.get(path + "mika").status == 404


def test_every_member_adds_members(cast: Cast, callers: Callers) -> None:
    people = [make_user(f"user{number}") for number in range(3)]
    for person in people:
        services.moderate_add_workspace_member(workspace_id=cast.workspace.pk, user_id=person.pk, role="member")
    path = f"/chats/{cast.chat.pk}/members"
    added = callers.member.post(path, {"user_ids": [str(person.pk) for person in people]})
    assert (added.status, len(added.data["results"])) == (201, 3)
    again = callers.member.post(path, {"user_id": str(people[0].pk)})
    assert [member["username"] for member in again.data["results"]] == ["user0"]
    names = [member["display_name"] for member in callers.owner.get(path).data["results"]]
    assert names == ["Mika", "Olga", "User0", "User1", "User2"]
    assert callers.member.delete(f"{path}/{uuid4()}").status == 403
    assert callers.owner.delete(f"{path}/{uuid4()}").status == 404
    assert callers.owner.delete(f"{path}/{people[0].pk}").status == 204
    assert caller_for(people[0]).get(f"/chats/{cast.chat.pk}").status == 404


@pytest.mark.parametrize(
    "body",
    [{}, {"user_ids": []}, {"user_ids": "me"}, {"user_ids": ["me"]}, {"user_ids": [1]}, {"user_id": None}, [], "x", 3],
)
def test_members_are_named_by_ids(cast: Cast, callers: Callers, body: Any) -> None:
    answer = callers.owner.post(f"/chats/{cast.chat.pk}/members", body)
    assert (answer.status, answer.data["code"]) == (400, "invalid")


def test_too_many_members_at_once(cast: Cast, callers: Callers) -> None:
    answer = callers.owner.post("/chats", make(cast, member_ids=[str(uuid4()) for _ in range(101)]))
    assert answer.status == 400
    assert "member_ids" in answer.data


def test_a_favourite_is_ones_own(cast: Cast, callers: Callers) -> None:
    path = f"/chats/{cast.chat.pk}"
    assert callers.member.get(path).data["is_favourite"] is False
    marked = callers.member.patch(f"{path}/me", {"is_favourite": True})
    assert (marked.status, marked.data["is_favourite"]) == (200, True)
    assert marked.data == callers.member.get(path).data == callers.member.get("/chats").data["results"][0]
    assert callers.member.get(f"/search?q={cast.chat.title}").data["chats"] == [marked.data]
    assert callers.owner.get(path).data["is_favourite"] is False
    for body in ({}, {"is_favourite": True}):
        assert callers.member.patch(f"{path}/me", body).data == marked.data
    assert callers.member.patch(f"{path}/me", {"is_favourite": False}).data["is_favourite"] is False


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"is_favourite": "true"}, "is_favourite"),
        ({"is_favourite": None}, "is_favourite"),
        ({"is_favourite": 1}, "is_favourite"),
        ({"is_favourite": True, "muted_until": None}, "muted_until"),
        ({"last_read_seq": 1}, "last_read_seq"),
        ([], "non_field_errors"),
    ],
)
def test_settings_that_are_none(cast: Cast, callers: Callers, body: Any, field: str) -> None:
    answer = callers.member.patch(f"/chats/{cast.chat.pk}/me", body)
    assert (answer.status, answer.data["code"]) == (400, "invalid")
    assert field in answer.data
    assert callers.member.get(f"/chats/{cast.chat.pk}").data["is_favourite"] is False
