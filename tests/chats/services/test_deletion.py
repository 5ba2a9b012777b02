"""Deleting chats and workspaces: hidden at once, their rows purged in small transactions."""

from __future__ import annotations

import functools
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from chats import services
from chats.exceptions import NotFound
from chats.models import Chat, ChatMember, Mention, Message, Notification, Workspace, WorkspaceInvite, WorkspaceMember
from chats.selectors.access import access_chat, access_workspace, chat_standing
from chats.selectors.chats import chat_versions, list_chats
from chats.selectors.notifications import count_unread_notifications, list_notifications
from chats.selectors.search import search_messages
from chats.selectors.unread import unread_counts
from chats.selectors.workspaces import list_workspaces
from chats.services import chats as chat_services
from chats.services import deletion, moderation
from realtime.background.notices import make_notice
from realtime.models import Notice
from tests.conftest import Cast, make_user

SECONDS = 20.0  # for what happens at once; a busy machine gets its time


def fill(cast: Cast, count: int) -> None:
    """Store messages, each an answer to the one before, the first ones with a mention and a notification."""
    posted = services.post_message(
        user=cast.owner, chat_id=cast.chat.pk, body=f"@{cast.member.username}", client_id=uuid.uuid4()
    ).message
    rows = [
        Message(
            chat=cast.chat,
            author=cast.owner,
            seq=number,
            revision=number,
            posted_revision=number,
            client_id=uuid.uuid4(),
            body=f"word{number}",
            reply_to=posted,
        )
        for number in range(2, count + 1)
    ]
    Message.objects.bulk_create(rows)
    Chat.objects.filter(pk=cast.chat.pk).update(seq=count, revision=count)


def remains() -> dict[str, int]:
    """Return how many rows there are, deleted or not."""
    return {
        "workspaces": Workspace.with_deleted.count(),
        "chats": Chat.with_deleted.count(),
        "chat members": ChatMember.objects.count(),
        "messages": Message.objects.count(),
        "mentions": Mention.objects.count(),
        "notifications": Notification.objects.count(),
    }


def purge() -> list[int]:
    """Purge to the end, and return how many rows went in each transaction."""
    steps = list(iter(services.purge_some, 0))
    assert services.purge_some() == 0
    return steps


def test_a_deleted_chat_is_gone_at_once_and_its_rows_later(cast: Cast) -> None:
    fill(cast, 500)
    with CaptureQueriesContext(connection) as statements:
        services.delete_chat(user=cast.owner, chat_id=cast.chat.pk)
    assert not [one["sql"] for one in statements if 'DELETE FROM "chats_message"' in one["sql"]]
    assert remains()["messages"] == 500
    assert remains()["chat members"] == 0
    assert not Chat.objects.exists()
    assert not cast.workspace.chats.exists()
    for person in (cast.owner, cast.member):
        with pytest.raises(NotFound):
            access_chat(person, cast.chat.pk)
        with pytest.raises(NotFound):
            chat_standing(person, cast.chat.pk)
        assert not list_chats(person).exists()
        assert not search_messages(person, "word7").exists()
        assert not list_notifications(person).exists()
        assert count_unread_notifications(person) == 0
        with pytest.raises(NotFound):
            services.post_message(user=person, chat_id=cast.chat.pk, body="x", client_id=uuid.uuid4())
    assert chat_versions([cast.chat.pk]) == {}
    assert unread_counts([cast.chat.pk], [cast.member.pk]) == []


@pytest.mark.parametrize("path", ["detail", "members"])
def test_its_pages_are_gone(cast: Cast, path: str) -> None:
    services.delete_chat(user=cast.owner, chat_id=cast.chat.pk)
    client = Client()
    client.force_login(cast.owner)
    assert client.get(reverse(f"chats:{path}", args=[cast.chat.pk])).status_code == 404


def test_staff_see_nothing_of_it_and_cannot_change_it(cast: Cast, admin_client: Client) -> None:
    fill(cast, 3)
    message = Message.objects.earliest("seq")
    services.delete_chat(user=cast.owner, chat_id=cast.chat.pk)
    for model in ("chat", "message", "mention", "notification"):
        page = admin_client.get(reverse(f"admin:chats_{model}_changelist"))
        assert page.context["cl"].result_count == 0
    # The admin says that there is no such row, and leads to its first page.
    assert admin_client.get(reverse("admin:chats_chat_change", args=[cast.chat.pk])).status_code == 302
    assert admin_client.get(reverse("admin:chats_message_change", args=[message.pk])).status_code == 302
    changes: list[Callable[[], object]] = [
        functools.partial(services.moderate_delete_chat, chat_id=cast.chat.pk),
        functools.partial(services.moderate_reopen_chat, chat_id=cast.chat.pk),
        functools.partial(services.moderate_delete_message, message_id=message.pk),
        functools.partial(
            services.moderate_add_chat_member, actor=cast.owner, chat_id=cast.chat.pk, user_id=cast.member.pk
        ),
    ]
    for change in changes:
        with pytest.raises(Chat.DoesNotExist):
            change()


