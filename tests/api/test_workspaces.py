"""Workspaces and who is in them."""

from __future__ import annotations

import pytest

from chats import services
from chats.models import Workspace, WorkspaceMember
from tests.api.conftest import Callers, caller_for
from tests.conftest import Cast, make_user


def test_create_list_show(cast: Cast, callers: Callers) -> None:
    made = callers.outsider.post("/workspaces", {"name": "  Side \n project "})
    assert made.status == 201
    assert (made.data["name"], made.data["role"]) == ("Side project", "owner")
    listed = callers.outsider.get("/workspaces")
    assert listed.data == {"results": [made.data], "next": None, "previous": None}
    assert callers.outsider.get(f"/workspaces/{made.data['id']}").data == made.data
    assert callers.member.get(f"/workspaces/{cast.workspace.pk}").data["role"] == "member"


def test_rename_and_delete_need_rank(cast: Cast, callers: Callers) -> None:
    path = f"/workspaces/{cast.workspace.pk}"
    assert callers.member.patch(path, {"name": "Mine"}).status == 403
    assert callers.member.delete(path).data["code"] == "forbidden"
    assert callers.owner.patch(path, {"name": "Acme & Sons"}).data["name"] == "Acme & Sons"
    callers.owner.patch(f"{path}/members/{cast.member.pk}", {"role": "admin"})
    assert callers.member.patch(path, {"name": "Acme"}).status == 200
    assert callers.member.delete(path).status == 403
    assert callers.owner.delete(path).status == 204
    assert not Workspace.objects.filter(pk=cast.workspace.pk).exists()


def test_add_somebody_by_id_or_name(cast: Cast, callers: Callers) -> None:
    path = f"/workspaces/{cast.workspace.pk}/members"
    assert callers.member.post(path, {"username": "otto"}).status == 403
    elsewhere = services.create_workspace(user=cast.owner, name="Elsewhere").workspace
    services.moderate_add_workspace_member(workspace_id=elsewhere.pk, user_id=cast.outsider.pk, role="member")
    added = callers.owner.post(path, {"username": "OTTO", "role": "admin"})
    assert (added.status, added.data["user_id"], added.data["role"]) == (201, str(cast.outsider.pk), "admin")
    again = callers.owner.post(path, {"user_id": str(cast.outsider.pk)})
    assert (again.status, again.data["role"]) == (200, "admin")
    assert callers.owner.post(path, {"username": "nobody-here"}).data["username"] == ["There is no such user."]
    assert "user_id" in callers.owner.post(path, {}).data


def test_a_deactivated_user_cannot_be_added(cast: Cast, callers: Callers) -> None:
    cast.outsider.is_active = False
    cast.outsider.save()
    answer = callers.owner.post(f"/workspaces/{cast.workspace.pk}/members", {"username": "otto"})
    assert (answer.status, answer.data["code"]) == (400, "invalid")


def test_only_owners_make_and_unmake_owners(cast: Cast, callers: Callers) -> None:
    members = f"/workspaces/{cast.workspace.pk}/members"
    callers.owner.patch(f"{members}/{cast.member.pk}", {"role": "admin"})
    assert callers.member.post(members, {"username": "otto", "role": "owner"}).status == 403
    assert callers.member.post(members, {"username": "otto"}).status == 202
    services.moderate_add_workspace_member(workspace_id=cast.workspace.pk, user_id=cast.outsider.pk, role="member")
    assert callers.member.patch(f"{members}/{cast.outsider.pk}", {"role": "owner"}).status == 403
    assert callers.member.patch(f"{members}/{cast.owner.pk}", {"role": "member"}).status == 403
    assert callers.member.delete(f"{members}/{cast.owner.pk}").status == 403
    assert callers.member.patch(f"{members}/{cast.outsider.pk}", {"role": "admin"}).status == 200
    assert callers.owner.patch(f"{members}/{cast.outsider.pk}", {"role": "owner"}).data["role"] == "owner"
    assert callers.member.delete(f"{members}/{cast.outsider.pk}").status == 403


