"""manage.py seed_demo and manage.py issue_token."""

from __future__ import annotations

import datetime
import io
import itertools
from collections import Counter

import pytest
from django.conf import settings as project_settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from rest_framework_simplejwt.tokens import AccessToken

from chats import services
from chats.demo import seed as demo
from chats.models import Chat, ChatMember, Message, Notification, Workspace, WorkspaceMember
from chats.selectors.chats import list_chats, peers_of
from chats.selectors.notifications import count_unread_notifications
from chats.selectors.unread import unread_counts
from flowra.accounts.models import User
from flowra.accounts.security.tokens import user_of
from tests.conftest import Cast, make_user

ROWS = [User, Workspace, WorkspaceMember, Chat, ChatMember, Message, Notification]


def seed(*options: str) -> str:
    """Run seed_demo and return what it prints."""
    out = io.StringIO()
    call_command("seed_demo", *options, stdout=out)
    return out.getvalue()


def count_rows() -> list[int]:
    """Return how many rows there are of everything the demo makes."""
    return [model._default_manager.count() for model in ROWS]


@pytest.fixture
def john(db: None, settings: Settings) -> User:
    """Give john of the demo."""
    settings.DEBUG = True
    seed()
    return User.objects.get(username="john")


# --- The demo -----------------------------------------------------------------------------------


def test_people_can_sign_in(john: User) -> None:
    names = {user.username: user.display_name for user in User.objects.all()}
    assert names == {
        "john": "John Smith",
        "jane": "Jane Doe",
        "bob": "Bob Wilson",
        "maria": "Maria Ortiz",
        "admin": "Ada Admin",
    }
    assert all(user.check_password("demo") for user in User.objects.all())
    assert [user.username for user in User.objects.filter(is_staff=True, is_superuser=True)] == ["admin"]
    client = Client()
    assert client.login(request=client.get("/accounts/login/").wsgi_request, username="admin", password="demo")
    assert client.get("/admin/").status_code == 200


def test_chats_are_those_of_the_issue(john: User) -> None:
    workspace = Workspace.objects.get()
    assert workspace.name == "Acme"
    chats = {str(chat) for chat in workspace.chats.exclude(kind="direct")}
    assert chats == {
        "general",
        "releases",
        "Task: Update documentation",
        "Bug: Typing never goes away",
        "Epic: Realtime that can be trusted",
    }
    peers = peers_of(list_chats(john))
    assert {user.username for user in peers.values()} == {"jane", "bob"}


def test_conversation_is_believable(john: User) -> None:
    messages = Message.objects.all()
    assert messages.count() >= 40
    assert messages.filter(edited_at__isnull=False).count() == 1
    assert messages.filter(deleted_at__isnull=False).count() == 1
    assert messages.filter(reply_to__isnull=False).count() >= 3
    for kind in ("<pre><code", "<strong>", 'class="mention"', "<table>", "<blockquote>", "<ul>"):
        assert messages.filter(html__contains=kind).exists(), kind
    counts = Counter(messages.values_list("chat", flat=True))
    assert len(counts) == 7
    assert min(counts.values()) >= 3


def test_times_lie_in_the_past_and_run_with_seq(john: User) -> None:
    now = timezone.now()
    for chat in Chat.objects.all():
        messages = list(chat.messages.order_by("seq"))
        times = [message.created_at for message in messages]
        assert all(before < after for before, after in itertools.pairwise(times))
        assert now - datetime.timedelta(days=2) <= times[0] < times[-1] <= now
        assert chat.last_message_at == times[-1]
        assert chat.created_at < times[0]
        assert [message.seq for message in messages] == list(range(1, chat.seq + 1))
        assert [message.pk for message in messages] == sorted(message.pk for message in messages)
    for message in Message.objects.exclude(edited_at=None):
        assert message.created_at < message.edited_at <= now  # type: ignore[operator]  # not None, see above
    for notification in Notification.objects.exclude(message=None).select_related("message"):
        assert notification.message is not None
        assert notification.created_at == notification.message.created_at


