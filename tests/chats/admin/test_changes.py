"""The admin pages of workspaces, chats and messages: they write through services, so open pages are updated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db.models import Model
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from chats import events, services
from chats.models import (
    Chat,
    ChatMember,
    Mention,
    Message,
    Notification,
    Role,
    Workspace,
    WorkspaceMember,
)
from realtime.models import Notice
from tests.chats.admin.pages import fill, post, run, url
from tests.conftest import Cast

if TYPE_CHECKING:
    pass


@pytest.mark.slow
def test_messages_are_deleted_in_their_place_and_pages_are_told(
    admin_client: Client,
    cast: Cast,
    told: list[object],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    first, second = post(cast, "Rude, @mika"), post(cast, "Fine")
    with django_capture_on_commit_callbacks(execute=True):
        page = run(admin_client, Message, "delete_messages", first)
    assert "1 message was deleted." in page
    first.refresh_from_db()
    second.refresh_from_db()
    cast.chat.refresh_from_db()
    assert (first.body, first.html, first.seq, first.revision) == ("", "", 1, 3)
    assert second.body == "Fine"
    assert (cast.chat.seq, cast.chat.revision) == (2, 3)
    assert not Mention.objects.exists()
    assert [type(event) for event in told].count(events.MessageDeleted) == 1
    assert LogEntry.objects.get().change_message == "Text deleted."
    assert "0 messages were deleted." in run(admin_client, Message, "delete_messages", first)


@pytest.mark.parametrize("model", [Message, Mention, Notification])
def test_what_services_write_cannot_be_written_here(admin_client: Client, cast: Cast, model: type[Model]) -> None:
    fill(cast, 0)
    row = model._default_manager.first()
    assert row is not None
    assert admin_client.get(url(model, "add")).status_code == 403
    assert admin_client.post(url(model, "change", row.pk), {"body": "Forged"}).status_code == 403
    assert admin_client.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    run(admin_client, model, "delete_selected", row)
    assert model._default_manager.filter(pk=row.pk).exists()
    assert not Message.objects.filter(body="Forged").exists()


def test_moderating_needs_the_permission(client: Client, cast: Cast) -> None:
    message = post(cast)
    cast.outsider.is_staff = True
    cast.outsider.save()
    cast.outsider.user_permissions.set(Permission.objects.filter(codename__in=["view_message", "view_chat"]))
    client.force_login(cast.outsider)
    run(client, Message, "delete_messages", message)
    run(client, Chat, "close_chats", cast.chat)
    message.refresh_from_db()
    cast.chat.refresh_from_db()
    assert message.body == "Hello"
    assert not cast.chat.is_closed


# --- Chats and their members --------------------------------------------------------------------


def test_chats_are_closed_and_reopened(
    admin_client: Client,
    cast: Cast,
    told: list[object],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    for action, text, kind in (
        ("close_chats", "1 chat was archived.", events.ChatClosed),
        ("reopen_chats", "1 chat was unarchived.", events.ChatReopened),
    ):
        told.clear()
        with django_capture_on_commit_callbacks(execute=True):
            assert text in run(admin_client, Chat, action, cast.chat)
        assert [type(event) for event in told] == [kind]
    assert LogEntry.objects.count() == 2


def test_renaming_a_chat_is_told_and_its_counters_stay(
    admin_client: Client,
    cast: Cast,
    told: list[object],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    page = url(Chat, "change", cast.chat.pk)
    forged = {"title": " New \n name ", "seq": "9", "revision": "9", "access_version": "9", "kind": "bug"}
    with django_capture_on_commit_callbacks(execute=True):
        assert "Task: New name" in admin_client.post(page, forged, follow=True).content.decode()
    cast.chat.refresh_from_db()
    assert (cast.chat.title, cast.chat.kind) == ("New name", "task")
    assert (cast.chat.seq, cast.chat.revision, cast.chat.access_version) == (0, 0, 0)
    assert [type(event) for event in told] == [events.ChatRenamed]
    response = admin_client.post(page, {"title": "\u200b"}, follow=True)
    assert "itle must not be empty." in response.content.decode()
    cast.chat.refresh_from_db()
    assert cast.chat.title == "New name"


def test_deleting_a_chat_is_told_to_its_members(
    admin_client: Client,
    cast: Cast,
    told: list[object],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    post(cast)
    confirmation = admin_client.get(url(Chat, "delete", cast.chat.pk)).content.decode()
    assert "Messages: 1" in confirmation
    with django_capture_on_commit_callbacks(execute=True):
        admin_client.post(url(Chat, "delete", cast.chat.pk), {"post": "yes"})
    assert not Chat.objects.exists()
    (event,) = told
    assert isinstance(event, events.ChatDeleted)
    assert set(event.member_ids) == {cast.owner.pk, cast.member.pk}


def test_removing_members_shuts_them_out(
    admin_client: Client,
    cast: Cast,
    told: list[object],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    membership = ChatMember.objects.get(chat=cast.chat, user=cast.member)
    with django_capture_on_commit_callbacks(execute=True):
        run(admin_client, ChatMember, "delete_selected", membership)
    cast.chat.refresh_from_db()
    assert cast.chat.access_version == 1
    (event,) = told
    assert isinstance(event, events.MemberRemoved)
    assert (event.user_id, event.access_version) == (cast.member.pk, 1)


def test_adding_members_goes_through_the_service(
    admin_client: Client,
    cast: Cast,
    told: list[object],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    post(cast)
    add = url(ChatMember, "add")
    data = {"chat": str(cast.chat.pk), "user": str(cast.outsider.pk)}
    response = admin_client.post(add, data, follow=True)
    assert "Everybody must be a member of the workspace." in response.content.decode()
    assert not cast.chat.memberships.filter(user=cast.outsider).exists()
    services.moderate_add_workspace_member(workspace_id=cast.workspace.pk, user_id=cast.outsider.pk, role="member")
    with django_capture_on_commit_callbacks(execute=True):
        assert admin_client.post(add, data).status_code == 302
    assert cast.chat.memberships.get(user=cast.outsider).last_read_seq == 1
    assert [type(event) for event in told] == [events.MemberAdded, events.NotificationCreated]
    assert "already exists" in admin_client.post(add, data).content.decode()


def test_direct_chats_keep_their_two_members(admin_client: Client, cast: Cast) -> None:
    membership, _ = services.create_chat(
        user=cast.owner, workspace_id=cast.workspace.pk, kind="direct", member_ids=[cast.member.pk]
    )
    response = admin_client.post(url(ChatMember, "delete", membership.pk), {"post": "yes"}, follow=True)
    assert "A direct chat has two members." in response.content.decode()
    assert membership.chat.memberships.count() == 2
    assert not LogEntry.objects.exists()


# --- Workspaces and their members ---------------------------------------------------------------


def test_a_new_workspace_has_an_owner(admin_client: Client, cast: Cast) -> None:
    add = url(Workspace, "add")
    assert admin_client.post(add, {"name": "Alone"}).status_code == 200
    assert not Workspace.objects.filter(name="Alone").exists()
    assert admin_client.post(add, {"name": " New \n one ", "created_by": str(cast.outsider.pk)}).status_code == 302
    membership = WorkspaceMember.objects.get(workspace__name="New one")
    assert (membership.user, membership.role) == (cast.outsider, Role.OWNER)
    assert LogEntry.objects.get().object_id == str(membership.workspace_id)


def test_the_last_owner_stays(admin_client: Client, cast: Cast) -> None:
    owner, member = (
        WorkspaceMember.objects.get(workspace=cast.workspace, user=user) for user in (cast.owner, cast.member)
    )
    response = admin_client.post(url(WorkspaceMember, "change", owner.pk), {"role": "member"}, follow=True)
    assert "A workspace needs an owner" in response.content.decode()
    assert "A workspace needs an owner" in run(admin_client, WorkspaceMember, "delete_selected", member, owner)
    assert cast.workspace.memberships.count() == 2  # all or nothing
    assert not LogEntry.objects.exists()
    assert admin_client.post(url(WorkspaceMember, "change", member.pk), {"role": "owner"}).status_code == 302
    assert admin_client.post(url(WorkspaceMember, "delete", owner.pk), {"post": "yes"}).status_code == 302
    assert [row.user for row in cast.workspace.memberships.all()] == [cast.member]


def test_removing_from_a_workspace_removes_from_its_chats(
    admin_client: Client,
    cast: Cast,
    told: list[object],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    member = WorkspaceMember.objects.get(workspace=cast.workspace, user=cast.member)
    with django_capture_on_commit_callbacks(execute=True):
        admin_client.post(url(WorkspaceMember, "delete", member.pk), {"post": "yes"})
    assert not cast.chat.memberships.filter(user=cast.member).exists()
    assert [type(event) for event in told] == [events.MemberRemoved, events.WorkspaceMemberRemoved]


def test_adding_to_a_workspace(
    admin_client: Client,
    cast: Cast,
    told: list[object],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    data = {"workspace": str(cast.workspace.pk), "user": str(cast.outsider.pk), "role": "admin"}
    with django_capture_on_commit_callbacks(execute=True):
        assert admin_client.post(url(WorkspaceMember, "add"), data).status_code == 302
    assert cast.workspace.memberships.get(user=cast.outsider).role == Role.ADMIN
    assert [type(event) for event in told] == [events.WorkspaceMemberAdded]


def test_deleting_a_workspace_takes_its_chats_and_tells(
    admin_client: Client,
    cast: Cast,
    told: list[object],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    post(cast)
    with django_capture_on_commit_callbacks(execute=True):
        run(admin_client, Workspace, "delete_selected", cast.workspace)
    assert not Workspace.objects.exists()
    assert not Message.objects.exists()
    assert [type(event) for event in told] == [
        events.ChatDeleted,
        events.WorkspaceDeleted,
        *[events.WorkspaceMemberRemoved] * 2,
    ]


def test_a_notice_is_made_once_and_not_changed(admin_client: Client, cast: Cast) -> None:
    data = {"level": "warning", "text": "Down at noon", "workspace": ""}
    assert admin_client.post(url(Notice, "add"), data).status_code == 302
    notice = Notice.objects.get()
    assert (notice.level, notice.text, notice.workspace) == ("warning", "Down at noon", None)
    assert admin_client.post(url(Notice, "change", notice.pk), {**data, "text": "x"}).status_code == 403