def test_purging_takes_small_steps_and_leaves_others_alone(cast: Cast) -> None:
    kept = services.create_chat(
        user=cast.owner, workspace_id=cast.workspace.pk, kind="task", title="Kept", member_ids=[cast.member.pk]
    )[0].chat
    services.post_message(user=cast.owner, chat_id=kept.pk, body="@mika", client_id=uuid.uuid4())
    before = remains()
    fill(cast, 3 * deletion.BATCH + 1)
    services.delete_chat(user=cast.owner, chat_id=cast.chat.pk)
    assert services.purge_some() == deletion.BATCH
    assert services.purge_some() == deletion.BATCH  # here a server may be killed: whoever comes next goes on
    steps = purge()
    assert steps[:2] == [deletion.BATCH, 1]
    assert max(steps) <= deletion.BATCH
    # The notification that the chat, which was there in the beginning, has left with it.
    others = {"chats": before["chats"] - 1, "chat members": before["chat members"] - 2}
    assert remains() == {**before, **others, "notifications": Notification.objects.filter(chat=kept).count()}
    assert Mention.objects.get().message.chat_id == kept.pk


def test_large_bodies_are_not_read_to_be_deleted(cast: Cast) -> None:
    fill(cast, 3)
    services.delete_chat(user=cast.owner, chat_id=cast.chat.pk)
    with CaptureQueriesContext(connection) as statements:
        purge()
    reads = [one["sql"] for one in statements if one["sql"].startswith("SELECT")]
    assert reads
    assert not [sql for sql in reads if '"html"' in sql or '"chats_message"."body"' in sql]


