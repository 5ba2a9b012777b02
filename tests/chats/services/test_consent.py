"""Invitations to strangers, declining, leaving, being removed, and blocks."""

from __future__ import annotations

import datetime
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from chats import events, services
from chats.exceptions import Conflict, Forbidden, Invalid, NotFound, TooFast
from chats.models import (
    Block,
    ChatMember,
    Notification,
    WorkspaceDeparture,
    WorkspaceInvitation,
    WorkspaceInvite,
    WorkspaceMember,
)
from chats.selectors.access import access_chat, access_typing
from chats.selectors.chats import list_chats
from chats.selectors.invitations import find_invite, list_own_invitations
from chats.selectors.notifications import count_unread_notifications, list_notifications
from chats.selectors.search import search_messages
from chats.selectors.workspaces import list_people
from chats.services.workspaces import invitations
from flowra.accounts.models import User
from tests.conftest import Cast, make_user


def invite(cast: Cast, person: User, *, by: User | None = None, role: str = "member") -> WorkspaceInvitation:
    found, _created = services.add_workspace_member(
        user=by or cast.owner, workspace_id=cast.workspace.pk, username=person.username, role=role
    )
    assert isinstance(found, WorkspaceInvitation)
    return found


def accept(person: User, invitation: WorkspaceInvitation) -> WorkspaceMember:
    return services.accept_invitation(user=person, invitation_id=invitation.pk)


def is_in(cast: Cast, person: User) -> bool:
    return cast.workspace.memberships.filter(user=person).exists()


def direct(cast: Cast, user: User, other: User) -> tuple[ChatMember, bool]:
    return services.create_chat(user=user, workspace_id=cast.workspace.pk, kind="direct", member_ids=[other.pk])


def post(user: User, chat_id: Any, body: str = "Hello") -> services.Posted:
    return services.post_message(user=user, chat_id=chat_id, body=body, client_id=uuid4())


# --- Invitations --------------------------------------------------------------------------------


def test_a_stranger_is_asked_and_knows_nothing_until_they_accept(cast: Cast) -> None:
    invitation = invite(cast, cast.outsider)
    assert not is_in(cast, cast.outsider)
    assert cast.outsider not in list_people(cast.owner)
    assert cast.owner not in list_people(cast.outsider)
    (bell,) = list_notifications(cast.outsider)
    assert (bell.kind, bell.chat_id, bell.actor) == ("invited", None, cast.owner)
    assert accept(cast.outsider, invitation).role == "member"
    assert is_in(cast, cast.outsider)
    assert list(list_notifications(cast.outsider)) == []
    with pytest.raises(NotFound):
        accept(cast.outsider, invitation)


def test_asking_twice_asks_once(cast: Cast) -> None:
    assert invite(cast, cast.outsider) == invite(cast, cast.outsider)
    assert list_notifications(cast.outsider).count() == 1


def test_who_is_added_at_once(cast: Cast, settings: Any) -> None:
    def add(person: User) -> Any:
        return services.add_workspace_member(user=cast.owner, workspace_id=cast.workspace.pk, member_id=person.pk)[0]

    colleague, staffs, closed = make_user("colleague"), make_user("staffs"), make_user("closed")
    elsewhere = services.create_workspace(user=cast.owner, name="Elsewhere").workspace
    services.moderate_add_workspace_member(workspace_id=elsewhere.pk, user_id=colleague.pk, role="member")
    assert isinstance(add(colleague), WorkspaceMember)
    cast.owner.is_staff = True
    assert isinstance(add(staffs), WorkspaceMember)
    cast.owner.is_staff = False
    settings.FLOWRA_SIGNUP_ENABLED = False
    assert isinstance(add(closed), WorkspaceMember)
    # Blocks come before what exempts.
    blocker = make_user("blocker")
    Block.objects.create(blocker=blocker, blocked=cast.owner)
    with pytest.raises(Forbidden):
        add(blocker)