def test_john_has_something_to_read(john: User) -> None:
    rows = unread_counts(list(Chat.objects.values_list("pk", flat=True)), [john.pk])
    titles = {chat.pk: chat.title for chat in Chat.objects.all()}
    unread = {titles[row.chat_id]: (row.unread_count, row.mention_count) for row in rows if row.unread_count}
    assert unread == {
        "general": (3, 0),
        "Update documentation": (1, 0),
        "Typing never goes away": (2, 1),
    }
    assert count_unread_notifications(john) == 2


def test_again_changes_nothing(john: User) -> None:
    before = count_rows()
    seed()
    assert count_rows() == before


def test_again_does_not_bring_back_what_people_changed(john: User) -> None:
    workspace = Workspace.objects.get()
    services.rename_workspace(user=john, workspace_id=workspace.pk, name="Ours")
    chat = Chat.objects.get(title="releases")
    services.delete_chat(user=john, chat_id=chat.pk)
    before = count_rows()
    seed()
    assert count_rows() == before
    seed("--members", "3")
    assert Workspace.objects.get().name == "Ours"


def test_members_are_numbered_and_never_doubled(john: User) -> None:
    assert "4 of 4 members" in seed("--members", "4")
    before = count_rows()
    seed("--members", "4")
    assert count_rows() == before
    seed("--members", "6")
    chat = Chat.objects.get(title="All hands")
    names = chat.memberships.values_list("user__username", "user__display_name").order_by("user__username")
    numbered = [(f"member{number:04}", f"Member {number:04}") for number in range(1, 7)]
    assert list(names) == [("john", "John Smith"), *numbered]
    assert User.objects.get(username="member0006").check_password("demo")
    assert WorkspaceMember.objects.filter(user__username="member0006").exists()


def test_members_alone_bring_the_demo_too(db: None) -> None:
    seed("--force", "--members", "2")
    assert demo.demo_exists()
    assert Message.objects.count() >= 40


def test_a_thousand_members_come_in_batches(john: User) -> None:
    lines: list[str] = []
    demo.seed(1000, tell=lines.append)
    assert Chat.objects.get(title="All hands").memberships.count() == 1001
    assert len(lines) == 2


@pytest.mark.parametrize("number", ["-1", "1000000"])
def test_impossible_numbers_are_refused(john: User, number: str) -> None:
    with pytest.raises(CommandError, match="members must be 0 to 100,000"):
        seed("--members", number)


def test_refuses_where_debug_is_off(db: None) -> None:
    with pytest.raises(CommandError, match="--force"):
        seed()
    assert not User.objects.exists()
    seed("--force")
    assert demo.demo_exists()


def test_never_speaks_in_the_name_of_somebody_real(db: None) -> None:
    jane = make_user("Jane")
    with pytest.raises(CommandError, match="has the name jane already"):
        seed("--force")
    assert count_rows() == [1, 0, 0, 0, 0, 0, 0]
    assert not jane.messages.exists()


def test_somebody_real_called_like_a_member_is_left_alone(john: User) -> None:
    make_user("member0002")
    seed("--members", "3")
    names = Chat.objects.get(title="All hands").memberships.values_list("user__username", flat=True)
    assert sorted(names) == ["john", "member0001", "member0003"]


# --- Tokens -------------------------------------------------------------------------------------


def issue_token(username: str) -> str:
    """Run issue_token and return what it prints."""
    out = io.StringIO()
    call_command("issue_token", username, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("username", ["olga", "OLGA"])
def test_token_lets_its_user_in_and_is_all_that_is_printed(cast: Cast, username: str) -> None:
    printed = issue_token(username)
    assert printed.count("\n") == 1
    assert len(printed.split()) == 1
    token = AccessToken(printed.strip())  # type: ignore[arg-type]  # annotated as Token, but encoded ones are meant
    assert user_of(token) == cast.owner
    assert token.lifetime.total_seconds() == project_settings.FLOWRA_ACCESS_TOKEN_SECONDS


def test_no_token_for_who_cannot_sign_in(cast: Cast) -> None:
    with pytest.raises(CommandError, match='no user "nobody"'):
        issue_token("nobody")
    User.objects.filter(pk=cast.owner.pk).update(is_active=False)
    with pytest.raises(CommandError, match="deactivated"):
        issue_token("olga")
