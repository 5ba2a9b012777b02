"""What somebody with bad intentions tries on the account pages: forged forms, other sites, guessing names."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend
from django.test import Client
from django.urls import URLPattern
from pytest_django import Settings

from flowra.accounts import urls
from flowra.accounts.mail import flush
from flowra.accounts.models import User
from tests.conftest import PASSWORD, Cast

FOREIGN = ["https://evil.example/", "//evil.example/", "/\\evil.example/", "https:evil.example", "javascript:alert(1)"]
RESET = "/accounts/password/reset/"


class CountingHasher(PBKDF2PasswordHasher):
    """Hashes as in production, if faster, and counts: how often one is asked is how long an answer takes."""

    algorithm = "counting"
    iterations = 10
    asked = 0

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """Return the hash."""
        type(self).asked += 1
        return super().encode(password, salt, iterations)


@pytest.fixture
def people(settings: Settings, cast: Cast) -> Cast:
    """Give the cast with counted passwords; Otto is deactivated."""
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    for user in User.objects.all():
        user.set_password(PASSWORD)
        user.is_active = user.username != "otto"
        user.save()
    return cast


def by_form(username: str) -> Any:
    """Try to sign in on the page."""
    return Client().post("/accounts/login/", {"username": username, "password": "wrong"})


def by_rest(username: str) -> Any:
    """Try to sign in over REST."""
    body = {"username": username, "password": "wrong"}
    return Client().post("/api/v1/auth/token", body, content_type="application/json")


def in_the_admin(username: str) -> Any:
    """Try to sign in to the admin."""
    return Client().post("/admin/login/", {"username": username, "password": "wrong"})


@pytest.mark.parametrize("sign_in", [by_form, by_rest, in_the_admin])
def test_an_unknown_name_costs_the_time_of_a_known_one(people: Cast, sign_in: Callable[[str], Any]) -> None:
    asked, statuses = set(), set()
    for name in ("olga", "nobody", "otto"):
        before = CountingHasher.asked
        statuses.add(sign_in(name).status_code)
        asked.add(CountingHasher.asked - before)
    assert asked == {1}
    assert len(statuses) == 1


@pytest.mark.parametrize("sign_in", [by_form, by_rest, in_the_admin])
def test_an_unknown_name_is_locked_out_like_a_known_one(people: Cast, sign_in: Callable[[str], Any]) -> None:
    last = {}
    for name in ("olga", "nobody", "otto"):
        answers = [sign_in(name) for _ in range(11)]
        last[name] = [(answer.status_code, answer.headers.get("Retry-After")) for answer in answers]
        assert last[name][-1] == (429, "900")
    assert last["olga"] == last["nobody"] == last["otto"]


class ThreadNotingBackend(EmailBackend):
    """Notes which thread sends."""

    threads: ClassVar[set[str]] = set()

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        """Send nothing."""
        self.threads.add(threading.current_thread().name)
        return len(messages)


def test_a_reset_is_answered_before_its_mail_is_sent(client: Client, cast: Cast, settings: Settings) -> None:
    """How long a mail server takes must not tell who gets a mail."""
    settings.EMAIL_BACKEND = f"{__name__}.ThreadNotingBackend"
    ways = {client.post(RESET, {"email": email}).headers["Location"] for email in (cast.owner.email, "no@example.org")}
    assert len(ways) == 1
    flush(10)
    assert len(ThreadNotingBackend.threads) == 1
    assert threading.current_thread().name not in ThreadNotingBackend.threads


@pytest.mark.parametrize("target", FOREIGN)
def test_no_way_in_or_out_leads_to_another_site(client: Client, cast: Cast, target: str) -> None:
    client.force_login(cast.owner)
    for path in ("/accounts/login/", "/accounts/signup/"):
        assert client.get(path, {"next": target}).headers["Location"] == "/"
    out = client.post("/accounts/logout/", {"next": target}).headers["Location"]
    assert out == "/accounts/login/"
    assert client.post("/accounts/logout/", query_params={"next": target}).headers["Location"] == "/accounts/login/"
    staff = User.objects.create_superuser("root", "root@example.org", PASSWORD)
    form = {"username": staff.username, "password": PASSWORD, "next": target}
    assert "evil" not in Client().post("/admin/login/", form).headers["Location"]
    moved = client.get(f"/chats/{cast.chat.pk}/", headers={"HX-Request": "true", "HX-Current-URL": target})
    assert "evil" not in moved.headers["HX-Redirect"]
    assert client.get("//evil.example/accounts/login").headers.get("Location", "").startswith(("/%2F", ""))


@pytest.mark.parametrize("route", [route for route in urls.urlpatterns if "<" not in str(route.pattern)])
def test_a_form_of_the_account_pages_needs_its_token(cast: Cast, route: URLPattern) -> None:
    path = f"/accounts/{route.pattern}"
    form = {"username": "nina", "password": PASSWORD, "email": "nina@example.org", "display_name": "Hacked"}
    for signed_in in (False, True):
        client = Client(enforce_csrf_checks=True)
        if signed_in:
            client.force_login(cast.owner)
        before = list(User.objects.order_by("pk").values())
        status = client.post(path, form).status_code
        assert status in (403, 405) or (status == 302 and not signed_in and "password/change" in path), path
        assert list(User.objects.order_by("pk").values()) == before
        assert ("_auth_user_id" in client.session) == signed_in
