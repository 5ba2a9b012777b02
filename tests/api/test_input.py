"""Bad input: whatever is sent, the answer is a 4xx in the API's own shape, and text stays text."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Callers
from tests.conftest import Cast

TEXTS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "'; DROP TABLE chats_chat; --",
    "../../etc/passwd",
    "{{ 7 * 7 }} {% debug %}",
    "😀👩‍👩‍👧",
    "שלום עולם \u202eevil",
    "zero\u200bwidth",
    "%00 %2e \\0",
]
NO_TEXT = [1, 1.5, True, None, [], ["a"], {}, {"a": 1}]
INVISIBLE = ["", " ", "\n\t", "\u200b", "\u2800", "\u3164\ufe0f", "\u202e\u202c", "\U000e0001"]


@pytest.mark.parametrize("text", TEXTS)
def test_text_stays_text(cast: Cast, callers: Callers, text: str) -> None:
    chat = f"/chats/{cast.chat.pk}"
    name = text.replace("\u202e", "").replace("\u200b", "")  # which names of people do not take, see test_names.py
    assert callers.owner.patch("/me", {"display_name": name}).data["display_name"] == name
    assert callers.owner.patch(f"/workspaces/{cast.workspace.pk}", {"name": text}).data["name"] == text
    assert callers.owner.patch(chat, {"title": text}).data["title"] == text
    message = callers.owner.post(f"{chat}/messages", {"body": text}).data
    assert message["body"] == text
    assert message["author"]["display_name"] == name
    html = message["html"]
    assert not any(tag in html for tag in ("<script", "<img", "<svg"))
    assert callers.owner.get(f"{chat}/messages").data["results"][0]["body"] == text
    assert callers.owner.get("/search?q=zzz").status == 200


@pytest.mark.parametrize("value", [*NO_TEXT, *INVISIBLE, "nul\0", "half \ud83d"])
def test_what_is_no_text_is_refused_everywhere(cast: Cast, callers: Callers, value: Any) -> None:
    chat = f"/chats/{cast.chat.pk}"
    message = callers.owner.post(f"{chat}/messages", {"body": "Hi"}).data["id"]
    new_chat = {"workspace_id": str(cast.workspace.pk), "kind": "task"}
    for method, path, field, more in [
        ("PATCH", "/me", "display_name", {}),
        ("POST", "/workspaces", "name", {}),
        ("PATCH", f"/workspaces/{cast.workspace.pk}", "name", {}),
        ("POST", "/chats", "title", new_chat),
        ("PATCH", chat, "title", {}),
        ("POST", f"{chat}/messages", "body", {}),
        ("PATCH", f"{chat}/messages/{message}", "body", {}),
    ]:
        answer = callers.owner.call(method, path, {**more, field: value})
        assert (answer.status, answer.data["code"]) == (400, "invalid"), path
        assert isinstance(answer.data[field], list), path


def test_texts_have_a_longest(cast: Cast, callers: Callers) -> None:
    chat = f"/chats/{cast.chat.pk}"
    for method, path, field, longest in [
        ("PATCH", "/me", "display_name", 80),
        ("PATCH", f"/workspaces/{cast.workspace.pk}", "name", 80),
        ("PATCH", chat, "title", 200),
        ("POST", f"{chat}/messages", "body", 10_000),
    ]:
        for text in ("x" * longest, "😀" * longest):
            answer = callers.owner.call(method, path, {field: text})
            assert answer.data[field] == text
        answer = callers.owner.call(method, path, {field: "x" * (longest + 1)})
        assert (answer.status, answer.data["code"]) == (400, "too_long")
        assert field in answer.data


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"nope",
        b'{"name": NaN}',
        b"\xff\xfe",
        b'{"name": "\xff"}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"name": ' + b"9" * 5000 + b"}",
        b"\x00",
    ],
)
def test_what_is_no_json_is_a_400(callers: Callers, raw: bytes) -> None:
    answer = callers.owner.call("POST", "/workspaces", raw=raw)
    assert (answer.status, answer.data["code"]) == (400, "invalid")


@pytest.mark.parametrize("body", [[], [{"name": "x"}], "x", 1, True])
def test_an_object_is_expected(callers: Callers, body: Any) -> None:
    answer = callers.owner.post("/workspaces", body)
    assert (answer.status, answer.data["code"]) == (400, "invalid")
    assert answer.data["detail"]


def test_null_is_no_object(callers: Callers) -> None:
    assert callers.owner.call("POST", "/workspaces", raw=b"null").status == 400


def test_a_body_has_a_largest_size(callers: Callers) -> None:
    answer = callers.owner.call("POST", "/workspaces", raw=b'{"name": "' + b"x" * 300_000 + b'"}')
    assert (answer.status, answer.data["code"]) == (413, "too_long")


def test_only_json_is_taken(cast: Cast, callers: Callers) -> None:
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "x"):
        response = callers.owner.client.generic(
            "POST", "/api/v1/workspaces", b"name=x", content_type=content_type, headers=callers.owner.headers
        )
        assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*", "nonsense", ""])
def test_only_json_is_given(callers: Callers, accept: str) -> None:
    answer = callers.owner.call("GET", "/me", Accept=accept)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")


@pytest.mark.parametrize("value", ["1", 1, None, True, [], "{01a20929-ccfc-7651-a51f-773d283306b5}", "0" * 32])
def test_ids_in_bodies_are_uuids(cast: Cast, callers: Callers, value: Any) -> None:
    chat = f"/chats/{cast.chat.pk}"
    workspace = f"/workspaces/{cast.workspace.pk}"
    for path, body in [
        ("/chats", {"workspace_id": value, "kind": "task", "title": "x"}),
        ("/chats", {"workspace_id": str(cast.workspace.pk), "kind": "task", "title": "x", "member_ids": [value]}),
        (f"{chat}/members", {"user_id": value}),
        (f"{workspace}/members", {"user_id": value}),
        *([] if value is None else [(f"{chat}/messages", {"body": "x", "client_id": value})]),
        *([] if value is None else [(f"{chat}/messages", {"body": "x", "reply_to": value})]),
    ]:
        assert callers.owner.post(path, body).status == 400, path