@pytest.mark.parametrize("how", ["decline", "leave"])
def test_who_declined_or_left_is_not_asked_for_thirty_days(cast: Cast, how: str) -> None:
    invitation = invite(cast, cast.outsider)
    if how == "decline":
        services.decline_invitation(user=cast.outsider, invitation_id=invitation.pk)
        assert list(list_notifications(cast.outsider)) == []
    else:
        accept(cast.outsider, invitation)
        services.remove_workspace_member(user=cast.outsider, workspace_id=cast.workspace.pk, member_id=cast.outsider.pk)
    with pytest.raises(Forbidden):
        invite(cast, cast.outsider)
    # Also where they share another workspace by now, but not where staff add them.
    elsewhere = services.create_workspace(user=cast.owner, name="Elsewhere").workspace
    services.moderate_add_workspace_member(workspace_id=elsewhere.pk, user_id=cast.outsider.pk, role="member")
    with pytest.raises(Forbidden):
        invite(cast, cast.outsider)
    link = services.create_invite(user=cast.owner, workspace_id=cast.workspace.pk)
    services.accept_invite(user=cast.outsider, token=link.token)  # by their own will
    assert is_in(cast, cast.outsider)


def test_after_thirty_days_they_may_be_asked_again(cast: Cast) -> None:
    services.decline_invitation(user=cast.outsider, invitation_id=invite(cast, cast.outsider).pk)
    WorkspaceDeparture.objects.update(refused_at=timezone.now() - datetime.timedelta(days=31))
    assert invite(cast, cast.outsider).ended_at is None


def test_an_invitation_expires_and_can_be_taken_back(cast: Cast) -> None:
    invitation = invite(cast, cast.outsider)
    assert invitation.expires_at - invitation.created_at == datetime.timedelta(days=14)
    WorkspaceInvitation.objects.update(expires_at=timezone.now() - datetime.timedelta(seconds=1))
    with pytest.raises(NotFound):
        accept(cast.outsider, invitation)
    assert list(list_notifications(cast.outsider)) == []
    second = invite(cast, cast.outsider)
    assert second != invitation
    with pytest.raises(Forbidden):
        services.cancel_invitation(user=cast.member, workspace_id=cast.workspace.pk, invitation_id=second.pk)
    services.cancel_invitation(user=cast.owner, workspace_id=cast.workspace.pk, invitation_id=second.pk)
    with pytest.raises(NotFound):
        accept(cast.outsider, second)


def test_nobody_else_can_accept_or_decline(cast: Cast) -> None:
    invitation = invite(cast, cast.outsider)
    for act in (services.accept_invitation, services.decline_invitation):
        with pytest.raises(NotFound):
            act(user=cast.member, invitation_id=invitation.pk)


def test_one_sends_thirty_an_hour_and_one_has_twenty_open(cast: Cast) -> None:
    for number in range(invitations.SENT_PER_HOUR):
        found = invite(cast, make_user(f"newcomer{number}"))
        services.cancel_invitation(user=cast.owner, workspace_id=cast.workspace.pk, invitation_id=found.pk)
    with pytest.raises(TooFast) as refused:
        invite(cast, cast.outsider)
    assert 3_500 < refused.value.retry_after <= 3_600
    for number in range(invitations.OPEN_PER_PERSON):
        stranger = make_user(f"stranger{number}")
        place = services.create_workspace(user=stranger, name="Strange").workspace
        services.add_workspace_member(user=stranger, workspace_id=place.pk, member_id=cast.outsider.pk)
    stranger = make_user("one-too-many")
    place = services.create_workspace(user=stranger, name="Strange").workspace
    with pytest.raises(Conflict):
        services.add_workspace_member(user=stranger, workspace_id=place.pk, member_id=cast.outsider.pk)


# --- What links and invitations are worth ---------------------------------------------------------


@pytest.mark.parametrize("end", ["removed", "left", "demoted", "deactivated"])
def test_links_and_invitations_end_with_their_makers_right(cast: Cast, end: str) -> None:
    workspace_id = cast.workspace.pk
    services.change_role(user=cast.owner, workspace_id=workspace_id, member_id=cast.member.pk, role="admin")
    link = services.create_invite(user=cast.member, workspace_id=workspace_id, role="admin")
    invitation = invite(cast, cast.outsider, by=cast.member, role="admin")
    if end == "removed":
        services.remove_workspace_member(user=cast.owner, workspace_id=workspace_id, member_id=cast.member.pk)
    elif end == "left":
        services.remove_workspace_member(user=cast.member, workspace_id=workspace_id, member_id=cast.member.pk)
    elif end == "demoted":
        services.change_role(user=cast.owner, workspace_id=workspace_id, member_id=cast.member.pk, role="member")
    else:
        User.objects.filter(pk=cast.member.pk).update(is_active=False)
    for person in (cast.outsider, make_user("somebody")):
        with pytest.raises(NotFound):
            services.accept_invite(user=person, token=link.token)
    with pytest.raises(NotFound):
        accept(cast.outsider, invitation)
    with pytest.raises(NotFound):
        find_invite(link.token)
    assert list(list_own_invitations(cast.outsider)) == []
    if end == "demoted":  # and do not come back with it
        services.change_role(user=cast.owner, workspace_id=workspace_id, member_id=cast.member.pk, role="admin")
        with pytest.raises(NotFound):
            accept(cast.outsider, invitation)


