"""A workspace's settings: tabs, pages, search, and the way back to where one was."""

from __future__ import annotations

import datetime
import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from chats import services
from chats.models import WorkspaceInvitation, WorkspaceInvite, WorkspaceMember
from flowra.accounts.models import User
from tests.chats.views.test_members import NODES, WEIGHT, Nodes
from tests.chats.views.test_views import count_queries, sign_in
from tests.conftest import Cast

pytestmark = pytest.mark.django_db


def people(count: int, prefix: str = "p") -> list[User]:
    """Return new users, p000 and so on."""
    return User.objects.bulk_create(
        User(username=f"{prefix}{number:03}", display_name=f"Person {number:03}") for number in range(count)
    )


def fill(cast: Cast, *, members: int = 0, invitations: int = 0, links: int = 0) -> list[User]:
    """Put people, open invitations and invite links into the workspace; returns the members."""
    added = people(members)
    WorkspaceMember.objects.bulk_create(WorkspaceMember(workspace=cast.workspace, user=person) for person in added)
    invited = people(invitations, "i")
    WorkspaceInvitation.objects.bulk_create(
        WorkspaceInvitation(
            workspace=cast.workspace,
            user=person,
            username=person.username,
            invited_by=cast.owner,
            expires_at=timezone.now() + datetime.timedelta(days=1),
        )
        for person in invited
    )
    WorkspaceInvite.objects.bulk_create(
        WorkspaceInvite(workspace=cast.workspace, created_by=cast.owner, expires_at=timezone.now())
        for _ in range(links)
    )
    return added


def show(client: Client, cast: Cast, **query: str | int) -> str:
    """Return the settings, white space made single spaces."""
    answer = client.get(reverse("chats:workspace_settings", args=[cast.workspace.pk]), query)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def tabs(html: str) -> list[tuple[str, bool]]:
    """Return the words of each tab and whether it is the current one."""
    found = re.search(r'<nav class="tabs"[^>]*>(.*?)</nav>', html)
    assert found is not None
    links = re.findall(r"<a ([^>]*)>(.*?)</a>", found[1])
    return [(" ".join(re.sub("<[^>]*>", "", words).split()), "aria-current" in attrs) for attrs, words in links]


def test_each_tab_has_its_part(cast: Cast) -> None:
    fill(cast, invitations=1, links=1)
    owner = sign_in(cast.owner)
    shown = {tab: show(owner, cast, tab=tab) for tab in ("members", "links", "general")}
    parts = {
        "members": ('action="/workspaces/[^"]*/members/add/"', 'id="invitations"'),
        "links": ('action="/workspaces/[^"]*/invites/new/"', '<section[^>]* id="invites"'),
        "general": ('action="/workspaces/[^"]*/rename/"', 'href="/workspaces/[^"]*/delete/"'),
    }
    for tab, html in shown.items():
        for other, patterns in parts.items():
            assert [bool(re.search(pattern, html)) for pattern in patterns] == [other == tab] * 2, (tab, other)
        assert html.count('id="invites"') == 1  # the section, or the way to it
    names = ["Members (2)", "Invite links", "General"]
    for place, tab in enumerate(shown):
        assert tabs(shown[tab]) == [(name, number == place) for number, name in enumerate(names)]
    assert tabs(show(owner, cast)) == tabs(show(owner, cast, tab="no such tab")) == tabs(shown["members"])


def test_members_see_the_members_only(cast: Cast) -> None:
    fill(cast, invitations=1, links=1)
    member = sign_in(cast.member)
    for tab in ("members", "links", "general"):
        html = show(member, cast, tab=tab)
        assert tabs(html) == [("Members (2)", True)]
        assert "Olga" in html
        for hidden in ("/rename/", "/invites/", "invitations", 'name="username"', "/workspaces/new/invite"):
            assert hidden not in html.split("<main", 1)[1], (tab, hidden)


