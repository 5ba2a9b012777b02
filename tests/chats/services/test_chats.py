"""Workspaces, chats, members and invites through the services: who may do what."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from chats import services
from chats.exceptions import Conflict, Forbidden, Invalid, NotFound, TooLong
from chats.models import Chat, ChatMember, Role, WorkspaceInvite, WorkspaceMember
from chats.selectors.chats import list_chats, peers_of, search_chats
from chats.selectors.search import search_messages
from chats.selectors.workspaces import list_people, list_workspaces
from tests.conftest import Cast, make_user


def add(cast: Cast, username: str, role: str = Role.MEMBER) -> Any:
    """Add somebody new to the workspace."""
    person = make_user(username)
    services.moderate_add_workspace_member(workspace_id=cast.workspace.pk, user_id=person.pk, role=role)
    return person


@pytest.mark.parametrize(
    ("kind", "label"),
    [("discussion", "Plan"), ("task", "Task: Plan"), ("bug", "Bug: Plan"), ("epic", "Epic: Plan")],
)
def test_chats_are_labelled_by_kind_and_start_empty(cast: Cast, kind: str, label: str) -> None:
    membership, created = services.create_chat(
        user=cast.member, workspace_id=cast.workspace.pk, kind=kind, title="  Plan "
    )
    assert created
    assert str(membership.chat) == label
    assert (membership.chat.seq, membership.chat.revision) == (0, 0)


@pytest.mark.parametrize(
    ("title", "error"), [("", Invalid), (" \u200b ", Invalid), ("x" * 201, TooLong), ("a\0b", Invalid)]
)
def test_titles_that_are_refused(cast: Cast, title: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        services.create_chat(user=cast.owner, workspace_id=cast.workspace.pk, kind="task", title=title)


def test_a_direct_chat_is_one_per_pair_whoever_asks(cast: Cast) -> None:
    def direct(user: Any, *others: Any) -> tuple[ChatMember, bool]:
        ids = [other.pk for other in others]
        return services.create_chat(user=user, workspace_id=cast.workspace.pk, kind="direct", member_ids=ids)

    first, created = direct(cast.owner, cast.member)
    again, created_again = direct(cast.member, cast.owner)
    assert (created, created_again, again.chat_id) == (True, False, first.chat_id)
    assert peers_of([first, again])[first.chat_id] in (cast.member, cast.owner)
    assert peers_of([first])[first.chat_id] == cast.member
    for others in ([], [cast.owner], [cast.member, add(cast, "nina")]):
        with pytest.raises(Invalid):
            direct(cast.owner, *others)
    managed: Any
    for managed in (
        lambda: services.rename_chat(user=cast.owner, chat_id=first.chat_id, title="x"),
        lambda: services.close_chat(user=cast.owner, chat_id=first.chat_id),
        lambda: services.reopen_chat(user=cast.owner, chat_id=first.chat_id),
    ):
        with pytest.raises(Forbidden):
            managed()
    for change in (
        lambda: services.add_chat_members(user=cast.owner, chat_id=first.chat_id, user_ids=[cast.member.pk]),
        lambda: services.remove_chat_member(user=cast.owner, chat_id=first.chat_id, user_id=cast.owner.pk),
    ):
        with pytest.raises(Conflict):
            change()


def test_somebody_who_comes_back_finds_their_direct_chat(cast: Cast) -> None:
    ids = [cast.member.pk]
    first, _ = services.create_chat(user=cast.owner, workspace_id=cast.workspace.pk, kind="direct", member_ids=ids)
    services.remove_workspace_member(user=cast.owner, workspace_id=cast.workspace.pk, member_id=cast.member.pk)
    assert not ChatMember.objects.filter(user=cast.member).exists()
    services.moderate_add_workspace_member(workspace_id=cast.workspace.pk, user_id=cast.member.pk, role="member")
    again, created = services.create_chat(
        user=cast.member, workspace_id=cast.workspace.pk, kind="direct", member_ids=[cast.owner.pk]
    )
    assert (again.chat_id, created) == (first.chat_id, False)
    assert ChatMember.objects.filter(chat=first.chat).count() == 2


def test_only_members_of_the_workspace_can_be_in_its_chats(cast: Cast) -> None:
    with pytest.raises(Invalid):
        services.create_chat(
            user=cast.owner, workspace_id=cast.workspace.pk, kind="task", title="x", member_ids=[cast.outsider.pk]
        )
    with pytest.raises(Invalid):
        services.add_chat_members(user=cast.owner, chat_id=cast.chat.pk, user_ids=[cast.outsider.pk])
    with pytest.raises(NotFound):
        services.create_chat(user=cast.outsider, workspace_id=cast.workspace.pk, kind="task", title="x")


MANAGE = [
    lambda user, chat: services.rename_chat(user=user, chat_id=chat.pk, title="New"),
    lambda user, chat: services.close_chat(user=user, chat_id=chat.pk),
    lambda user, chat: services.reopen_chat(user=user, chat_id=chat.pk),
    lambda user, chat: services.delete_chat(user=user, chat_id=chat.pk),
]


@pytest.mark.parametrize("change", MANAGE, ids=["rename", "close", "reopen", "delete"])
def test_creators_and_admins_manage_a_chat_and_nobody_else(cast: Cast, change: Any) -> None:
    membership, _ = services.create_chat(
        user=cast.member, workspace_id=cast.workspace.pk, kind="task", title="Mine", member_ids=[cast.owner.pk]
    )
    nina = add(cast, "nina")
    services.add_chat_members(user=cast.member, chat_id=membership.chat_id, user_ids=[nina.pk])
    with pytest.raises(Forbidden):
        change(nina, membership.chat)
    with pytest.raises(NotFound):
        change(cast.outsider, membership.chat)
    change(cast.owner, membership.chat)  # an owner of the workspace, who is in the chat
    with transaction.atomic():
        if Chat.objects.filter(pk=membership.chat_id).exists():
            change(cast.member, membership.chat)  # its creator


def test_a_removal_raises_the_access_version_and_adding_does_not(cast: Cast) -> None:
    nina = add(cast, "nina")
    services.add_chat_members(user=cast.member, chat_id=cast.chat.pk, user_ids=[nina.pk])
    assert Chat.objects.get(pk=cast.chat.pk).access_version == 0
    with pytest.raises(Forbidden):
        services.remove_chat_member(user=nina, chat_id=cast.chat.pk, user_id=cast.member.pk)
    services.remove_chat_member(user=cast.owner, chat_id=cast.chat.pk, user_id=nina.pk)
    services.remove_chat_member(user=cast.member, chat_id=cast.chat.pk, user_id=cast.member.pk)
    assert Chat.objects.get(pk=cast.chat.pk).access_version == 2
    with pytest.raises(NotFound):
        services.remove_chat_member(user=cast.owner, chat_id=cast.chat.pk, user_id=nina.pk)


def test_roles(cast: Cast) -> None:
    admin = add(cast, "ada", Role.ADMIN)
    workspace_id = cast.workspace.pk

    def change(user: Any, member: Any, role: str) -> WorkspaceMember:
        return services.change_role(user=user, workspace_id=workspace_id, member_id=member.pk, role=role)

    with pytest.raises(Forbidden):
        change(cast.member, cast.member, Role.ADMIN)
    with pytest.raises(Forbidden):
        change(admin, cast.member, Role.OWNER)
    with pytest.raises(Forbidden):
        change(admin, cast.owner, Role.MEMBER)
    with pytest.raises(Conflict):
        change(cast.owner, cast.owner, Role.ADMIN)
    with pytest.raises(Invalid):
        change(cast.owner, cast.member, "king")
    with pytest.raises(NotFound):
        change(cast.outsider, cast.member, Role.ADMIN)
    assert change(admin, cast.member, Role.ADMIN).role == Role.ADMIN
    assert change(cast.owner, admin, Role.OWNER).role == Role.OWNER
    assert change(admin, cast.owner, Role.MEMBER).role == Role.MEMBER


def test_the_last_owner_cannot_go(cast: Cast) -> None:
    remove = {"workspace_id": cast.workspace.pk, "member_id": cast.owner.pk}
    with pytest.raises(Conflict):
        services.remove_workspace_member(user=cast.owner, **remove)
    add(cast, "second", Role.OWNER)
    services.remove_workspace_member(user=cast.owner, **remove)
    with pytest.raises(NotFound):
        services.remove_workspace_member(user=cast.owner, **remove)


def test_members_leave_and_are_removed_by_admins_only(cast: Cast) -> None:
    nina = add(cast, "nina")
    with pytest.raises(Forbidden):
        services.remove_workspace_member(user=cast.member, workspace_id=cast.workspace.pk, member_id=nina.pk)
    services.remove_workspace_member(user=nina, workspace_id=cast.workspace.pk, member_id=nina.pk)
    services.remove_workspace_member(user=cast.owner, workspace_id=cast.workspace.pk, member_id=cast.member.pk)
    assert not ChatMember.objects.filter(chat=cast.chat, user=cast.member).exists()


def test_invites_let_people_in_until_they_are_used_up_expired_or_revoked(cast: Cast) -> None:
    def invite(**fields: Any) -> WorkspaceInvite:
        return services.create_invite(user=cast.owner, workspace_id=cast.workspace.pk, **fields)

    with pytest.raises(Forbidden):
        services.create_invite(user=cast.member, workspace_id=cast.workspace.pk)
    for wrong in ({"role": "owner"}, {"days": 0}, {"days": 91}, {"max_uses": 0}):
        with pytest.raises(Invalid):
            invite(**wrong)
    once = invite(role="admin", max_uses=1)
    assert services.accept_invite(user=cast.outsider, token=once.token).role == "admin"
    services.accept_invite(user=cast.member, token=invite(max_uses=1).token)  # a member stays what they are
    assert WorkspaceMember.objects.get(user=cast.member).role == "member"
    late = make_user("late")
    expired = invite()
    WorkspaceInvite.objects.filter(pk=expired.pk).update(expires_at=timezone.now() - datetime.timedelta(seconds=1))
    revoked = invite()
    services.revoke_invite(user=cast.owner, workspace_id=cast.workspace.pk, invite_id=revoked.pk)
    for token in (once.token, expired.token, revoked.token, "nonsense"):
        with pytest.raises(NotFound):
            services.accept_invite(user=late, token=token)


def test_lists_show_only_what_one_is_in(cast: Cast) -> None:
    assert [row.chat_id for row in list_chats(cast.member)] == [cast.chat.pk]
    assert not list_chats(cast.outsider).exists()
    assert not list_workspaces(cast.outsider).exists()
    assert list(list_people(cast.outsider)) == []
    assert {person.username for person in list_people(cast.member)} == {"olga", "mika"}
    services.post_message(user=cast.owner, chat_id=cast.chat.pk, body="needle", client_id=uuid.uuid4())
    assert search_messages(cast.member, "NEEDLE").count() == 1
    assert search_messages(cast.outsider, "needle").count() == 0
    assert search_chats(cast.member, "documentation").count() == 1
    assert search_chats(cast.outsider, "documentation").count() == 0


@pytest.mark.parametrize(
    "broken",
    [
        {"kind": "direct", "title": ""},
        {"kind": "task", "title": ""},
        {"kind": "task", "title": "x", "direct_key": "a:b"},
        {"kind": "party", "title": "x"},
        {"kind": "task", "title": "x", "seq": 2, "revision": 1},
    ],
)
def test_the_database_itself_refuses_impossible_chats(cast: Cast, broken: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Chat.objects.create(workspace=cast.workspace, **broken)


def test_deleting_a_workspace_takes_an_owner(cast: Cast) -> None:
    admin = add(cast, "ada", Role.ADMIN)
    for person, error in ((admin, Forbidden), (cast.outsider, NotFound)):
        with pytest.raises(error):
            services.delete_workspace(user=person, workspace_id=cast.workspace.pk)
    services.delete_workspace(user=cast.owner, workspace_id=cast.workspace.pk)
    assert not Chat.objects.exists()
