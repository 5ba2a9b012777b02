"""Posting, editing, deleting and reading through the services."""

from __future__ import annotations

import datetime
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from chats import events, services
from chats.exceptions import Closed, Conflict, Forbidden, Invalid, NotFound, TooLong
from chats.models import Chat, ChatMember, Message, Notification
from chats.selectors.messages import list_changes
from chats.selectors.unread import unread_counts
from chats.services import after_restore
from chats.services.chats import drop_members
from tests.conftest import Cast, make_cast, make_user


def post(cast: Cast, body: str = "hi", *, by: Any = None, **fields: Any) -> Message:
    """Post as the member unless told otherwise."""
    fields.setdefault("client_id", uuid.uuid4())
    return services.post_message(user=by or cast.member, chat_id=cast.chat.pk, body=body, **fields).message


def unread(cast: Cast, user: Any) -> tuple[int, int]:
    """Return (unread, mentions) of the user."""
    count = unread_counts([cast.chat.pk], [user.pk])[0]
    return count.unread_count, count.mention_count


def test_seq_counts_messages_and_revision_counts_changes(cast: Cast) -> None:
    one, two = post(cast, "one"), post(cast, "two")
    services.edit_message(user=cast.member, chat_id=cast.chat.pk, message_id=one.pk, body="ONE")
    services.delete_message(user=cast.member, chat_id=cast.chat.pk, message_id=two.pk)
    three = post(cast, "three")
    rows = list(Message.objects.order_by("seq").values_list("seq", "posted_revision", "revision"))
    assert rows == [(1, 1, 3), (2, 2, 4), (3, 5, 5)]
    chat = Chat.objects.get(pk=cast.chat.pk)
    assert (chat.seq, chat.revision, three.seq) == (3, 5, 3)


def test_the_same_client_id_is_the_same_message_even_if_all_else_is_wrong(cast: Cast) -> None:
    key = uuid.uuid4()
    first = services.post_message(user=cast.member, chat_id=cast.chat.pk, body="one", client_id=key)
    services.close_chat(user=cast.owner, chat_id=cast.chat.pk)
    for body in ("two", "", "x" * 20_000):
        again = services.post_message(user=cast.member, chat_id=cast.chat.pk, body=body, client_id=key)
        assert (again.message.pk, again.created) == (first.message.pk, False)
    assert Message.objects.count() == 1


def test_who_may_not_and_what_may_not_be_posted(cast: Cast) -> None:
    with pytest.raises(NotFound):
        post(cast, by=cast.outsider)
    for body, error in (("", Invalid), ("\u200b", Invalid), ("a\0", Invalid), ("x" * 10_001, TooLong)):
        with pytest.raises(error):
            post(cast, body)
    with pytest.raises(Invalid):
        post(cast, reply_to_id=uuid.uuid4())
    services.close_chat(user=cast.owner, chat_id=cast.chat.pk)
    with pytest.raises(Closed):
        post(cast)
    assert not Message.objects.exists()
    assert Chat.objects.get(pk=cast.chat.pk).revision == 0


def test_a_deactivated_member_cannot_post(cast: Cast) -> None:
    cast.member.is_active = False
    cast.member.save()
    with pytest.raises(NotFound):
        post(cast)


def test_replies_stay_within_the_chat(cast: Cast) -> None:
    other, _ = services.create_chat(user=cast.owner, workspace_id=cast.workspace.pk, kind="bug", title="Other")
    elsewhere = services.post_message(user=cast.owner, chat_id=other.chat_id, body="x", client_id=uuid.uuid4()).message
    with pytest.raises(Invalid):
        post(cast, reply_to_id=elsewhere.pk)
    first = post(cast, by=cast.owner)
    assert post(cast, reply_to_id=first.pk).reply_to_id == first.pk
    assert Notification.objects.get(user=cast.owner).kind == "reply"


def test_only_the_author_edits_and_the_same_body_changes_nothing(cast: Cast) -> None:
    message = post(cast, "first")
    arguments = {"chat_id": cast.chat.pk, "message_id": message.pk}
    with pytest.raises(Forbidden):
        services.edit_message(user=cast.owner, body="mine now", **arguments)
    with pytest.raises(NotFound):
        services.edit_message(user=cast.outsider, body="x", **arguments)
    assert services.edit_message(user=cast.member, body="first", **arguments).revision == 1
    edited = services.edit_message(user=cast.member, body="**second**", **arguments)
    assert (edited.revision, edited.html) == (2, "<p><strong>second</strong></p>")
    assert edited.edited_at