@pytest.mark.parametrize("tab", ["members", "links", "general"])
def test_a_workspace_of_a_thousand_is_light(cast: Cast, tab: str) -> None:
    client = sign_in(cast.owner)
    path = reverse("chats:workspace_settings", args=[cast.workspace.pk]) + f"?tab={tab}"
    fill(cast, members=1, invitations=1, links=1)
    before = count_queries(client, path)
    WorkspaceMember.objects.exclude(user=cast.owner).delete()
    WorkspaceInvitation.objects.all().delete()
    User.objects.filter(username__in=["p000", "i000"]).delete()
    fill(cast, members=999, invitations=200, links=200)
    assert count_queries(client, path) == before
    page = client.get(path).content
    nodes = Nodes()
    nodes.feed(page.decode())
    assert len(page) < WEIGHT
    assert nodes.count < NODES


def test_lists_have_pages_of_their_own(cast: Cast) -> None:
    fill(cast, members=120, invitations=120, links=120)
    owner = sign_in(cast.owner)
    html = show(owner, cast, page=2, invitations=3)
    assert "Person 060" in html
    assert "Person 000" not in html
    assert len(re.findall("/cancel/", html)) == 20
    path = reverse("chats:workspace_settings", args=[cast.workspace.pk])
    for link in ("?page=1&amp;invitations=3", "?page=3&amp;invitations=3", "?page=2&amp;invitations=2#invitations"):
        assert f'href="{path}{link}"' in html, link
    links = show(owner, cast, tab="links", links=3)
    assert len(re.findall("/revoke/", links)) == 20
    assert f'href="{path}?tab=links&amp;links=2#invites"' in links


def test_members_are_searched(cast: Cast) -> None:
    [zoe, *_] = fill(cast, members=60)
    User.objects.filter(pk=zoe.pk).update(display_name="Zoë Łukasik", name_key="zoe lukasik")
    owner = sign_in(cast.owner)
    html = show(owner, cast, search=" LUKA z ")
    assert re.findall("/members/([^/]*)/remove/", html) == [str(zoe.pk)]
    assert "1 found" in html
    assert "Members" in html
    assert "(62)" in html
    assert "Nobody found." in show(owner, cast, search="nobody at all")
    assert re.search(r'<form class="member-search"', show(owner, cast))
    WorkspaceMember.objects.filter(user__username__startswith="p").delete()
    assert 'class="member-search"' not in show(owner, cast)


def test_who_changes_something_comes_back_to_where_they_were(cast: Cast) -> None:
    added = fill(cast, members=120, invitations=60)
    owner = sign_in(cast.owner)
    settings = reverse("chats:workspace_settings", args=[cast.workspace.pk])
    html = show(owner, cast, page=2, invitations=2)
    place = "?page=2&invitations=2"
    role, remove = (re.search(f'"([^"]*/{added[70].pk}/{name}/[^"]*)"', html) for name in ("role", "remove"))
    cancel = re.search('"([^"]*/cancel/[^"]*)"', html)
    assert role is not None
    assert remove is not None
    assert cancel is not None
    role_path, remove_path, cancel_path = (found[1].replace("&amp;", "&") for found in (role, remove, cancel))
    assert owner.post(role_path, {"role": "admin"}).headers["Location"] == settings + place
    question = owner.get(remove_path)
    assert question.context["question"].back == settings + place
    assert owner.post(question.context["action"]).headers["Location"] == settings + place
    assert owner.post(cancel_path).headers["Location"] == f"{settings}{place}#invitations"
    searched = show(owner, cast, search="person 00")
    found = re.search(f'"([^"]*/{added[5].pk}/remove/[^"]*)"', searched)
    assert found is not None
    assert owner.post(found[1]).headers["Location"] == f"{settings}?search=person+00"


def test_a_link_is_made_and_revoked_on_its_tab(cast: Cast) -> None:
    owner = sign_in(cast.owner)
    settings = reverse("chats:workspace_settings", args=[cast.workspace.pk])
    create = reverse("chats:invite_create", args=[cast.workspace.pk])
    made = owner.post(create, {"role": "member", "days": "7"})
    assert made.headers["Location"] == f"{settings}?tab=links#invites"
    invite = services.create_invite(user=cast.owner, workspace_id=cast.workspace.pk)
    revoke = reverse("chats:invite_revoke", args=[cast.workspace.pk, invite.pk])
    revoked = owner.post(f"{revoke}?tab=links&links=2")
    assert revoked.headers["Location"] == f"{settings}?tab=links&links=2#invites"