def test_an_invitation_is_never_worth_more_than_its_maker(cast: Cast) -> None:
    services.change_role(user=cast.owner, workspace_id=cast.workspace.pk, member_id=cast.member.pk, role="owner")
    invitation = invite(cast, cast.outsider, by=cast.member, role="owner")
    # As the version before would have changed it, without ending anything.
    WorkspaceMember.objects.filter(user=cast.member).update(role="admin")
    assert accept(cast.outsider, invitation).role == "admin"


def test_a_removed_one_comes_back_by_nothing_older_than_the_removal(cast: Cast) -> None:
    old = services.create_invite(user=cast.owner, workspace_id=cast.workspace.pk)
    services.remove_workspace_member(user=cast.owner, workspace_id=cast.workspace.pk, member_id=cast.member.pk)
    with pytest.raises(NotFound):
        services.accept_invite(user=cast.member, token=old.token)
    assert WorkspaceInvite.objects.get(pk=old.pk).use_count == 0
    services.accept_invite(user=cast.outsider, token=old.token)  # who was not removed may
    new = services.create_invite(user=cast.owner, workspace_id=cast.workspace.pk)
    services.accept_invite(user=cast.member, token=new.token)
    assert is_in(cast, cast.member)


def test_a_used_up_link_leads_its_user_to_the_workspace(cast: Cast) -> None:
    link = services.create_invite(user=cast.owner, workspace_id=cast.workspace.pk, max_uses=1)
    first = services.accept_invite(user=cast.outsider, token=link.token)
    assert services.accept_invite(user=cast.outsider, token=link.token) == first
    with pytest.raises(NotFound):
        services.accept_invite(user=make_user("late"), token=link.token)


# --- Blocks ---------------------------------------------------------------------------------------


def test_a_blocked_one_cannot_invite_nor_open_a_direct_chat(cast: Cast) -> None:
    pending = invite(cast, cast.outsider)
    services.block_user(user=cast.outsider, user_id=cast.owner.pk)
    assert list(list_own_invitations(cast.outsider)) == []
    with pytest.raises(NotFound):
        accept(cast.outsider, pending)
    with pytest.raises(Forbidden):
        invite(cast, cast.outsider)
    services.block_user(user=cast.member, user_id=cast.owner.pk)
    services.block_user(user=cast.member, user_id=cast.owner.pk)
    for one, other in ((cast.owner, cast.member), (cast.member, cast.owner)):
        with pytest.raises(Forbidden):
            direct(cast, one, other)
    services.unblock_user(user=cast.member, user_id=cast.owner.pk)
    assert direct(cast, cast.owner, cast.member)[1]


def test_in_a_direct_chat_neither_can_write_while_one_blocks_the_other(cast: Cast) -> None:
    chat_id = direct(cast, cast.owner, cast.member)[0].chat_id
    first = post(cast.owner, chat_id).message
    services.block_user(user=cast.member, user_id=cast.owner.pk)
    for person in (cast.owner, cast.member):
        with pytest.raises(Forbidden):
            post(person, chat_id)
        with pytest.raises(Forbidden):
            access_typing(person, chat_id)
    with pytest.raises(Forbidden):
        services.edit_message(user=cast.owner, chat_id=chat_id, message_id=first.pk, body="Changed")
    again = services.post_message(user=cast.owner, chat_id=chat_id, body="Hello", client_id=first.client_id)
    assert (again.created, again.message) == (False, first)
    post(cast.owner, cast.chat.pk)  # chats with others stay as they are
    services.unblock_user(user=cast.member, user_id=cast.owner.pk)
    assert post(cast.owner, chat_id).message.seq == 2