def test_a_small_chat_is_wholly_gone_after_the_commit(
    cast: Cast, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    fill(cast, 20)
    with django_capture_on_commit_callbacks(execute=True):
        services.delete_chat(user=cast.owner, chat_id=cast.chat.pk)
    assert remains() == dict.fromkeys(remains(), 0) | {"workspaces": 1}


def test_a_large_chat_does_not_keep_its_deleter_waiting(
    cast: Cast, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    most = deletion._STEPS_AFTER_COMMIT * deletion.BATCH
    fill(cast, most + 10)
    with django_capture_on_commit_callbacks(execute=True):
        services.delete_chat(user=cast.owner, chat_id=cast.chat.pk)
    assert remains()["messages"] == 10
    purge()
    assert remains()["chats"] == 0


def direct(cast: Cast) -> tuple[Chat, bool]:
    """Return the direct chat of the owner and the member, and whether it is new."""
    membership, created = services.create_chat(
        user=cast.owner, workspace_id=cast.workspace.pk, kind="direct", member_ids=[cast.member.pk]
    )
    return membership.chat, created


def test_two_people_may_have_another_direct_chat(cast: Cast) -> None:
    first, _ = direct(cast)
    services.moderate_delete_chat(chat_id=first.pk)
    second, created = direct(cast)
    assert (created, second.pk != first.pk) == (True, True)
    services.moderate_delete_chat(chat_id=second.pk)  # while the first is still there
    purge()
    assert Chat.with_deleted.get() == cast.chat


def test_a_direct_chat_that_is_deleted_in_this_moment_is_made_anew(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = direct(cast)
    get_or_create = Chat.objects.get_or_create

    def then_delete(**values: Any) -> tuple[Chat, bool]:
        chat, created = get_or_create(**values)
        if chat.pk == first.pk:
            services.moderate_delete_chat(chat_id=first.pk)
        return chat, created

    monkeypatch.setattr(Chat.objects, "get_or_create", then_delete)
    second, created = direct(cast)
    assert (created, second.pk != first.pk) == (True, True)
    assert set(ChatMember.objects.filter(chat=second).values_list("user", flat=True)) == {cast.owner.pk, cast.member.pk}
    assert not ChatMember.objects.filter(chat=first).exists()


def test_nobody_is_added_to_a_chat_that_was_deleted_since_it_was_read(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    nina = make_user("nina")
    WorkspaceMember.objects.create(workspace=cast.workspace, user=nina)
    lock_newcomers = chat_services.lock_newcomers
    here = {"chat_id": cast.chat.pk}

    def then_delete(chat: Chat, user_ids: Any) -> Any:
        people = lock_newcomers(chat, user_ids)
        if Chat.objects.filter(pk=chat.pk).exists():
            services.moderate_delete_chat(chat_id=chat.pk)
        return people

    for module in (chat_services, moderation):
        monkeypatch.setattr(module, "lock_newcomers", then_delete)
    with transaction.atomic(), pytest.raises(NotFound):
        services.add_chat_members(user=cast.owner, user_ids=[nina.pk], **here)
    with transaction.atomic(), pytest.raises(Chat.DoesNotExist):
        services.moderate_add_chat_member(actor=cast.owner, user_id=nina.pk, **here)
    assert not ChatMember.objects.filter(user=nina).exists()


def test_a_deleted_workspace_is_gone_with_all_that_leads_to_it(cast: Cast) -> None:
    fill(cast, 5)
    direct(cast)
    invite = services.create_invite(user=cast.owner, workspace_id=cast.workspace.pk)
    make_notice(text="Soon", level="info", workspace=cast.workspace)
    services.delete_workspace(user=cast.owner, workspace_id=cast.workspace.pk)
    assert remains()["messages"] == 5
    assert not Workspace.objects.exists()
    assert not Chat.objects.exists()
    assert not WorkspaceMember.objects.exists()
    assert not ChatMember.objects.exists()
    assert not WorkspaceInvite.objects.exists()
    assert not Notice.objects.exists()
    with pytest.raises(NotFound):
        services.accept_invite(user=cast.outsider, token=invite.token)
    with pytest.raises(NotFound):
        access_workspace(cast.owner, cast.workspace.pk)
    with pytest.raises(Workspace.DoesNotExist):
        services.moderate_add_workspace_member(workspace_id=cast.workspace.pk, user_id=cast.outsider.pk, role="member")
    assert not list_workspaces(cast.owner).exists()
    purge()
    assert remains() == dict.fromkeys(remains(), 0)


def test_a_deletion_that_an_earlier_process_began_is_finished(cast: Cast) -> None:
    """The mark alone says what is to be done: no memory of any process is needed."""
    fill(cast, 3)
    Workspace.objects.filter(pk=cast.workspace.pk).update(deleted_at=timezone.now())
    Chat.objects.filter(pk=cast.chat.pk).update(deleted_at=timezone.now())
    purge()
    assert remains() == dict.fromkeys(remains(), 0)


# --- Two at once, each in a thread and a transaction of its own ----------------------------------


def in_thread(function: Callable[[], object]) -> Any:
    """Start `function` in a thread whose connection is closed at the end; returns its future."""

    def run() -> object:
        try:
            return function()
        finally:
            connections.close_all()

    pool = ThreadPoolExecutor(max_workers=1)
    future = pool.submit(run)
    pool.shutdown(wait=False)
    return future


def wait_until_blocked() -> None:
    """Return once somebody waits for a lock; with SQLite a writer waits as soon as it begins."""
    if connection.vendor != "postgresql":
        return
    deadline = threading.Event()
    for _ in range(int(SECONDS / 0.02)):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            if cursor.fetchone()[0]:
                return
        deadline.wait(0.02)
    pytest.fail("Nobody waits for a lock.")


def make_chat(cast: Cast, invite: WorkspaceInvite) -> object:
    """Make a chat in the workspace."""
    return services.create_chat(user=cast.member, workspace_id=cast.workspace.pk, kind="task", title="Late")


def accept(cast: Cast, invite: WorkspaceInvite) -> object:
    """Join the workspace by an invite."""
    return services.accept_invite(user=cast.outsider, token=invite.token)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("service", [make_chat, accept])
def test_what_is_added_while_a_workspace_is_deleted_goes_with_it(
    cast: Cast, service: Callable[[Cast, WorkspaceInvite], object]
) -> None:
    invite = services.create_invite(user=cast.owner, workspace_id=cast.workspace.pk)
    added, go_on = threading.Event(), threading.Event()

    def add() -> None:
        with transaction.atomic():
            service(cast, invite)
            added.set()
            assert go_on.wait(SECONDS)

    adding = in_thread(add)
    assert added.wait(SECONDS)
    deleting = in_thread(lambda: services.delete_workspace(user=cast.owner, workspace_id=cast.workspace.pk))
    wait_until_blocked()
    go_on.set()
    adding.result(SECONDS)
    deleting.result(SECONDS)
    assert not WorkspaceMember.objects.exists()
    assert not ChatMember.objects.exists()
    assert not Chat.objects.exists()
    purge()
    assert remains()["workspaces"] == 0