def test_deleting_empties_the_body_keeps_the_place_and_happens_once(cast: Cast) -> None:
    message = post(cast, "secret @olga")
    with pytest.raises(NotFound):
        services.delete_message(user=cast.outsider, chat_id=cast.chat.pk, message_id=message.pk)
    for _ in range(2):
        deleted = services.delete_message(user=cast.owner, chat_id=cast.chat.pk, message_id=message.pk)
        assert (deleted.body, deleted.html, deleted.seq, deleted.revision) == ("", "", 1, 2)
    assert unread(cast, cast.owner) == (0, 0)
    assert not Notification.objects.filter(user=cast.owner, kind="mention").exists()
    with pytest.raises(Conflict):
        services.edit_message(user=cast.member, chat_id=cast.chat.pk, message_id=message.pk, body="back")


def test_a_plain_member_deletes_only_their_own(cast: Cast) -> None:
    message = post(cast, by=cast.owner)
    with pytest.raises(Forbidden):
        services.delete_message(user=cast.member, chat_id=cast.chat.pk, message_id=message.pk)


def test_unread_counts_follow_posts_mentions_and_reading(cast: Cast) -> None:
    for body in ("one", "two @olga", "three @OLGA @otto"):
        post(cast, body)
    assert unread(cast, cast.owner) == (3, 2)
    assert unread(cast, cast.member) == (0, 0)
    services.mark_read(user=cast.owner, chat_id=cast.chat.pk, seq=2)
    assert unread(cast, cast.owner) == (1, 1)
    services.mark_read(user=cast.owner, chat_id=cast.chat.pk, seq=1)
    assert unread(cast, cast.owner) == (1, 1)
    services.mark_read(user=cast.owner, chat_id=cast.chat.pk, seq=10**9)
    assert unread(cast, cast.owner) == (0, 0)
    assert not Notification.objects.filter(user=cast.owner, kind="mention", read_at=None).exists()
    assert not Notification.objects.filter(user=cast.outsider).exists()


def test_ones_own_post_counts_as_read(cast: Cast) -> None:
    post(cast, "one @olga")
    post(cast, "two", by=cast.owner)
    assert unread(cast, cast.owner) == (0, 0)
    assert unread(cast, cast.member) == (1, 0)


def test_an_edit_moves_mentions(cast: Cast) -> None:
    message = post(cast, "hello @olga")
    assert unread(cast, cast.owner) == (1, 1)
    services.edit_message(user=cast.member, chat_id=cast.chat.pk, message_id=message.pk, body="hello")
    assert unread(cast, cast.owner) == (1, 0)
    services.edit_message(user=cast.member, chat_id=cast.chat.pk, message_id=message.pk, body="hello @olga")
    assert unread(cast, cast.owner) == (1, 1)
    assert Notification.objects.filter(user=cast.owner, kind="mention").count() == 1


def test_changes_are_the_present_state_in_order_of_revision(cast: Cast) -> None:
    one, two = post(cast, "one"), post(cast, "two")
    services.edit_message(user=cast.member, chat_id=cast.chat.pk, message_id=one.pk, body="ONE")
    chat = Chat.objects.get(pk=cast.chat.pk)
    changes = list_changes(chat, 0, 10)
    assert [message.pk for message in changes.messages] == [two.pk, one.pk]
    assert (changes.revision, changes.reset) == (3, False)
    assert list_changes(chat, 3, 10).messages == []
    assert list_changes(chat, 4, 10).reset
    assert list_changes(chat, 0, 1).reset
    assert not list_changes(chat, 2, 1).reset


def test_after_a_restore_whoever_was_anywhere_before_loads_anew(cast: Cast) -> None:
    """Also those who saw what is lost, once the chat has more than they saw; its messages keep their places."""
    post(cast, "in the backup")
    assert services.bump_revisions() == 1
    later = post(cast, "afterwards")
    chat = Chat.objects.get(pk=cast.chat.pk)
    assert (later.seq, chat.seq) == (2, 2)
    for before in (0, 1, 2, 999_999):
        changes = list_changes(chat, before, 10)
        assert (changes.reset, changes.revision, changes.messages) == (True, chat.revision, [])
    assert [message.pk for message in list_changes(chat, chat.revision - 1, 10).messages] == [later.pk]