def test_mentions_and_replies_of_a_blocked_one_notify_nothing(cast: Cast) -> None:
    mine = post(cast.member, cast.chat.pk).message
    services.block_user(user=cast.member, user_id=cast.owner.pk)
    before = Notification.objects.filter(user=cast.member).count()
    named = post(cast.owner, cast.chat.pk, "Hello @mika").message
    services.post_message(user=cast.owner, chat_id=cast.chat.pk, body="This", client_id=uuid4(), reply_to_id=mine.pk)
    services.create_chat(
        user=cast.owner, workspace_id=cast.workspace.pk, kind="task", title="Come", member_ids=[cast.member.pk]
    )
    assert 'data-username="mika"' in named.html
    assert ChatMember.objects.get(chat=cast.chat, user=cast.member).mention_count == 0
    assert Notification.objects.filter(user=cast.member).count() == before


def test_who_can_be_blocked(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Invalid):
        services.block_user(user=cast.owner, user_id=cast.owner.pk)
    for unknown in (uuid4(), cast.outsider.pk):
        with pytest.raises(NotFound):
            services.block_user(user=cast.owner, user_id=unknown)
    monkeypatch.setattr("chats.services.blocks.BLOCKS_MAX", 0)
    with pytest.raises(Conflict):
        services.block_user(user=cast.owner, user_id=cast.member.pk)


# --- Direct chats ---------------------------------------------------------------------------------


def heard(capture: DjangoCaptureOnCommitCallbacks, act: Any) -> list[Any]:
    """Return the events of what `act` does."""
    found: list[Any] = []

    def hear(sender: type, event: Any, **kwargs: Any) -> None:
        found.append(event)

    events.domain_event.connect(hear)
    try:
        with capture(execute=True):
            act()
    finally:
        events.domain_event.disconnect(hear)
    return found


def test_a_direct_chat_is_hidden_for_one_and_comes_back(
    cast: Cast, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    chat_id = direct(cast, cast.owner, cast.member)[0].chat_id
    post(cast.owner, chat_id, "Hello there")

    def listed(person: User) -> bool:
        return list_chats(person).filter(chat_id=chat_id).exists()

    def hide() -> None:
        services.delete_chat(user=cast.member, chat_id=chat_id)

    hidden = heard(django_capture_on_commit_callbacks, hide)
    assert [(type(event), event.user_id) for event in hidden] == [(events.DirectChatHidden, cast.member.pk)]
    assert heard(django_capture_on_commit_callbacks, hide) == []
    assert (listed(cast.owner), listed(cast.member)) == (True, False)
    assert access_chat(cast.member, chat_id)
    assert search_messages(cast.member, "Hello there").count() == 1

    told = heard(django_capture_on_commit_callbacks, lambda: post(cast.owner, chat_id))
    assert [type(event) for event in told] == [events.DirectChatShown, events.ChatRead, events.MessagePosted]
    assert (told[0].user_id, told[1].user_id, told[1].unread_count) == (cast.member.pk, cast.member.pk, 2)
    assert listed(cast.member)

    hide()
    told = heard(django_capture_on_commit_callbacks, lambda: direct(cast, cast.member, cast.owner))
    assert [type(event) for event in told] == [events.DirectChatShown, events.ChatRead]
    assert listed(cast.member)


def test_each_deletes_their_own_messages_only(cast: Cast) -> None:
    services.change_role(user=cast.owner, workspace_id=cast.workspace.pk, member_id=cast.member.pk, role="admin")
    chat_id = direct(cast, cast.owner, cast.member)[0].chat_id
    theirs = post(cast.member, chat_id).message
    with pytest.raises(Forbidden):
        services.delete_message(user=cast.owner, chat_id=chat_id, message_id=theirs.pk)
    services.delete_message(user=cast.member, chat_id=chat_id, message_id=theirs.pk)


# --- The bell -------------------------------------------------------------------------------------


def test_answering_a_mention_reads_it(cast: Cast) -> None:
    post(cast.owner, cast.chat.pk, "@mika, please")
    assert count_unread_notifications(cast.member) == 2  # and that Mika was added
    post(cast.member, cast.chat.pk, "Done")
    assert count_unread_notifications(cast.member) == 0


def test_one_is_told_once_that_one_was_added(cast: Cast) -> None:
    for _ in range(3):
        services.remove_chat_member(user=cast.owner, chat_id=cast.chat.pk, user_id=cast.member.pk)
        services.add_chat_members(user=cast.owner, chat_id=cast.chat.pk, user_ids=[cast.member.pk])
    assert list_notifications(cast.member).filter(kind="added").count() == 1
