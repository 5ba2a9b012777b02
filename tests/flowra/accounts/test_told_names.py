"""Whoever changes what is seen of somebody, and however: it is told, with the workspaces they are in."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoCaptureOnCommitCallbacks

from chats import events, services
from chats.models import Workspace
from flowra.accounts.models import User
from flowra.accounts.services import change_display_name, deactivate_user

pytestmark = pytest.mark.django_db
NEW = "Jane Roe"


@pytest.fixture
def told() -> Iterator[list[object]]:
    """Give what is told of people, in order."""
    seen: list[object] = []

    def note(event: object, **kwargs: object) -> None:
        if isinstance(event, events.UserChanged | events.MeChanged):
            seen.append(event)

    events.domain_event.connect(note)
    yield seen
    events.domain_event.disconnect(note)


@pytest.fixture
def jane() -> User:
    """Give somebody with a workspace."""
    user = get_user_model().objects.create_user("jane", "jane@example.org", "demo", display_name="Jane Doe")
    services.create_workspace(user=user, name="Acme")
    return get_user_model().objects.get(pk=user.pk)


def save(user: User) -> None:
    user.display_name = NEW
    user.save()


def save_one_field(user: User) -> None:
    user.display_name = NEW
    user.save(update_fields=["display_name"])


def update(user: User) -> None:
    get_user_model().objects.filter(display_name="Jane Doe").update(display_name=NEW)


def update_in_bulk(user: User) -> None:
    user.display_name = NEW
    get_user_model().objects.bulk_update([user], ["display_name"])


def profile_page(user: User) -> None:
    client = Client()
    client.force_login(user)
    assert client.post(reverse("accounts:profile"), {"display_name": NEW}).status_code == 302


def admin_page(user: User) -> None:
    root = get_user_model().objects.create_superuser("root", "root@example.org", "demo")
    client = Client()
    client.force_login(root)
    url = reverse("admin:accounts_user_change", args=[user.pk])
    fields = {"username": "jane", "display_name": NEW, "email": "jane@example.org", "is_active": "on"}
    assert client.post(url, fields).status_code == 302


@pytest.mark.parametrize(
    "change",
    [
        save,
        save_one_field,
        update,
        update_in_bulk,
        profile_page,
        admin_page,
        lambda user: change_display_name(user, NEW),
        lambda user: get_user_model().objects.filter(pk=user.pk).update(display_name="", username=NEW[:4]),
    ],
)
def test_another_name_is_told(
    jane: User,
    told: list[object],
    change: Callable[[User], None],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        change(jane)
    stored = get_user_model().objects.get(pk=jane.pk)
    others, mine = told
    assert isinstance(others, events.UserChanged)
    assert isinstance(mine, events.MeChanged)
    assert (others.user_id, mine.user_id) == (jane.pk, jane.pk)
    assert others.workspace_ids == (Workspace.objects.get().pk,)
    shown = {"id": str(jane.pk), "username": stored.username, "display_name": stored.get_full_name()}
    assert others.data == {**shown, "is_bot": False}
    assert mine.data == {**shown, "email": "jane@example.org"}


def test_another_address_is_told_to_oneself_alone(
    jane: User, told: list[object], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        get_user_model().objects.update(email="new@example.org")
    assert [type(event) for event in told] == [events.MeChanged]


def test_what_changes_nothing_that_is_seen_is_not_told(
    jane: User, told: list[object], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        jane.save()
        get_user_model().objects.filter(pk=jane.pk).update(display_name="Jane Doe", is_staff=True)
        jane.display_name = "Typed into a form that was refused"
        jane.save(update_fields=["last_login"])
        deactivate_user(get_user_model().objects.get(pk=jane.pk))
    assert told == []
