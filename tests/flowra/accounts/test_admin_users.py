"""The admin pages of users."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from flowra.accounts.models import User
from tests.conftest import PASSWORD, Cast, make_user

USERS = "/admin/accounts/user/"


@pytest.fixture
def helper(cast: Cast) -> Client:
    """Give the client of somebody who is staff and may change users, but is no superuser."""
    user = make_user("hella")
    user.is_staff = True
    user.save()
    codenames = ["view_user", "change_user", "add_user"]
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


def run(client: Client, action: str, *users: User) -> str:
    """Run an action on users and return the page that follows."""
    response = client.post(USERS, {"action": action, "_selected_action": [user.pk for user in users]}, follow=True)
    return response.content.decode()


def change(user: User, **changes: str) -> dict[str, str]:
    """Return what the change form posts for an active user, with `changes`; an empty value leaves a field out."""
    fields = {
        "username": user.username, "display_name": user.display_name, "email": user.email, "is_active": "on", **changes
    }  # fmt: skip
    return {name: value for name, value in fields.items() if value}


def test_deactivating_signs_out_for_good(admin_client: Client, cast: Cast) -> None:
    theirs = Client()
    theirs.force_login(cast.member)
    page = run(admin_client, "deactivate", cast.member, cast.outsider)
    assert "2 users were deactivated." in page
    cast.member.refresh_from_db()
    assert not cast.member.is_active
    assert cast.member.security_changed_at is not None
    assert LogEntry.objects.filter(change_message="Deactivated.").count() == 2
    assert "1 user was reactivated." in run(admin_client, "reactivate", cast.member)
    cast.member.refresh_from_db()
    assert cast.member.is_active
    assert theirs.get("/accounts/profile/").status_code == 302  # the old session does not come back


@pytest.mark.parametrize(
    ("values", "is_stamped"),
    [
        ({"is_active": False}, True),
        ({"password": "!"}, True),
        ({"security_stamp": "x"}, True),
        ({"display_name": "Mika"}, False),
    ],
)
def test_a_shell_that_updates_rows_without_saving_them_stamps_them_too(
    cast: Cast, values: dict[str, Any], is_stamped: bool
) -> None:
    User.objects.filter(username="mika").update(**values)
    cast.member.refresh_from_db()
    assert (cast.member.security_changed_at is not None) == is_stamped
    for name, value in values.items():
        setattr(cast.outsider, name, value)
    User.objects.bulk_update([cast.outsider], list(values))
    cast.outsider.refresh_from_db()
    assert (cast.outsider.security_changed_at is not None) == is_stamped


def test_deactivating_on_the_form_signs_out_for_good_too(admin_client: Client, cast: Cast) -> None:
    theirs = Client()
    theirs.force_login(cast.member)
    for is_active in ("", "on"):
        response = admin_client.post(f"{USERS}{cast.member.pk}/change/", change(cast.member, is_active=is_active))
        assert response.status_code == 302
        cast.member.refresh_from_db()
        assert cast.member.is_active == bool(is_active)
    assert theirs.get("/accounts/profile/").status_code == 302


def test_nobody_deactivates_themselves(admin_client: Client, admin_user: User) -> None:
    assert "0 users were deactivated." in run(admin_client, "deactivate", admin_user)
    admin_user.refresh_from_db()
    assert admin_user.is_active


def test_signing_out_everywhere(admin_client: Client, cast: Cast) -> None:
    theirs = Client()
    theirs.force_login(cast.member)
    assert "1 user was signed out." in run(admin_client, "sign_out", cast.member)
    assert theirs.get("/accounts/profile/").status_code == 302
    cast.member.refresh_from_db()
    assert cast.member.security_changed_at is not None


def test_only_superusers_touch_staff_and_power(helper: Client, admin_user: User, cast: Cast) -> None:
    for action in ("deactivate", "sign_out"):
        assert "is staff: only superusers may do this" in run(helper, action, admin_user)
    before = admin_user.security_stamp
    admin_user.refresh_from_db()
    assert (admin_user.is_active, admin_user.security_stamp) == (True, before)
    assert helper.post(f"{USERS}{admin_user.pk}/change/", change(admin_user)).status_code == 403
    assert helper.get(f"{USERS}{admin_user.pk}/password/").status_code == 403
    response = helper.post(
        f"{USERS}{cast.member.pk}/change/", change(cast.member, is_superuser="on", is_staff="on", display_name="M")
    )
    assert response.status_code == 302
    cast.member.refresh_from_db()
    assert (cast.member.display_name, cast.member.is_staff, cast.member.is_superuser) == ("M", False, False)


def test_staff_do_not_raise_themselves_by_a_group(helper: Client, admin_client: Client, cast: Cast) -> None:
    group = Group.objects.create(name="helpers")
    hella = User.objects.get(username="hella")
    hella.groups.add(group)
    hella.user_permissions.add(*Permission.objects.filter(content_type__app_label="auth"))
    everything = list(Permission.objects.values_list("pk", flat=True))
    page = f"/admin/auth/group/{group.pk}/change/"
    assert helper.post(page, {"name": "helpers", "permissions": everything}).status_code == 403
    assert helper.post("/admin/auth/group/add/", {"name": "new", "permissions": everything}).status_code == 403
    assert helper.post(f"/admin/auth/group/{group.pk}/delete/", {"post": "yes"}).status_code == 403
    helper.post("/admin/auth/group/", {"action": "delete_selected", "_selected_action": [group.pk], "post": "yes"})
    assert helper.get(page).status_code == 200, "seeing them is a permission as others"
    assert [(one.name, one.permissions.count()) for one in Group.objects.all()] == [("helpers", 0)]
    assert admin_client.post(page, {"name": "helpers", "permissions": everything[:3]}).status_code == 302
    assert group.permissions.count() == 3


def test_actions_need_the_permission(cast: Cast) -> None:
    cast.owner.is_staff = True
    cast.owner.save()
    cast.owner.user_permissions.set(Permission.objects.filter(codename="view_user"))
    client = Client()
    client.force_login(cast.owner)
    assert client.get(USERS).status_code == 200
    run(client, "deactivate", cast.member)
    cast.member.refresh_from_db()
    assert cast.member.is_active


def test_users_are_not_deleted(admin_client: Client, cast: Cast) -> None:
    assert admin_client.post(f"{USERS}{cast.member.pk}/delete/", {"post": "yes"}).status_code == 403
    run(admin_client, "delete_selected", cast.member)
    assert User.objects.filter(pk=cast.member.pk).exists()


def test_no_hash_is_shown_and_none_can_be_set(admin_client: Client, cast: Cast) -> None:
    page = admin_client.get(f"{USERS}{cast.member.pk}/change/").content.decode()
    assert cast.member.password.rpartition("$")[2] not in page
    assert cast.member.security_stamp not in page
    admin_client.post(f"{USERS}{cast.member.pk}/change/", change(cast.member, password="x", security_stamp="x", id="x"))
    cast.member.refresh_from_db()
    assert cast.member.check_password(PASSWORD)
    assert cast.member.security_stamp != "x"


def test_adding_a_user_and_setting_a_password(admin_client: Client, cast: Cast) -> None:
    new = {"username": "nina", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    assert admin_client.post(f"{USERS}add/", {**new, "username": "OLGA"}).status_code == 200
    assert admin_client.post(f"{USERS}add/", new).status_code == 302
    nina = User.objects.get(username="nina")
    assert nina.display_name == "nina"
    theirs = Client()
    theirs.force_login(nina)
    other = {"usable_password": "true", "password1": "another secret", "password2": "another secret"}
    response = admin_client.post(f"{USERS}{nina.pk}/password/", {**other, "set-password": "1"})
    assert response.status_code == 302
    nina.refresh_from_db()
    assert nina.check_password("another secret")
    assert nina.security_changed_at is not None
    assert theirs.get("/accounts/profile/").status_code == 302


@pytest.mark.parametrize("query", ["q=olga", "q=O'Brien", "q=%25", "is_active__exact=0", "q=550e8400-e29b"])
def test_search_and_filters(admin_client: Client, cast: Cast, query: str) -> None:
    page = admin_client.get(f"{USERS}?{query}").content.decode()
    assert ("olga@example.org" in page) == (query == "q=olga")


def test_the_list_takes_as_many_queries_for_many_as_for_few(
    admin_client: Client, cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    User.objects.bulk_create(User(username=f"user{number}", display_name="x") for number in range(30))
    with django_assert_max_num_queries(6):
        assert b"user29" in admin_client.get(USERS).content
