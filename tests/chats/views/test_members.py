"""The list of a chat's members, of which there may be a thousand: pages, search, and how much a page weighs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from django.test import Client
from django.urls import reverse

from chats.models import ChatMember, WorkspaceMember
from flowra.accounts.models import User
from presence.registry.base import describe_process
from presence.registry.current import get_registry
from tests.chats.views.test_views import count_queries, say, sign_in
from tests.conftest import Cast

pytestmark = pytest.mark.django_db
PEOPLE = 998  # and the two of the cast
FETCHED = {"X-Requested-With": "fetch"}
WEIGHT = 140_000  # bytes of a page of HTML, not compressed; with a chat of the longest page under 150 kB
NODES = 3_000
MESSAGES = 50  # as many as a page shows
SAID = "I looked at the release again this morning. Could you read the notes once more before we send them, please?"


class Nodes(HTMLParser):
    """Counts the elements of a page, but for what stands in templates, which is no part of the document."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self._templates = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """Count one."""
        self.count += not self._templates
        self._templates += tag == "template"

    def handle_endtag(self, tag: str) -> None:
        """Leave a template."""
        self._templates -= tag == "template"


@pytest.fixture
def crowd(cast: Cast) -> Iterator[list[User]]:
    """Give the chat a thousand members: the owner and the last five of them are online."""
    people = User.objects.bulk_create(
        User(username=f"p{number:03}", display_name=f"Person {number:03}") for number in range(PEOPLE)
    )
    people[700].display_name = "Zoë Łukasik"
    people[700].save()
    WorkspaceMember.objects.bulk_create(WorkspaceMember(workspace=cast.workspace, user=person) for person in people)
    ChatMember.objects.bulk_create(ChatMember(chat=cast.chat, user=person) for person in people)
    get_registry.cache_clear()
    process = describe_process()
    get_registry().register(process)
    get_registry().update(process.incarnation, 1, {user.pk: 1 for user in [cast.owner, *people[-5:]]})
    yield people
    get_registry.cache_clear()


def members(client: Client, cast: Cast, *, whole: bool = False, **query: str | int) -> str:
    """Return the list, or with `whole` its page, white space made single spaces."""
    path = reverse("chats:members", args=[cast.chat.pk])
    answer = client.get(path, query, headers={} if whole else FETCHED)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def names(html: str) -> list[str]:
    """Return the usernames of those who are listed."""
    return re.findall(r'<li class="member-item" data-user-id="[^"]*" data-username="(\w+)"', html)


def foot(html: str) -> str:
    """Return what stands below the rows, without its tags."""
    found = re.search(r'<div class="member-foot"[^>]*>(.*?)</div>', html)
    assert found is not None
    return " ".join(re.sub("<[^>]*>", " ", found[1]).split())


@pytest.mark.parametrize("headers", [{}, FETCHED], ids=["page", "part"])
def test_a_chat_of_a_thousand_is_light(cast: Cast, crowd: list[User], headers: dict[str, str]) -> None:
    for number in range(MESSAGES):
        say(cast, cast.owner if number % 2 else cast.member, SAID)
    page = sign_in(cast.owner).get(reverse("chats:detail", args=[cast.chat.pk]), headers=headers).content
    nodes = Nodes()
    nodes.feed(page.decode())
    assert len(page) < WEIGHT
    assert 500 < nodes.count < NODES
    html = " ".join(page.decode().split())
    assert names(html)[:7] == ["olga", "p993", "p994", "p995", "p996", "p997", "mika"]
    assert len(names(html)) == 32
    assert html.count(SAID) == MESSAGES + MESSAGES // 2  # one's own also as it was typed, to be edited
    assert "Members (6 online)" in html
    assert 'data-total="1000"' in html
    assert 'data-online="6"' in html
    assert foot(html) == "32 of 1000 Show more"
    assert re.search(r'<form class="member-search"[^>]*/members/">', html)


def test_the_list_has_pages(cast: Cast, crowd: list[User]) -> None:
    client = sign_in(cast.owner)
    pages = [members(client, cast, page=page) for page in range(1, 33)]
    listed = [name for page in pages for name in names(page)]
    assert (len(listed), len(set(listed))) == (1000, 1000)
    assert all(f'?page={number + 1}"' in page for number, page in enumerate(pages[:-1], start=1))
    assert foot(pages[-1]) == "1000 of 1000"
    assert names(members(client, cast, page=99)) == names(pages[-1])
    for nonsense in ("0", "-1", "x", ""):
        assert names(members(client, cast, page=nonsense)) == names(pages[0])
    # What is fetched again are the first rows, in whole pages.
    assert names(members(client, cast, rows=80)) == listed[:96]
    assert foot(members(client, cast, rows=80)) == "96 of 1000 Show more"
    assert len(names(members(client, cast, rows=100_000))) == 32


def test_without_scripts_there_are_links(cast: Cast, crowd: list[User]) -> None:
    client = sign_in(cast.owner)
    path = reverse("chats:members", args=[cast.chat.pk])
    assert f'href="{path}?page=2"' in members(client, cast, whole=True)
    second = members(client, cast, whole=True, page=2)
    assert foot(second) == "33 to 64 of 1000 Previous Next"
    assert f'href="{path}?page=1"' in second
    found = members(client, cast, whole=True, search="person 1", page=2)
    assert f'href="{path}?page=1&amp;search=person%201"' in found
    assert re.search(r'<input [^>]*type="search" name="search" [^>]*value="person 1"', found)


def test_members_are_searched_as_rest_does(cast: Cast, crowd: list[User]) -> None:
    client = sign_in(cast.owner)
    assert names(members(client, cast, search="zoe")) == ["p700"]
    assert names(members(client, cast, search="LUKA z")) == ["p700"]
    assert foot(members(client, cast, search="zoe")) == "1 found"
    assert len(names(members(client, cast, search="person 99"))) == 8
    assert foot(members(client, cast, search="person 99")) == "8 found"
    assert foot(members(client, cast, search="person")) == "32 of 997 Show more"
    assert names(members(client, cast, search="person"))[0] == "p993"  # online ones first
    for nobody in ("erson", "nobody", '"><script>alert(1)</script>'):
        html = members(client, cast, search=nobody)
        assert (names(html), foot(html), "<script>alert" in html) == ([], "Nobody found.", False)
    assert "Members (6 online)" in members(client, cast, search="zoe")  # of the chat, whoever is looked for
    assert len(names(members(client, cast, search="x" * 101))) == 32  # too long to be anybody's: not searched


def test_few_are_neither_searched_nor_paged(cast: Cast) -> None:
    html = members(sign_in(cast.owner), cast)
    assert re.search(r'<form class="member-search"[^>]* hidden>', html)
    assert re.search(r'<div class="member-foot" hidden>', html)
    assert "member-more" not in html


def test_a_page_takes_as_many_queries_for_a_thousand(cast: Cast, request: pytest.FixtureRequest) -> None:
    client = sign_in(cast.owner)
    path = reverse("chats:members", args=[cast.chat.pk])
    paths = [path, f"{path}?search=mika"]
    before = [count_queries(client, path) for path in paths]
    request.getfixturevalue("crowd")
    assert [count_queries(client, path) for path in paths] == before
    assert before[1] == before[0] + 1