def test_the_last_owner_cannot_go(cast: Cast, callers: Callers) -> None:
    mine = f"/workspaces/{cast.workspace.pk}/members/{cast.owner.pk}"
    assert callers.owner.delete(mine).data["code"] == "conflict"
    assert callers.owner.patch(mine, {"role": "member"}).status == 409
    callers.owner.patch(f"/workspaces/{cast.workspace.pk}/members/{cast.member.pk}", {"role": "owner"})
    assert callers.owner.delete(mine).status == 204
    assert callers.owner.get(f"/workspaces/{cast.workspace.pk}").status == 404


def test_a_plain_member_may_only_leave(cast: Cast, callers: Callers) -> None:
    services.moderate_add_workspace_member(workspace_id=cast.workspace.pk, user_id=cast.outsider.pk, role="member")
    members = f"/workspaces/{cast.workspace.pk}/members"
    assert callers.member.delete(f"{members}/{cast.outsider.pk}").status == 403
    assert callers.member.patch(f"{members}/{cast.member.pk}", {"role": "admin"}).status == 403
    assert callers.member.delete(f"{members}/{cast.member.pk}").status == 204
    assert callers.member.get(f"/chats/{cast.chat.pk}").status == 404
    assert callers.owner.delete(f"{members}/{cast.member.pk}").status == 404


@pytest.mark.parametrize("role", ["king", "", None, 1, True, ["owner"], {"owner": 1}])
def test_a_role_is_one_of_three_words(cast: Cast, callers: Callers, role: object) -> None:
    path = f"/workspaces/{cast.workspace.pk}/members/{cast.member.pk}"
    answer = callers.owner.patch(path, {"role": role})
    assert (answer.status, answer.data["code"]) == (400, "invalid")
    assert "role" in answer.data


def test_invites_are_made_used_and_used_up(cast: Cast, callers: Callers) -> None:
    path = f"/workspaces/{cast.workspace.pk}/invites"
    made = callers.owner.post(path, {"role": "admin", "days": 1, "max_uses": 1})
    assert (made.status, made.data["use_count"], made.data["max_uses"]) == (201, 0, 1)
    assert callers.owner.get(path).data["results"] == [made.data]
    joined = callers.outsider.post(f"/invites/{made.data['token']}")
    assert (joined.status, joined.data["id"], joined.data["role"]) == (200, str(cast.workspace.pk), "admin")
    late = caller_for(make_user("late"))
    assert late.post(f"/invites/{made.data['token']}").data["code"] == "not_found"
    assert not WorkspaceMember.objects.filter(user__username="late").exists()


def test_invites_are_for_owners_and_admins(cast: Cast, callers: Callers) -> None:
    path = f"/workspaces/{cast.workspace.pk}/invites"
    made = callers.owner.post(path, {}).data
    for method, where in [("GET", path), ("POST", path), ("DELETE", path), ("DELETE", f"{path}/{made['id']}")]:
        assert callers.member.call(method, where, {} if method == "POST" else None).status == 403
    assert callers.owner.delete(f"{path}/{made['id']}").status == 204
    assert callers.owner.delete(f"{path}/{made['id']}").status == 404
    callers.owner.post(path, {})
    assert callers.owner.delete(path).status == 204
    assert callers.owner.get(path).data["results"] == []
    assert callers.outsider.post(f"/invites/{made['token']}").status == 404


@pytest.mark.parametrize(
    "body",
    [{"role": "owner"}, {"days": 0}, {"days": 91}, {"days": "7"}, {"days": True}, {"max_uses": 0}, {"max_uses": 1001}],
)
def test_an_invite_has_bounds(cast: Cast, callers: Callers, body: dict[str, object]) -> None:
    answer = callers.owner.post(f"/workspaces/{cast.workspace.pk}/invites", body)
    assert answer.status == 400
    assert set(body) <= set(answer.data)


@pytest.mark.parametrize("token", ["%00", "a" * 500, "%27%20OR%201=1--", "..", "é"])
def test_what_is_no_invite_token_is_unknown(callers: Callers, token: str) -> None:
    assert callers.outsider.post(f"/invites/{token}").status == 404
