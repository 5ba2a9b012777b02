"""Presence as the server writes it into the page: members, header, and the fragments that are fetched again."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from chats import services
from flowra.accounts.models import User
from presence.models import LastSeen
from presence.registry.base import describe_process
from presence.registry.current import get_registry
from tests.chats.views.test_views import count_queries, sign_in
from tests.conftest import Cast, make_user

pytestmark = pytest.mark.django_db
Connect = Callable[..., None]
ITEM = re.compile(r'<li class="member-item" data-user-id="[^"]*" data-username="(\w+)".*?</li>', re.DOTALL)
DOT = re.compile(r'class="presence-dot (\w+)"><span class="visually-hidden">(\w*)<')


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Give a function that says who holds a connection to this process; without a call, nobody can say."""
    get_registry.cache_clear()
    process = describe_process()

    def connect(*users: User) -> None:
        get_registry().register(process)
        get_registry().update(process.incarnation, 1, {user.pk: 1 for user in users})

    yield connect
    get_registry.cache_clear()


def read(client: Client, cast: Cast, name: str, **headers: str) -> str:
    """Return one of the chat's pages, its white space made single spaces."""
    answer = client.get(reverse(f"chats:{name}", args=[cast.chat.pk]), headers=headers)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().replace("\xa0", " ").split())


def dots(page: str) -> list[tuple[str, str, str]]:
    """Return (username, look, words) of each member, in order."""
    return [(item[1], found[1], found[2]) for item in ITEM.finditer(page) if (found := DOT.search(item[0]))]


def small(page: str, username: str) -> str:
    """Return the small line under a member's name, without its tags."""
    item = next(item[0] for item in ITEM.finditer(page) if item[1] == username)
    found = re.search(r"<small>(.*?)</small>", item)
    assert found is not None
    return re.sub("<[^>]*>", "", found[1])


def test_online_first_with_counts_and_when_others_were_seen(cast: Cast, connect: Connect) -> None:
    connect(cast.owner)
    LastSeen.objects.create(user=cast.member, at=timezone.now() - datetime.timedelta(minutes=5, seconds=10))
    client = sign_in(cast.owner)
    pages = {name: read(client, cast, name) for name in ("detail", "members")}
    for name, page in pages.items():
        assert dots(page) == [("olga", "online", "Online"), ("mika", "offline", "Offline")], name
        assert "Members (1 online)" in page
        assert small(page, "olga") == "You"
        assert small(page, "mika") == "last seen 5 minutes ago"
        assert re.search(r'<time datetime="[\d-]+T[\d:.]+Z" data-style="ago">5 minutes ago</time>', page)
        assert len(re.findall(r' data-version="[1-9]\d*"', page)) == 2
    assert pages["detail"].count('class="online-count"') == 1
    assert "<span>1 online</span>" in pages["detail"]
    assert 'class="online-count"' not in pages["members"]


def test_others_are_online_or_never_seen(cast: Cast, connect: Connect) -> None:
    connect(cast.owner)
    page = read(sign_in(cast.member), cast, "detail")
    assert small(page, "olga") == "online"
    assert small(page, "mika") == "You"
    mine = read(sign_in(cast.owner), cast, "detail")
    assert small(mine, "mika") == "@mika"


def test_somebody_seen_a_moment_ago(cast: Cast, connect: Connect) -> None:
    connect(cast.owner)
    LastSeen.objects.create(user=cast.member, at=timezone.now())
    assert small(read(sign_in(cast.owner), cast, "detail"), "mika") == "last seen just now"


def test_fragments_stand_alone(cast: Cast, connect: Connect) -> None:
    connect(cast.owner, cast.member)
    client = sign_in(cast.owner)
    members = read(client, cast, "members", **{"X-Requested-With": "fetch"})
    assert "Members (2 online)" in members
    assert [name for name, _, _ in dots(members)] == ["mika", "olga"]
    assert 'data-presence="known"' in members
    assert "<span>2 online</span>" in read(client, cast, "header")


def test_unknown_is_not_offline(cast: Cast, connect: Connect) -> None:
    page = read(sign_in(cast.owner), cast, "detail")
    assert dots(page) == [("mika", "unknown", ""), ("olga", "unknown", "")]
    assert "Members (2)" in page
    assert re.search(r'class="online-count" hidden', page)
    assert 'data-presence="unknown"' in page
    assert "data-version" not in page
    assert (small(page, "mika"), small(page, "olga")) == ("@mika", "You")


def test_without_presence_the_list_is_a_list(cast: Cast, connect: Connect, settings: Settings) -> None:
    connect(cast.owner)
    settings.FLOWRA_PRESENCE_ENABLED = False
    page = read(sign_in(cast.owner), cast, "detail")
    assert "Members (2)" in page
    for hook in ("presence-dot", "online-count", "data-presence", "data-version"):
        assert hook not in page, hook
    assert small(page, "mika") == "@mika"


@pytest.mark.parametrize("name", ["detail", "members", "header"])
def test_presence_takes_two_queries_however_many_members(cast: Cast, connect: Connect, name: str) -> None:
    connect(cast.owner)
    client = sign_in(cast.owner)
    path = reverse(f"chats:{name}", args=[cast.chat.pk])
    before = count_queries(client, path)
    for number in range(5):
        person = make_user(f"extra{number}")
        services.moderate_add_workspace_member(workspace_id=cast.workspace.pk, user_id=person.pk, role="member")
        services.add_chat_members(user=cast.owner, chat_id=cast.chat.pk, user_ids=[person.pk])
        LastSeen.objects.create(user=person, at=timezone.now())
    assert count_queries(client, path) == before
    assert before <= 13


@pytest.mark.parametrize("is_blocker", [True, False])
def test_where_one_blocks_the_other_neither_sees_presence(cast: Cast, connect: Connect, *, is_blocker: bool) -> None:
    connect(cast.owner, cast.member)
    direct, _ = services.create_chat(
        user=cast.owner, workspace_id=cast.workspace.pk, kind="direct", member_ids=[cast.member.pk]
    )
    viewer = sign_in(cast.owner)
    path = reverse("chats:detail", args=[direct.chat_id])
    before = viewer.get(path).content.decode()
    assert f'data-presence-of="{cast.member.pk}"' in before
    assert 'data-presence="known"' in before
    blocker, blocked = (cast.owner, cast.member) if is_blocker else (cast.member, cast.owner)
    services.block_user(user=blocker, user_id=blocked.pk)
    after = viewer.get(path).content.decode()
    assert "data-presence-of" not in after  # in the list of chats
    assert 'data-presence="hidden"' in after
    assert [look for _, look, _ in dots(" ".join(after.split()))] == ["offline", "offline"]
    # In another chat of both all is as it was.
    assert dots(read(viewer, cast, "members"))[0][1] == "online"
