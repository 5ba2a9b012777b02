"""A chat for a page that is open already: its part alone, at a constant cost; and where the reader was last."""

from __future__ import annotations

import json
import re
import uuid

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from chats import services
from chats.models import Chat, ChatKind
from tests.chats.views.test_views import say, sign_in
from tests.conftest import Cast, make_user

pytestmark = pytest.mark.django_db
PART = {"X-Requested-With": "fetch"}


def part_of(client: Client, chat: Chat) -> str:
    """Return the part of a chat's page."""
    response = client.get(reverse("chats:detail", args=[chat.pk]), headers=PART)
    assert response.status_code == 200
    return response.content.decode()


def make_chats(cast: Cast, count: int) -> list[Chat]:
    """Return more chats of the cast's workspace."""
    return [
        services.create_chat(
            user=cast.owner,
            workspace_id=cast.workspace.pk,
            kind=ChatKind.DISCUSSION,
            title=f"Chat {number}",
            member_ids=[cast.member.pk],
        )[0].chat
        for number in range(count)
    ]


def queries_of(client: Client, chat: Chat) -> list[str]:
    """Return the statements of the part."""
    with CaptureQueriesContext(connection) as captured:
        part_of(client, chat)
    return [query["sql"] for query in captured]


def test_the_part_has_what_the_page_has_and_no_frame(cast: Cast) -> None:
    say(cast, cast.owner, "Hello")
    html = part_of(sign_in(cast.member), cast.chat)
    for present in ('<main id="main"', 'id="members"', 'id="bootstrap"', "data-label", "Hello", "csrfmiddlewaretoken"):
        assert present in html, present
    for absent in ("<html", 'id="sidebar"', "navbar", "<link", 'id="dialog"'):
        assert absent not in html, absent
    bootstrap = json.loads(re.findall(r'id="bootstrap"[^>]*>(.*?)</script>', html)[0])
    assert bootstrap["chat_id"] == str(cast.chat.pk)
    assert (bootstrap["seq"], bootstrap["last_read_seq"], bootstrap["may_manage"]) == (1, 0, False)


def test_the_part_costs_the_same_however_much_there_is(cast: Cast) -> None:
    client = sign_in(cast.member)
    for number in range(5):
        say(cast, cast.owner, f"Message {number}")
    few = queries_of(client, cast.chat)
    make_chats(cast, 30)
    people = [make_user(f"person{number}") for number in range(30)]
    for person in people:
        services.moderate_add_workspace_member(workspace_id=cast.workspace.pk, user_id=person.pk, role="member")
    services.add_chat_members(user=cast.owner, chat_id=cast.chat.pk, user_ids=[person.pk for person in people])
    for number in range(100):
        say(cast, cast.owner, f"Message {number}")
    many = queries_of(client, cast.chat)
    assert len(many) == len(few), "\n".join(many)
    assert len(many) <= 14, "\n".join(many)


def test_a_direct_chat_says_who_it_is_with(cast: Cast) -> None:
    direct, _created = services.create_chat(
        user=cast.owner, workspace_id=cast.workspace.pk, kind=ChatKind.DIRECT, member_ids=[cast.member.pk]
    )
    html = part_of(sign_in(cast.owner), direct.chat)
    assert f'data-label="{cast.member.get_full_name()}"' in html
    assert f'data-peer-id="{cast.member.pk}"' in html


def test_a_part_may_be_fetched_before_it_is_opened(cast: Cast) -> None:
    """Nothing is read by it, and the reader is where they were."""
    say(cast, cast.owner, "Hello")
    client = sign_in(cast.member)
    (other,) = make_chats(cast, 1)
    client.get(reverse("chats:detail", args=[other.pk]))
    part_of(client, cast.chat)
    client.get(reverse("chats:header", args=[cast.chat.pk]))
    assert client.get("/").headers["Location"] == reverse("chats:detail", args=[other.pk])
    assert cast.chat.memberships.get(user=cast.member).last_read_seq == 0


def test_what_scripts_have_opened_is_where_the_reader_was_last(cast: Cast) -> None:
    client = sign_in(cast.member)
    first, second = make_chats(cast, 2)
    client.get(reverse("chats:detail", args=[first.pk]))
    client.cookies["flowra_place"] = f"{cast.workspace.pk}.{second.pk}"
    assert client.get("/").headers["Location"] == reverse("chats:detail", args=[second.pk])
    del client.cookies["flowra_place"]
    assert client.get("/").headers["Location"] == reverse("chats:detail", args=[second.pk])


def test_a_cookie_of_somebody_else_leads_nowhere(cast: Cast) -> None:
    client = sign_in(cast.member)
    hers = part_of(client, cast.chat)
    assert hers
    elsewhere = services.create_workspace(user=cast.outsider, name="Elsewhere")
    for value in (f"{elsewhere.workspace_id}.{uuid.uuid4()}", "x.y", f"{cast.workspace.pk}", "....", "\x00"):
        client.cookies["flowra_place"] = value
        response = client.get("/")
        assert response.status_code == 302
        assert client.get(response.headers["Location"]).status_code == 200
    client.post("/accounts/logout/")
    assert client.cookies["flowra_place"]["max-age"] == 0
