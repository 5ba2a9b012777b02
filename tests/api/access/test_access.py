"""Every endpoint, to somebody without a credential, to an outsider, and with ids that are none."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from chats import services
from tests.api.conftest import Callers
from tests.conftest import Cast

BODY = {"body": "Hello"}
# (method, path, body): everything that concerns a workspace or chat of which one must be a member.
MEMBERS_ONLY = [
    ("GET", "/workspaces/{workspace}", None),
    ("PATCH", "/workspaces/{workspace}", {"name": "Mine"}),
    ("DELETE", "/workspaces/{workspace}", None),
    ("GET", "/workspaces/{workspace}/members", None),
    ("POST", "/workspaces/{workspace}/members", {"username": "otto"}),
    ("PATCH", "/workspaces/{workspace}/members/{member}", {"role": "admin"}),
    ("DELETE", "/workspaces/{workspace}/members/{member}", None),
    ("GET", "/workspaces/{workspace}/invites", None),
    ("POST", "/workspaces/{workspace}/invites", {}),
    ("DELETE", "/workspaces/{workspace}/invites", None),
    ("DELETE", "/workspaces/{workspace}/invites/{invite}", None),
    ("GET", "/workspaces/{workspace}/invitations", None),
    ("DELETE", "/workspaces/{workspace}/invitations", None),
    ("GET", "/workspaces/{workspace}/invitations/{invitation}", None),
    ("DELETE", "/workspaces/{workspace}/invitations/{invitation}", None),
    ("POST", "/chats", {"workspace_id": "{workspace}", "kind": "task", "title": "Mine"}),
    ("GET", "/chats?workspace={workspace}", None),
    ("GET", "/search?q=docs&workspace={workspace}", None),
    ("GET", "/chats/{chat}", None),
    ("PATCH", "/chats/{chat}", {"title": "Mine"}),
    ("DELETE", "/chats/{chat}", None),
    ("PATCH", "/chats/{chat}/me", {"is_favourite": True}),
    ("POST", "/chats/{chat}/close", None),
    ("POST", "/chats/{chat}/reopen", None),
    ("GET", "/chats/{chat}/members", None),
    ("POST", "/chats/{chat}/members", {"user_id": "{member}"}),
    ("DELETE", "/chats/{chat}/members/{member}", None),
    ("GET", "/chats/{chat}/messages", None),
    ("POST", "/chats/{chat}/messages", BODY),
    ("GET", "/chats/{chat}/messages/{message}", None),
    ("PATCH", "/chats/{chat}/messages/{message}", BODY),
    ("DELETE", "/chats/{chat}/messages/{message}", None),
    ("GET", "/chats/{chat}/changes?since=0", None),
    ("GET", "/chats/{chat}/presence", None),
    ("POST", "/chats/{chat}/read", {"seq": 1}),
]
SIGNED_IN_ONLY: list[tuple[str, str, Any]] = [
    ("GET", "/me", None),
    ("PATCH", "/me", {}),
    ("GET", "/me/invitations", None),
    ("POST", "/me/invitations/{invitation}/accept", None),
    ("POST", "/me/invitations/{invitation}/decline", None),
    ("GET", "/me/blocks", None),
    ("PUT", "/me/blocks/{member}", None),
    ("DELETE", "/me/blocks/{member}", None),
    ("GET", "/users", None),
    ("GET", "/workspaces", None),
    ("POST", "/workspaces", {"name": "Mine"}),
    ("GET", "/chats", None),
    ("GET", "/notifications", None),
    ("POST", "/notifications/read", {"all": True}),
    ("GET", "/search?q=docs", None),
    ("POST", "/invites/unknown", None),
]
IDS = "method", "path", "body"
WRONG_IDS = ["1", "not-a-uuid", "1%20OR%201=1", "%27;DROP%20TABLE%20chats_chat;--", "..%2e", "%00", "\u200f", "é" * 300]


@pytest.fixture
def names(cast: Cast) -> dict[str, str]:
    """Give the ids that the paths above have place-holders for."""
    posted = services.post_message(user=cast.owner, chat_id=cast.chat.pk, body="Look at the docs", client_id=uuid4())
    invite = services.create_invite(user=cast.owner, workspace_id=cast.workspace.pk)
    return {
        "workspace": str(cast.workspace.pk),
        "chat": str(cast.chat.pk),
        "member": str(cast.member.pk),
        "message": str(posted.message.pk),
        "invite": str(invite.pk),
        "invitation": str(uuid4()),
    }


def fill(value: Any, names: dict[str, str]) -> Any:
    """Return `value` with the place-holders filled in."""
    if isinstance(value, str):
        return value.format(**names)
    return {key: fill(item, names) for key, item in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize(IDS, MEMBERS_ONLY + SIGNED_IN_ONLY)
def test_nobody_is_told_to_sign_in(callers: Callers, names: dict[str, str], method: str, path: str, body: Any) -> None:
    answer = callers.nobody.call(method, fill(path, names), fill(body, names))
    assert (answer.status, answer.data["code"]) == (401, "not_authenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(IDS, MEMBERS_ONLY)
def test_to_an_outsider_it_does_not_exist(
    callers: Callers, names: dict[str, str], method: str, path: str, body: Any
) -> None:
    nothing = {name: str(uuid4()) for name in names}
    answer = callers.outsider.call(method, fill(path, names), fill(body, names))
    unknown = callers.outsider.call(method, fill(path, nothing), fill(body, names if path == "/chats" else nothing))
    assert (answer.status, answer.data["code"]) == (404, "not_found")
    assert answer.data == unknown.data


@pytest.mark.slow
@pytest.mark.parametrize("wrong", WRONG_IDS)
@pytest.mark.parametrize(IDS, [row for row in MEMBERS_ONLY if "/{" in row[1]])
def test_an_id_that_is_none_is_a_400(callers: Callers, method: str, path: str, body: Any, wrong: str) -> None:
    bad = dict.fromkeys(["workspace", "chat", "member", "message", "invite", "invitation"], wrong)
    answer = callers.owner.call(method, fill(path, bad), fill(body, {**bad, "member": str(uuid4())}))
    assert (answer.status, answer.data["code"]) == (400, "invalid")
    assert len(answer.data) == 3


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/v1", "/api/v1/", "/api/v1/me/", "/api/v1/chats/../../etc/x/y", "/api/v2/me"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT"])
def test_unknown_paths_answer_json(callers: Callers, method: str, path: str) -> None:
    answer = callers.nobody.call(method, path)
    assert (answer.status, answer.data["code"]) == (404, "not_found")


def test_a_method_that_is_none_is_a_405(callers: Callers) -> None:
    answer = callers.owner.call("PUT", "/me", {})
    assert (answer.status, answer.data["code"]) == (405, "method_not_allowed")
    assert "PATCH" in answer.headers["Allow"]


def test_this_file_knows_every_endpoint() -> None:
    known = {(method, _plain(path.partition("?")[0])) for method, path, _body in MEMBERS_ONLY + SIGNED_IN_ONLY}
    public = {("POST", f"auth/{name}") for name in ("token", "token/refresh", "token/revoke")}
    assert {(method, path.replace("unknown", "{}")) for method, path in known} | public == served()


def test_another_sites_page_changes_nothing_with_the_callers_cookie(cast: Cast, names: dict[str, str]) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(cast.owner, backend="django.contrib.auth.backends.ModelBackend")
    for method, path, body in MEMBERS_ONLY + SIGNED_IN_ONLY:
        for content_type in ("application/json", "text/plain"):  # the latter needs no leave from us to be sent
            raw = json.dumps(fill(body, names))
            answer = browser.generic(method, f"/api/v1{fill(path, names)}", raw, content_type=content_type)
            if method != "GET":
                assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), (method, path)


def _plain(path: str) -> str:
    return "/".join("{}" if part.startswith("{") else part for part in path.strip("/").split("/"))


def served() -> set[tuple[str, str]]:
    """Return method and path, as "chats/{}", of each endpoint that the server has, but for those of the document."""
    resolver = next(part for part in get_resolver().url_patterns if str(part.pattern) == "api/v1/")
    endpoints: set[tuple[str, str]] = set()
    pending: list[URLPattern | URLResolver] = [resolver]
    while pending:
        part = pending.pop()
        if isinstance(part, URLResolver):
            pending.extend(part.url_patterns)
            continue
        path = "/".join("{}" if "<" in piece else piece for piece in str(part.pattern).split("/"))
        view = getattr(part.callback, "view_class", None)
        methods = [method for method in ("get", "post", "put", "patch", "delete") if hasattr(view, method)]
        endpoints |= {(method.upper(), path) for method in methods if path not in ("schema", "docs")}
    return endpoints