def test_all_revisions_rise_however_many_chats(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(after_restore, "_BATCH", 2)
    for number in range(4):
        services.create_chat(
            user=cast.owner, workspace_id=cast.workspace.pk, kind="task", title=str(number), member_ids=[]
        )
    assert services.bump_revisions() == 5
    assert set(Chat.objects.values_list("revision", flat=True)) == {after_restore.BUMP}


def test_events_are_told_after_the_commit_and_only_then(
    cast: Cast, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    heard: list[Any] = []

    def hear(sender: type, event: Any, **kwargs: Any) -> None:
        heard.append(event)

    events.domain_event.connect(hear)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            message = post(cast, "hi @olga")
            assert heard == []
        kinds = [type(event) for event in heard]
        # Mika had not read that she was added to the chat: by writing in it she has.
        assert kinds == [
            events.MessagePosted,
            events.ChatRead,
            events.MentionsChanged,
            events.NotificationCreated,
            events.NotificationsRead,
        ]
        assert heard[0].data["id"] == str(message.pk)
        assert heard[0].revision == 1
        heard.clear()
        with django_capture_on_commit_callbacks(execute=True), pytest.raises(Invalid):
            post(cast, "")
        assert heard == []
    finally:
        events.domain_event.disconnect(hear)


def test_a_receiver_that_fails_changes_nothing_for_the_author(
    cast: Cast, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    def fail(sender: type, **kwargs: Any) -> None:
        raise RuntimeError("receiver")

    events.domain_event.connect(fail)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            message = post(cast)
    finally:
        events.domain_event.disconnect(fail)
    assert Message.objects.filter(pk=message.pk).exists()


@pytest.mark.parametrize(
    "broken",
    [
        {"seq": 1, "revision": 9, "posted_revision": 9},
        {"seq": 9, "revision": 1, "posted_revision": 1},
        {"seq": 0, "revision": 9, "posted_revision": 9},
        {"seq": 9, "revision": 9, "posted_revision": 10},
        {"seq": 9, "revision": 9, "posted_revision": 9, "body": ""},
    ],
)
def test_the_database_itself_refuses_what_cannot_be(cast: Cast, broken: dict[str, Any]) -> None:
    post(cast)
    fields = {"chat": cast.chat, "author": cast.member, "client_id": uuid.uuid4(), "body": "x", **broken}
    with pytest.raises(IntegrityError), transaction.atomic():
        Message.objects.create(**fields)


def test_posting_costs_the_same_however_long_the_chat_is(
    cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(10):
        post(cast, str(number))
    with django_assert_max_num_queries(9):  # two of them are the savepoint
        post(cast, "again")


def test_a_new_member_starts_with_everything_read(cast: Cast) -> None:
    post(cast, "before")
    newcomer = make_user("nina")
    services.moderate_add_workspace_member(workspace_id=cast.workspace.pk, user_id=newcomer.pk, role="member")
    services.add_chat_members(user=cast.member, chat_id=cast.chat.pk, user_ids=[newcomer.pk])
    assert unread(cast, newcomer) == (0, 0)
    assert ChatMember.objects.get(user=newcomer).last_read_seq == 1
    assert Notification.objects.get(user=newcomer).kind == "added"


def test_times_are_utc(cast: Cast) -> None:
    assert post(cast).created_at.tzinfo == datetime.UTC


@pytest.mark.django_db(transaction=True)
def test_who_is_removed_while_their_post_waits_does_not_get_it_in() -> None:
    """The post waits for the chat's row, which the removal holds; then the membership is gone."""
    cast = make_cast()
    started = threading.Event()

    def post_meanwhile() -> str:
        try:
            started.set()
            post(cast)
        except NotFound:
            return "refused"
        finally:
            connection.close()
        return "stored"

    with ThreadPoolExecutor(max_workers=1) as pool:
        with transaction.atomic():
            chat = Chat.objects.select_for_update(no_key=True).get(pk=cast.chat.pk)
            waiting = pool.submit(post_meanwhile)
            started.wait(10)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.5)
            drop_members(chat, user_id=cast.member.pk)
        assert waiting.result(timeout=30) == "refused"
    assert not Message.objects.exists()
