"""Unread counts: without deleted messages, exact up to 999, at a constant cost."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from chats import events, services
from chats.lib.ids import new_id
from chats.models import Chat, ChatMember, Message
from chats.payloads import viewer_chat_payload
from chats.selectors.access import access_chat
from chats.selectors.chats import list_chats, search_chats
from chats.selectors.notifications import count_unread_notifications
from chats.selectors.unread import UNREAD_MAX, unread_count, unread_counts
from chats.views.shell import build_shell
from tests.chats.admin.pages import post
from tests.conftest import Cast, make_user


def fill(cast: Cast, count: int, deleted: Iterable[int] = (), missing: Iterable[int] = ()) -> None:
    """Put messages 1 to `count` of the owner into the chat; `deleted` and `missing` (no row is left) are places."""
    gone, absent = set(deleted), set(missing)
    Message.objects.bulk_create(
        Message(
            chat=cast.chat,
            author=cast.owner,
            seq=number,
            revision=number,
            posted_revision=number,
            client_id=new_id(),
            body="" if number in gone else "x",
            deleted_at=timezone.now() if number in gone else None,
        )
        for number in range(1, count + 1)
        if number not in absent
    )
    Chat.objects.filter(pk=cast.chat.pk).update(seq=count, revision=count)


def counts(cast: Cast, user: Any = None) -> set[int]:
    """Return what everything that counts says of the member: one number, if they agree."""
    user = user or cast.member
    membership = access_chat(user, cast.chat.pk)
    (listed,) = list_chats(user).filter(chat_id=cast.chat.pk)
    (found,) = search_chats(user, "documentation")
    (state,) = unread_counts([cast.chat.pk], [user.pk])
    shell = build_shell(user)
    assert state.last_read_seq == membership.last_read_seq
    return {
        unread_count(membership),
        viewer_chat_payload(listed, None)["unread_count"],
        viewer_chat_payload(found, None)["unread_count"],
        state.unread_count,
        shell.rooms[0].unread_count,
        shell.total_unread,
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "deleted", "missing", "read", "unread"),
    [
        (0, [], [], 0, 0),
        (3, [], [], 0, 3),
        (3, [1, 2, 3], [], 0, 0),
        (5, [2, 4], [], 0, 3),
        (5, [1, 2], [], 2, 3),  # deleted before what was read counts neither here nor there
        (5, [2, 3], [], 2, 2),
        (5, [5], [], 5, 0),
        (5, [4, 5], [], 3, 0),
        (6, [5], [1, 2, 3], 0, 2),  # removed from the database, as what is old is
        (6, [], [1, 2, 3, 4, 5, 6], 0, 0),
        (6, [2], [1, 3], 2, 3),
        (4, [], [], 9, 0),  # a chat that has lost its latest messages
        (UNREAD_MAX, [], [], 0, UNREAD_MAX),
        (UNREAD_MAX + 1, [], [], 0, UNREAD_MAX),
        (UNREAD_MAX + 1, [7], [], 0, UNREAD_MAX),
        (UNREAD_MAX + 1, [7, 8], [], 0, UNREAD_MAX - 1),
        (1_200, range(1, 1_199), [], 0, 2),
        (1_200, range(1, 1_201), [], 0, 0),
        (1_200, range(3, 1_003), [], 0, 200),
        (1_200, range(3, 1_002), [], 0, 201),
        (2_400, range(2, 2_400, 2), [], 0, UNREAD_MAX),
        (2_400, range(2, 2_400, 2), [], 1_000, 701),
    ],
)
def test_what_still_stands_counts_whoever_asks(
    cast: Cast, count: int, deleted: Iterable[int], missing: Iterable[int], read: int, unread: int
) -> None:
    fill(cast, count, deleted, missing)
    ChatMember.objects.filter(chat=cast.chat, user=cast.member).update(last_read_seq=read)
    assert counts(cast) == {unread}


def test_unread_messages_that_are_deleted_count_no_more(cast: Cast) -> None:
    messages = [post(cast, f"{number}") for number in range(3)]
    for left, message in zip((2, 1, 0), messages, strict=True):
        services.delete_message(user=cast.owner, chat_id=cast.chat.pk, message_id=message.pk)
        assert counts(cast) == {left}
    post(cast, "one more")
    assert counts(cast) == {1}
    assert counts(cast, cast.owner) == {0}, "one's own messages count as read"


def test_what_was_said_before_somebody_came_does_not_count(cast: Cast) -> None:
    fill(cast, 5, deleted=[2])
    newcomer = make_user("newcomer")
    services.moderate_add_workspace_member(workspace_id=cast.workspace.pk, user_id=newcomer.pk, role="member")
    services.add_chat_members(user=cast.owner, chat_id=cast.chat.pk, user_ids=[newcomer.pk])
    assert counts(cast, newcomer) == {0}
    post(cast, "welcome")
    assert counts(cast, newcomer) == {1}


def test_a_count_looks_at_a_bounded_part_of_its_two_indexes(cast: Cast) -> None:
    fill(cast, 5_000, deleted=range(1_000, 4_000))
    with CaptureQueriesContext(connection) as captured, connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        assert unread_counts([cast.chat.pk], [cast.member.pk])[0].unread_count == UNREAD_MAX
        explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN (ANALYZE, TIMING OFF)"
        cursor.execute(f"{explain} {captured[1]['sql']}")
        plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
    assert "message_deleted" in plan, plan
    assert "message_standing" in plan, plan
    if connection.vendor == "postgresql":
        read = re.findall(r" on chats_message[^\n]*actual rows=(\d+)", plan)
        assert len(read) >= 3, plan
        assert max(map(int, read)) <= 1_000, plan


@pytest.mark.parametrize("how", ["accept", "decline", "take back", "take all back", "its maker leaves"])
def test_an_invitation_that_ends_leaves_the_bell(
    how: str, cast: Cast, told: list[Any], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    services.moderate_change_role(workspace_id=cast.workspace.pk, user_id=cast.member.pk, role="admin")
    invitation, _ = services.add_workspace_member(
        user=cast.member, workspace_id=cast.workspace.pk, member_id=cast.outsider.pk
    )
    assert count_unread_notifications(cast.outsider) == 1
    here: dict[str, Any] = {"workspace_id": cast.workspace.pk}
    ends: dict[str, Callable[[], object]] = {
        "accept": lambda: services.accept_invitation(user=cast.outsider, invitation_id=invitation.pk),
        "decline": lambda: services.decline_invitation(user=cast.outsider, invitation_id=invitation.pk),
        "take back": lambda: services.cancel_invitation(user=cast.owner, invitation_id=invitation.pk, **here),
        "take all back": lambda: services.cancel_all_invitations(user=cast.owner, **here),
        "its maker leaves": lambda: services.remove_workspace_member(
            user=cast.member, member_id=cast.member.pk, **here
        ),
    }
    with django_capture_on_commit_callbacks(execute=True):
        ends[how]()
    (read,) = [event for event in told if isinstance(event, events.NotificationsRead)]
    (notification,) = cast.outsider.notifications.all()
    assert read == events.NotificationsRead(user_id=cast.outsider.pk, ids=(notification.pk,), unread_count=0)
