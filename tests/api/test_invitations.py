"""Invitations and blocks over REST: what each side sees, and what they get for an answer."""

from __future__ import annotations

from typing import Any

from chats import services
from tests.api.conftest import Callers, caller_for
from tests.conftest import Cast, make_user


def invited(cast: Cast, callers: Callers, body: Any = None) -> Any:
    """Have the owner invite the outsider; returns the answer."""
    return callers.owner.post(f"/workspaces/{cast.workspace.pk}/members", body or {"username": "Otto", "role": "admin"})


def test_what_the_maker_and_the_invited_see(cast: Cast, callers: Callers) -> None:
    answer = invited(cast, callers)
    assert answer.status == 202
    assert set(answer.data) == {"id", "workspace", "invited_by", "role", "created_at", "expires_at", "username"}
    assert (answer.data["username"], answer.data["role"]) == ("Otto", "admin")
    assert str(cast.outsider.pk) not in str(answer.data)
    path = f"/workspaces/{cast.workspace.pk}/invitations"
    assert callers.owner.get(path).data["results"] == [answer.data]
    assert callers.owner.get(f"{path}/{answer.data['id']}").data == answer.data
    assert callers.member.get(path).status == 403
    (own,) = callers.outsider.get("/me/invitations").data["results"]
    assert own == {name: value for name, value in answer.data.items() if name != "username"}
    assert own["workspace"] == {"id": str(cast.workspace.pk), "name": "Acme"}
    assert own["invited_by"]["username"] == "olga"
    bell = callers.outsider.get("/notifications").data
    assert (bell["unread_count"], bell["results"][0]["kind"], bell["results"][0]["chat_id"]) == (1, "invited", None)
    assert bell["results"][0]["chat_label"] == "Acme"
    for seeker, hidden in ((callers.owner, "otto"), (callers.outsider, "olga")):
        assert hidden not in [person["username"] for person in seeker.get("/users").data["results"]]
    by_id = callers.owner.post(f"/workspaces/{cast.workspace.pk}/members", {"user_id": str(cast.outsider.pk)})
    assert (by_id.status, by_id.data["id"]) == (202, answer.data["id"])


def test_accepting(cast: Cast, callers: Callers) -> None:
    invitation = invited(cast, callers).data["id"]
    joined = callers.outsider.post(f"/me/invitations/{invitation}/accept")
    assert (joined.status, joined.data["id"], joined.data["role"]) == (200, str(cast.workspace.pk), "admin")
    assert callers.outsider.post(f"/me/invitations/{invitation}/accept").status == 404
    assert callers.outsider.get("/me/invitations").data["results"] == []
    assert callers.owner.get(f"/workspaces/{cast.workspace.pk}/invitations").data["results"] == []
    assert invited(cast, callers).status == 200


def test_declining_blocking_and_taking_back_answer_alike(cast: Cast, callers: Callers) -> None:
    invitation = invited(cast, callers).data["id"]
    assert callers.outsider.post(f"/me/invitations/{invitation}/decline").status == 204
    assert callers.outsider.post(f"/me/invitations/{invitation}/decline").status == 404
    declined = invited(cast, callers)
    blocker = make_user("bea")
    place = services.create_workspace(user=cast.owner, name="Another").workspace
    services.add_workspace_member(user=cast.owner, workspace_id=place.pk, member_id=blocker.pk)
    assert caller_for(blocker).call("PUT", f"/me/blocks/{cast.owner.pk}").status == 204
    blocked = callers.owner.post(f"/workspaces/{cast.workspace.pk}/members", {"username": "bea"})
    assert (declined.status, declined.data["code"]) == (403, "forbidden")
    assert blocked.data == declined.data
    assert callers.owner.delete(f"/workspaces/{place.pk}/invitations").status == 204
    assert callers.owner.delete(f"/workspaces/{place.pk}/invitations/{invitation}").status == 404


def test_blocks_are_listed(cast: Cast, callers: Callers) -> None:
    path = f"/me/blocks/{cast.member.pk}"
    assert [callers.owner.call("PUT", path).status for _ in range(2)] == [204, 204]
    (row,) = callers.owner.get("/me/blocks").data["results"]
    assert (row["id"], row["username"]) == (str(cast.member.pk), "mika")
    assert callers.member.get("/me/blocks").data["results"] == []
    assert callers.owner.call("PUT", f"/me/blocks/{cast.owner.pk}").data["code"] == "invalid"
    assert callers.owner.call("PUT", f"/me/blocks/{cast.outsider.pk}").status == 404
    assert [callers.owner.delete(path).status for _ in range(2)] == [204, 204]


def test_a_direct_chat_is_nobodys(cast: Cast, callers: Callers) -> None:
    body = {"workspace_id": str(cast.workspace.pk), "kind": "direct", "member_ids": [str(cast.member.pk)]}
    chat = callers.owner.post("/chats", body).data["id"]
    for answer in (
        callers.owner.patch(f"/chats/{chat}", {"title": "Mine"}),
        callers.owner.post(f"/chats/{chat}/close"),
        callers.owner.post(f"/chats/{chat}/reopen"),
    ):
        assert (answer.status, answer.data["code"]) == (403, "forbidden")
    assert [callers.owner.delete(f"/chats/{chat}").status for _ in range(2)] == [204, 204]
    assert chat not in [row["id"] for row in callers.owner.get("/chats").data["results"]]
    assert chat in [row["id"] for row in callers.member.get("/chats").data["results"]]
    assert callers.owner.get(f"/chats/{chat}").status == 200
    again = callers.owner.post("/chats", body)
    assert (again.status, again.data["id"]) == (200, chat)
    assert chat in [row["id"] for row in callers.owner.get("/chats").data["results"]]
    callers.member.call("PUT", f"/me/blocks/{cast.owner.pk}")
    refused = callers.owner.post(f"/chats/{chat}/messages", {"body": "Hello"})
    assert (refused.status, refused.data["code"]) == (403, "forbidden")
    assert callers.owner.post("/chats", body).status == 403
