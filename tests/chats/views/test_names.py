"""What authors are called now, for a page that missed it; the menu of workspaces comes with the list of chats."""

from __future__ import annotations

import uuid

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from chats import services
from chats.models import Chat, ChatMember, Workspace

pytestmark = pytest.mark.django_db


def test_names_are_those_of_authors_and_for_members_alone() -> None:
    make = get_user_model().objects.create_user
    owner, gone, silent, stranger = (make(name, display_name=name.title()) for name in ("ann", "ben", "cleo", "dan"))
    workspace = services.create_workspace(user=owner, name="Acme").workspace
    for person in (gone, silent):
        services.moderate_add_workspace_member(workspace_id=workspace.pk, user_id=person.pk, role="member")
    chat, _ = services.create_chat(
        user=owner, workspace_id=workspace.pk, kind="discussion", title="Talk", member_ids=[gone.pk, silent.pk]
    )
    services.post_message(user=gone, chat_id=chat.chat_id, body="Bye", client_id=uuid.uuid4())
    services.remove_chat_member(user=gone, chat_id=chat.chat_id, user_id=gone.pk)
    client = Client()
    client.force_login(owner)
    url = reverse("chats:names", args=[chat.chat_id])
    ids = [gone.pk, silent.pk, stranger.pk, "no id", ""]
    answer = client.get(url, {"ids": ",".join(map(str, ids))})
    assert answer.json() == {str(gone.pk): "Ben"}
    assert client.get(url).json() == {}
    many = ",".join([str(uuid.uuid4())] * 200 + [str(gone.pk)])
    assert client.get(url, {"ids": many}).json() == {}
    client.force_login(stranger)
    assert client.get(url, {"ids": str(gone.pk)}).status_code == 404
    assert ChatMember.objects.filter(chat=Chat.objects.get()).count() == 2


def test_the_list_of_chats_brings_the_workspaces_of_the_page_that_asks() -> None:
    owner = get_user_model().objects.create_user("ann")
    for name in ("First", "Second"):
        services.create_workspace(user=owner, name=name)
    client = Client()
    client.force_login(owner)
    for name in ("First", "Second"):
        workspace = Workspace.objects.get(name=name)
        page = client.get(reverse("chats:sidebar"), {"workspace": str(workspace.pk)}).content.decode()
        assert f'<b id="workspace-name" dir="auto">{name}</b>' in page
        assert page.count('class="workspace-mark"') == 2
    assert client.get(reverse("chats:sidebar"), {"workspace": "x", "chat": "y"}).status_code == 200
