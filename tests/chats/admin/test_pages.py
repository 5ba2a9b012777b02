"""The admin pages of workspaces, chats and messages: a constant number of queries, and no unescaped text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext

from chats import services
from chats.models import (
    Chat,
    Message,
    WorkspaceInvite,
)
from tests.chats.admin.pages import MODELS, fill, post, url
from tests.conftest import Cast

if TYPE_CHECKING:
    from django.http import HttpRequest


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_lists_take_the_same_number_of_queries_whatever_their_length(
    admin_client: Client, cast: Cast, model: type[Model]
) -> None:
    fill(cast, 0)
    admin_client.get(url(model))  # content types are cached
    with CaptureQueriesContext(
        connection,
    ) as few:
        admin_client.get(url(model))
    for number in range(1, 6):
        fill(cast, number)
    with CaptureQueriesContext(connection) as many:
        assert admin_client.get(url(model)).status_code == 200
    assert len(many) == len(few)


@pytest.mark.parametrize("model", MODELS)
def test_every_page_opens_and_is_clean_under_the_policy(admin_client: Client, cast: Cast, model: type[Model]) -> None:
    fill(cast, 0)
    row = model._default_manager.first()
    assert row is not None
    pages = [url(model), url(model) + "?q=a", url(model, "change", row.pk), url(model, "history", row.pk)]
    if admin.site._registry[model].has_add_permission(admin_request(admin_client)):
        pages.append(url(model, "add"))
    for page in pages:
        response = admin_client.get(page)
        assert response.status_code == 200, page
        html = response.content.decode()
        assert not re.findall(r"<script(?![^>]*\b(?:src|type=.application/json))[^>]*>", html), page
        assert not re.findall(r"<[^>]+\s(?:style|on[a-z]+)=", html), page


def admin_request(client: Client) -> HttpRequest:
    """Return a request of the admin."""
    return client.get("/admin/").wsgi_request


@pytest.mark.parametrize("model", MODELS)
def test_the_admin_is_for_staff(client: Client, cast: Cast, model: type[Model]) -> None:
    client.force_login(cast.owner)
    response = client.get(url(model))
    assert response.headers["Location"].startswith("/admin/login/")


def test_links_from_a_chat_lead_to_its_own_rows(admin_client: Client, cast: Cast) -> None:
    mine, _ = (
        post(cast, "Mine"),
        services.create_chat(user=cast.owner, workspace_id=cast.workspace.pk, kind="bug", title="Other"),
    )
    page = admin_client.get(url(Chat, "change", cast.chat.pk)).content.decode()
    links = re.findall(r'href="(/admin/chats/(?:chatmember|message)/\?[^"]+)"', page)
    assert len(links) == 2
    for link in links:
        response = admin_client.get(link)
        assert response.status_code == 200
        assert "Other" not in response.content.decode()
    assert mine.body in admin_client.get(links[1]).content.decode()


def test_search_finds_by_id_and_by_text(admin_client: Client, cast: Cast) -> None:
    message = post(cast, "needle")
    post(cast, "hay")
    for query in (str(message.pk), "needle", "olga needle"):
        page = admin_client.get(url(Message), {"q": query}).content.decode()
        assert str(message.pk) in page
        assert ">hay<" not in page


def test_invite_tokens_are_not_shown(admin_client: Client, cast: Cast) -> None:
    invite = services.create_invite(user=cast.owner, workspace_id=cast.workspace.pk)
    for page in (url(WorkspaceInvite), url(WorkspaceInvite, "change", invite.pk)):
        assert invite.token not in admin_client.get(page).content.decode()
    admin_client.post(url(WorkspaceInvite, "delete", invite.pk), {"post": "yes"})
    assert not WorkspaceInvite.objects.exists()


def test_markup_is_shown_as_text(admin_client: Client, cast: Cast) -> None:
    message = post(cast, "<script>alert(1)</script>")
    for page in (url(Message), url(Message, "change", message.pk)):
        assert "<script>alert(1)" not in admin_client.get(page).content.decode()
