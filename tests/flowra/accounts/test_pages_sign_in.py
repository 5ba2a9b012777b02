"""Signing in and out on the pages, and the demo's one-click accounts."""

from __future__ import annotations

import datetime

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from chats.demo import seed
from flowra.accounts.models import BrowserSession, User
from tests.conftest import PASSWORD, Cast

LOGIN, LOGOUT, DEMO = "/accounts/login/", "/accounts/logout/", "/accounts/demo/"


def sign_in(client: Client, user: User, **extra: str) -> str:
    """Sign in and return where it leads, or nothing where it fails."""
    response = client.post(LOGIN, {"username": user.username, "password": PASSWORD, **extra})
    return response.headers.get("Location", "")


def signed_in_as(client: Client) -> str:
    """Return the key of the user whose session the client has."""
    return str(client.session.get("_auth_user_id", ""))


def test_form_tells_people_and_password_managers_what_it_wants(client: Client, db: None) -> None:
    page = client.get(LOGIN).content.decode()
    assert '<label for="id_username">' in page
    assert '<label for="id_password">' in page
    assert 'autocomplete="username"' in page
    assert 'autocomplete="current-password"' in page
    assert page.count("autofocus") == 1
    assert "csrfmiddlewaretoken" in page


def test_sign_in_whatever_the_case_of_the_name(client: Client, cast: Cast) -> None:
    response = client.post(LOGIN, {"username": "OLGA", "password": PASSWORD})
    assert response.headers["Location"] == "/"
    assert signed_in_as(client) == str(cast.owner.pk)


def test_sign_in_goes_on_to_next(client: Client, cast: Cast) -> None:
    assert sign_in(client, cast.owner, next="/chats/abc/?x=1") == "/chats/abc/?x=1"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "https:evil.example",
        "javascript:alert(1)",
        "http://testserver@evil.example/",
        "",
    ],
)
def test_sign_in_leads_nowhere_else(client: Client, cast: Cast, target: str) -> None:
    assert sign_in(client, cast.owner, next=target) == "/"
    assert client.get(LOGIN, {"next": target}).headers["Location"] == "/"


@pytest.mark.parametrize("target", ["/accounts/login/", "/accounts/login/?next=/accounts/login/", "/accounts/signup/"])
def test_who_is_signed_in_is_not_sent_in_circles(client: Client, cast: Cast, target: str) -> None:
    client.force_login(cast.owner)
    assert client.get(LOGIN, {"next": target}).headers["Location"] == "/"


def test_session_key_changes_at_sign_in(client: Client, cast: Cast) -> None:
    session = client.session
    session["seen"] = True
    session.save()
    before = session.session_key
    sign_in(client, cast.owner)
    assert client.session.session_key != before
    assert not BrowserSession.objects.filter(pk=before).exists()


def test_refusal_does_not_tell_who_has_an_account(client: Client, cast: Cast) -> None:
    def refusal(username: str) -> str:
        page = client.post(LOGIN, {"username": username, "password": "wrong"}).content.decode()
        assert "Wrong username or password" in page
        return page.partition("Wrong username or password")[0].rpartition("<")[2]

    User.objects.filter(pk=cast.outsider.pk).update(is_active=False)
    assert refusal("olga") == refusal("nobody") == refusal("otto")


def test_deactivated_users_stay_outside(client: Client, cast: Cast) -> None:
    User.objects.filter(pk=cast.owner.pk).update(is_active=False)
    assert sign_in(client, cast.owner) == ""
    assert signed_in_as(client) == ""


def test_sign_out_ends_the_session_and_has_its_sockets_checked(client: Client, cast: Cast) -> None:
    client.force_login(cast.owner)
    key = client.session.session_key
    assert client.post(LOGOUT).headers["Location"] == LOGIN
    cast.owner.refresh_from_db()
    assert cast.owner.security_changed_at is not None
    assert not BrowserSession.objects.filter(pk=key).exists()
    cast.member.refresh_from_db()
    assert cast.member.security_changed_at is None


@pytest.mark.parametrize("path", [LOGOUT, "/admin/logout/"])
def test_each_sign_out_tells_the_browser_to_forget_what_was_written(client: Client, cast: Cast, path: str) -> None:
    client.force_login(cast.owner)
    response = client.post(path)
    assert response.headers["Location"] == LOGIN
    cookie = response.cookies["flowra_signed_out"]
    assert (cookie.value, cookie["httponly"], cookie["path"]) == ("1", "", "/")
    assert signed_in_as(client) == ""


def test_sign_out_needs_post_and_a_token(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.owner)
    assert client.get(LOGOUT).status_code == 405
    assert client.post(LOGOUT).status_code == 403
    assert signed_in_as(client) == str(cast.owner.pk)


def test_sign_out_in_the_admin_has_sockets_checked_too(admin_client: Client, admin_user: User) -> None:
    admin_client.post("/admin/logout/")
    admin_user.refresh_from_db()
    assert admin_user.security_changed_at is not None


def test_clearing_expired_sessions_disturbs_nobody(client: Client, cast: Cast) -> None:
    client.force_login(cast.owner)
    BrowserSession.objects.update(expire_date=timezone.now() - datetime.timedelta(seconds=1))
    call_command("clearsessions")
    assert not BrowserSession.objects.exists()
    cast.owner.refresh_from_db()
    assert cast.owner.security_changed_at is None


# --- The demo -----------------------------------------------------------------------------------


@pytest.fixture
def in_demo(db: None, settings: Settings) -> None:
    """Be the demo."""
    settings.DEMO = True
    seed.seed()


def test_demo_accounts_are_one_click(client: Client, in_demo: None) -> None:
    page = client.get(LOGIN, {"next": "/chats/"}).content.decode()
    for account in seed.ACCOUNTS:
        assert f'name="account" value="{account.username}"' in page
        assert account.display_name in page
    assert page.count('name="username"') == 1  # the demo's form does not look like the form for signing in
    response = client.post(DEMO, {"account": "jane", "next": "/chats/"})
    assert response.headers["Location"] == "/chats/"
    assert signed_in_as(client) == str(User.objects.get(username="jane").pk)


def test_demo_accounts_need_the_token(in_demo: None) -> None:
    assert Client(enforce_csrf_checks=True).post(DEMO, {"account": "jane"}).status_code == 403
    assert Client().get(DEMO).status_code == 405


@pytest.mark.parametrize("username", ["olga", "member0001", "", "jane' OR 1=1"])
def test_one_click_is_for_demo_accounts_only(client: Client, in_demo: None, cast: Cast, username: str) -> None:
    assert client.post(DEMO, {"account": username}).status_code == 404
    assert signed_in_as(client) == ""


def test_demo_account_with_another_password_is_nobodys(client: Client, in_demo: None) -> None:
    jane = User.objects.get(username="jane")
    jane.set_password(PASSWORD)
    jane.save()
    assert client.post(DEMO, {"account": "jane"}).headers["Location"] == LOGIN
    assert signed_in_as(client) == ""


def test_no_one_click_outside_the_demo(client: Client, in_demo: None, settings: Settings) -> None:
    settings.DEMO = False
    assert "demo" not in client.get(LOGIN).content.decode().lower()
    assert client.post(DEMO, {"account": "jane"}).status_code == 404
    assert signed_in_as(client) == ""


def test_debug_alone_is_not_the_demo(client: Client, cast: Cast, settings: Settings) -> None:
    settings.DEMO = True
    assert 'name="account"' not in client.get(LOGIN).content.decode()
    assert client.post(DEMO, {"account": "john"}).status_code == 404
