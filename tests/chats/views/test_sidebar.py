"""The list of chats as the server renders it: as the reader wants it, short, and with what is unread elsewhere."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from chats import services
from chats.models import Chat, ChatMember
from chats.views.room_list import COOKIE, ListStyle
from tests.chats.views.test_views import say, sign_in
from tests.conftest import Cast

pytestmark = pytest.mark.django_db


def section_of(page: str, title: str) -> str:
    """Return the name of the section that the list has a chat in."""
    before = page[: page.index(f">{title}</span>")]
    return str(re.findall(r'data-section="(\w+)"', before)[-1])


def test_the_list_is_as_the_reader_wants_it_at_once(cast: Cast) -> None:
    services.create_chat(user=cast.member, workspace_id=cast.workspace.pk, kind="bug", title="Read")
    say(cast, cast.owner, "unread")
    client = sign_in(cast.member)
    path, title = reverse("chats:notifications"), cast.chat.title
    page = client.get(path).content.decode()
    assert (section_of(page, title), section_of(page, "Read")) == ("work", "work")
    assert re.findall(r'room-section folded" data-section="(\w+)"', page) == ["archived"]
    client.cookies[COOKIE] = "unread-first.work"
    page = client.get(path).content.decode()
    assert (section_of(page, title), section_of(page, "Read")) == ("unread", "work")
    assert re.findall(r'room-section folded" data-section="(\w+)"', page) == ["work"]
    services.mark_read(user=cast.member, chat_id=cast.chat.pk, seq=1)
    services.change_own_settings(user=cast.member, chat_id=cast.chat.pk, is_favourite=True)
    assert section_of(client.get(path).content.decode(), title) == "favourites"


@pytest.mark.parametrize("cookie", ["", "x", "....", "unread-first" * 400, "<b>.work"])
def test_a_cookie_of_another_kind_harms_nobody(cast: Cast, cookie: str) -> None:
    style = ListStyle.read(cookie)
    assert not style.unread_first
    assert style.folded <= {"work"}
    client = sign_in(cast.member)
    client.cookies[COOKIE] = cookie
    assert client.get(reverse("chats:detail", args=[cast.chat.pk])).status_code == 200


def test_a_favourite_is_made_by_a_form(cast: Cast) -> None:
    path = reverse("chats:favourite", args=[cast.chat.pk])
    member = sign_in(cast.member)

    def is_favourite() -> bool:
        return ChatMember.objects.get(chat=cast.chat, user=cast.member).is_favourite

    for value in ("true", "false"):
        answer = member.post(path, {"is_favourite": value})
        assert answer.headers["Location"] == reverse("chats:detail", args=[cast.chat.pk])
        assert is_favourite() == (value == "true")
    assert sign_in(cast.outsider).post(path, {"is_favourite": "true"}).status_code == 404
    assert member.get(path).status_code == 405


def test_the_menu_counts_what_is_unread_in_other_workspaces(cast: Cast) -> None:
    elsewhere = services.create_workspace(user=cast.member, name="Elsewhere").workspace
    say(cast, cast.owner, "one")
    say(cast, cast.owner, f"@{cast.member.username} two")
    client = sign_in(cast.member)
    path = reverse("chats:sidebar")
    menu = client.get(path, {"workspace": str(elsewhere.pk), "part": "menu"}).content.decode()
    assert 'data-unread="2" data-mentions="1"' in menu
    assert "sidebar-list" not in menu
    assert '<span class="count mentions">' in menu
    here = client.get(path, {"workspace": str(cast.workspace.pk)}).content.decode()
    assert 'id="workspace-choices" data-unread="0" data-mentions="0"' in here
    assert 'data-total-unread="2"' in here
    page = client.get(reverse("chats:workspace_settings", args=[elsewhere.pk])).content.decode()
    assert "2 unread in other workspaces" in page


def test_two_hundred_chats_are_a_short_list(cast: Cast) -> None:
    chats = [
        Chat(workspace=cast.workspace, kind="task", title=f"Task {number} of the year", created_by=cast.member)
        for number in range(200)
    ]
    Chat.objects.bulk_create(chats)
    ChatMember.objects.bulk_create([ChatMember(chat=chat, user=cast.member) for chat in chats])
    answer = sign_in(cast.member).get(reverse("chats:sidebar"), {"workspace": str(cast.workspace.pk)})
    assert answer.content.count(b"data-chat-id") == 201
    assert len(answer.content) < 65_000
