"""Whom a message mentions, wherever it is given."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chats import services
from chats.markdown.html import Document, names_mentioned
from chats.models import Message
from chats.payloads import message_payload
from chats.selectors.mentions import find_mentions
from chats.selectors.messages import list_changes
from tests.api.conftest import caller_for
from tests.conftest import Cast


def post(cast: Cast, body: str) -> Message:
    return services.post_message(user=cast.owner, chat_id=cast.chat.pk, body=body, client_id=uuid4()).message


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("@mika @olga @mika", ["mika", "olga"]),
        ("@MIKA and @Olga.", ["mika", "olga"]),
        ("> @mika said\n\nHello @olga", ["olga"]),
        ("> @mika said\n\nyes, @mika", ["mika"]),
        ("- > > @mika\n\n@olga", ["olga"]),
        ("`@mika` [@olga](https://example.org) @otto @nobody", []),
        ('<span class="mention" data-username="mika">', []),
        ("Hello", []),
    ],
)
def test_names_are_those_outside_of_quotes_in_order(cast: Cast, body: str, expected: list[str]) -> None:
    message = post(cast, body)
    assert names_mentioned(message.html) == expected
    ids = {"mika": cast.member.pk, "olga": cast.owner.pk}
    assert message.mention_ids == [ids[name] for name in expected]
    stored = Message.objects.get(pk=message.pk)
    find_mentions([stored])
    assert stored.mention_ids == message.mention_ids


def test_rendered_html_marks_whom_it_notifies() -> None:
    document = Document("> @a @b\n\n@c, @b @a.b")
    members = {"a", "b", "c"}
    assert set(names_mentioned(document.render(members))) == document.notified_names(members)


def test_an_edit_and_a_deletion_change_them(cast: Cast) -> None:
    message = post(cast, "@mika")
    change: dict[str, Any] = {"user": cast.owner, "chat_id": cast.chat.pk, "message_id": message.pk}
    edited = services.edit_message(**change, body="@olga")
    assert message_payload(edited)["mentions"] == [str(cast.owner.pk)]
    assert message_payload(services.delete_message(**change))["mentions"] == []


def test_they_are_wherever_a_message_is_given(cast: Cast) -> None:
    message = post(cast, "Look, @mika")
    caller, path, mentions = caller_for(cast.member), f"/chats/{cast.chat.pk}", [str(cast.member.pk)]
    assert caller.get(f"{path}/messages").data["results"][0]["mentions"] == mentions
    assert caller.get(f"{path}/messages/{message.pk}").data["mentions"] == mentions
    assert caller.get(f"{path}/changes?since=0").data["results"][0]["data"]["mentions"] == mentions
    assert caller.get("/search?q=look").data["messages"][0]["mentions"] == mentions
    body = {"body": "@mika", "client_id": str(uuid4())}
    for _ in range(2):
        assert caller.post(f"{path}/messages", body).data["mentions"] == mentions


def test_a_hundred_messages_cost_one_query_and_none_without_names(cast: Cast) -> None:
    with CaptureQueriesContext(connection) as plain:
        post(cast, "Hello")
    for number in range(3):
        post(cast, f"{number} @mika @olga")
    changes = list_changes(cast.chat.__class__.objects.get(pk=cast.chat.pk), 0, 100)
    with CaptureQueriesContext(connection) as queries:
        payloads = [message_payload(message) for message in changes.messages]
    assert len(queries) == 0
    assert [len(payload["mentions"]) for payload in payloads] == [0, 2, 2, 2]
    stored = list(Message.objects.filter(chat=cast.chat).select_related("author"))
    with CaptureQueriesContext(connection) as queries:
        find_mentions(stored)
    assert len(queries) == 1
    with CaptureQueriesContext(connection) as queries:
        find_mentions(stored[:1])
    assert len(queries) == 0
    assert not any("lower" in query["sql"].lower() for query in plain.captured_queries)


def test_whoever_is_gone_is_left_out(cast: Cast) -> None:
    message = post(cast, "@mika @olga")
    stored = Message.objects.get(pk=message.pk)
    stored.html = stored.html.replace('"mika"', '"nobody"')
    find_mentions([stored])
    assert stored.mention_ids == [cast.owner.pk]
    assert all(isinstance(user_id, UUID) for user_id in stored.mention_ids)
    assert json.dumps(message_payload(stored)["mentions"])
