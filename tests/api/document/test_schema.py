"""The OpenAPI document: complete, silent, and of the same shapes as the payloads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, TypedDict
from uuid import uuid4

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.test import Client

from chats.api.document.components import component
from chats.payload_types import MessagePayload
from tests.api.conftest import Callers


def test_the_document_is_valid_and_raises_no_warning(capsys: pytest.CaptureFixture[str], tmp_path: Any) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yaml"))
    assert capsys.readouterr() == ("", "")


def test_a_component_says_what_its_payloads_type_says(callers: Callers) -> None:
    """Every kind of annotation there is, each in one component."""
    schemas = callers.nobody.get("/schema").data["components"]["schemas"]
    message = schemas["Message"]["properties"]
    assert schemas["Message"]["required"] == sorted(MessagePayload.__required_keys__)
    assert message["id"] == {"type": "string", "format": "uuid"}
    assert message["edited_at"] == {"type": ["string", "null"], "format": "date-time"}
    assert message["author"] == {"$ref": "#/components/schemas/User"}
    assert message["html"] == {"type": "string", "description": "The body as safe HTML."}
    chat = schemas["Chat"]["properties"]
    assert chat["kind"] == {"$ref": "#/components/schemas/ChatKind"}
    assert (chat["unread_count"]["minimum"], chat["unread_count"]["maximum"]) == (0, 999)
    assert chat["peer"]["oneOf"] == [{"$ref": "#/components/schemas/User"}, {"type": "null"}]
    assert schemas["Changes"]["required"] == ["reset", "results", "revision"]
    assert schemas["Changes"]["properties"]["results"]["items"] == {"$ref": "#/components/schemas/Change"}
    assert schemas["ChatPage"]["properties"]["next"]["format"] == "uri"
    assert schemas["MessagePage"]["description"].startswith("Messages in order of `seq`")


def test_a_type_without_a_field_is_an_error() -> None:
    class Odd(TypedDict):
        price: Decimal

    with pytest.raises(KeyError):
        component(Odd)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("User", "/users"),
        ("Workspace", "/workspaces"),
        ("Chat", "/chats"),
        ("Message", "/chats/{chat}/messages"),
        ("Member", "/chats/{chat}/members"),
        ("WorkspaceMember", "/workspaces/{workspace}/members"),
        ("Me", "/me"),
    ],
)
def test_an_answer_has_the_fields_of_its_component(callers: Callers, name: str, path: str) -> None:
    schemas = callers.nobody.get("/schema").data["components"]["schemas"]
    workspace = callers.owner.post("/workspaces", {"name": "Acme"}).data["id"]
    body = {"workspace_id": workspace, "kind": "discussion", "title": "Plans"}
    chat = callers.owner.post("/chats", body).data["id"]
    callers.owner.post(f"/chats/{chat}/messages", {"body": "Hello"})
    data = callers.owner.get(path.format(chat=chat, workspace=workspace)).data
    rows = (
        data["results"] if isinstance(data, dict) and "results" in data else data if isinstance(data, list) else [data]
    )
    assert rows
    for row in rows:
        assert set(row) == set(schemas[name]["properties"])


def test_the_document_is_served_to_everybody(callers: Callers) -> None:
    document = callers.nobody.get("/schema")
    assert (document.status, document.data["openapi"]) == (200, "3.1.0")
    assert document.headers["Content-Type"] == "application/json"
    operations = [name for path in document.data["paths"].values() for name in path.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations) == 52
    assert all(operation["summary"] and "429" in operation["responses"] for operation in operations)
    presence = document.data["paths"]["/api/v1/chats/{chat_id}/presence"]["get"]["responses"]
    assert presence["200"]["content"]["application/json"]["schema"] == {
        "type": "array",
        "items": {"$ref": "#/components/schemas/MemberPresence"},
    }
    assert set(presence) == {"200", "400", "401", "404", "429", "503"}


def test_the_page_that_shows_it_needs_no_other_host_and_no_inline_script(client: Client) -> None:
    page = client.get("/api/v1/docs")
    html = page.content.decode()
    assert page.status_code == 200
    assert "http://" not in html
    assert "https://" not in html
    assert "<script>" not in html
    assert "script-src 'self';" in page["Content-Security-Policy"] + ";"
    assert finders.find("drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js")
    script = client.get("/api/v1/docs?script=")
    assert script["Content-Type"].startswith("application/javascript")
    assert "/api/v1/schema" in script.content.decode()


def objects_in(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a JSON document."""
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from objects_in(child)


# What Go's RE2 lacks (classes by property as Python lacks them, look-around, back references, possessive repeats),
# or what engines write differently.
NOT_PORTABLE = re.compile(r"\\[pPuUxX]\{|\\[pPuUNkKGZzAQE1-9]|\(\?|[*+?}]\+|[^\x20-\x7e]")


def test_every_pattern_is_taken_by_every_generators_engine(callers: Callers) -> None:
    patterns = {found["pattern"] for found in objects_in(callers.nobody.get("/schema").data) if "pattern" in found}
    assert len(patterns) == 3
    for pattern in patterns:
        assert not NOT_PORTABLE.search(pattern), pattern
        if pattern.startswith("^[0-9a-fA-F]{8}"):  # ids with commas between them
            assert re.compile(pattern).match("01a20929-ccfc-7651-a51f-773d283306b5," * 2 + str(uuid4()))
            continue
        compiled = re.compile(pattern)
        for text in ("Hello", "  x", "\u091c\u094b", "\U0001f600", "a\n\tb", "x" * 10_000, "\u4f60\u597d\uff01", "\\"):
            assert compiled.match(text), (pattern, text)
        assert not compiled.match("a\0b")


def test_required_text_shows_something(callers: Callers) -> None:
    schemas = callers.nobody.get("/schema").data["components"]["schemas"]
    pattern = re.compile(schemas["MessageCreate"]["properties"]["body"]["pattern"])
    for blank in ("", " ", "\n\t", "\xa0", "\xad", "\x01\x7f\x9f"):
        assert not pattern.match(blank), blank


def test_every_integer_that_may_need_them_has_64_bits(callers: Callers) -> None:
    document = callers.nobody.get("/schema").data
    limits = {id(found["schema"]) for found in objects_in(document) if found.get("name") == "limit"}
    integers = [found for found in objects_in(document) if found.get("type") in ("integer", ["integer", "null"])]
    assert len(integers) - len(limits) > 20
    for found in integers:
        if id(found) in limits:  # what is too large is cut to 100
            continue
        assert found.get("format") == "int64" or found["maximum"] < 2**31, found


def test_a_refusal_declares_the_lists_of_its_fields(callers: Callers) -> None:
    schemas = callers.nobody.get("/schema").data["components"]["schemas"]
    for name in ("Error", "RateError"):
        assert schemas[name]["additionalProperties"] == {"type": "array", "items": {"type": "string"}}
    nested = callers.owner.post("/notifications/read", {"ids": ["no id", 3]})
    assert nested.status == 400
    assert {type(item) for item in nested.data["ids"]} == {str}


def test_no_two_enums_share_a_value(callers: Callers) -> None:
    """Generators for Go make one constant of each."""
    schemas = callers.nobody.get("/schema").data["components"]["schemas"]
    values = [value for schema in schemas.values() for value in schema.get("enum", ())]
    assert len(values) == len(set(values)) >= 11
    assert schemas["InviteCreate"]["properties"]["role"]["enum"] == ["admin", "member"]
    assert schemas["InviteCreate"]["properties"]["role"]["default"] == "member"
