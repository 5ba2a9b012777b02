"""Too many failed attempts to sign in."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
from typing import cast as typed

import pytest
from axes.models import AccessAttempt
from django.conf import settings as project_settings
from django.core import mail
from django.http import HttpResponse
from django.test import AsyncClient, Client, RequestFactory
from django.utils import timezone
from pytest_django import Settings

from chats.api.throttles import ScopedThrottle
from flowra.accounts.mail import flush
from flowra.accounts.security.lockout import lockout_response
from tests.conftest import PASSWORD, Cast
from tests.flowra.accounts.test_pages_password import NEW, link_in

LOGIN = "/accounts/login/"
LIMIT = 10


def attempt(client: Client, username: str, password: str = "wrong") -> HttpResponse:  # noqa: S107
    """Try to sign in."""
    return typed(HttpResponse, client.post(LOGIN, {"username": username, "password": password}))


def lock_out(client: Client, username: str = "olga") -> HttpResponse:
    """Fail as often as it takes; returns the last answer."""
    for _ in range(LIMIT - 1):
        assert attempt(client, username).status_code == 200
    return attempt(client, username)


def test_too_many_failures_lock_out_kindly(client: Client, cast: Cast) -> None:
    response = lock_out(client)
    assert response.status_code == 429
    assert response["Retry-After"] == "900"
    page = response.content.decode()
    assert "Try again in 15 minutes." in page
    assert "/accounts/password/reset/" in page
    assert attempt(client, "olga", PASSWORD).status_code == 429
    assert "_auth_user_id" not in client.session


def test_others_and_other_addresses_are_not_locked_out(client: Client, cast: Cast) -> None:
    lock_out(client)
    assert attempt(client, "mika", PASSWORD).status_code == 302
    assert attempt(Client(REMOTE_ADDR="192.0.2.7"), "olga", PASSWORD).status_code == 302


def test_one_address_tries_so_many_names_and_no_more(
    client: Client, cast: Cast, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each try costs a hash, and one password tried on a thousand names locks none of them."""
    monkeypatch.setattr(ScopedThrottle, "THROTTLE_RATES", {"auth": "5/min"})
    for number in range(5):
        assert attempt(client, f"name{number}").status_code == 200
    for path in (LOGIN, "/accounts/signup/", "/accounts/password/reset/", "/accounts/demo/", "/admin/login/"):
        refused = client.post(path, {"username": "olga", "password": PASSWORD, "email": "olga@example.org"})
        assert refused.status_code == 429, path
        assert 30 <= int(refused["Retry-After"]) <= 60, path
    credentials = {"username": "olga", "password": PASSWORD}
    by_rest = client.post("/api/v1/auth/token", credentials, content_type="application/json")
    assert by_rest.status_code == 429
    assert client.get(LOGIN).status_code == 200
    assert attempt(Client(REMOTE_ADDR="192.0.2.7"), "olga", PASSWORD).status_code == 302
    settings.FLOWRA_RATE_LIMITS = False
    assert attempt(client, "olga", PASSWORD).status_code == 302


def test_spelling_a_name_differently_gives_no_further_attempts(client: Client, cast: Cast) -> None:
    spellings = ["olga", "OLGA", "Olga", "oLga", "olga ", "\uff4flga"]  # the last begins with a full-width o
    for number in range(LIMIT - 1):
        assert attempt(client, spellings[number % len(spellings)]).status_code == 200
    assert attempt(client, "olgA").status_code == 429


def test_another_browser_name_gives_no_further_attempts(client: Client, cast: Cast) -> None:
    for number in range(LIMIT - 1):
        client.post(LOGIN, {"username": "olga", "password": "x"}, headers={"user-agent": f"browser {number}"})
    assert attempt(client, "olga").status_code == 429


def test_the_pause_ends_in_time_even_if_one_keeps_trying(client: Client, cast: Cast) -> None:
    lock_out(client)
    almost = timezone.now() - datetime.timedelta(minutes=14, seconds=30)
    AccessAttempt.objects.update(attempt_time=almost)
    assert attempt(client, "olga", PASSWORD).status_code == 429
    assert AccessAttempt.objects.get().attempt_time == almost  # the pause was not begun anew
    AccessAttempt.objects.update(attempt_time=timezone.now() - datetime.timedelta(minutes=15, seconds=1))
    assert attempt(client, "olga", PASSWORD).status_code == 302


def test_signing_in_forgets_earlier_failures(client: Client, cast: Cast) -> None:
    for _ in range(LIMIT - 1):
        attempt(client, "olga")
    assert attempt(client, "OLGA", PASSWORD).status_code == 302
    assert attempt(Client(), "olga").status_code == 200


def test_a_new_password_ends_the_pause(client: Client, cast: Cast) -> None:
    lock_out(client)
    client.post("/accounts/password/reset/", {"email": cast.owner.email})
    flush(10)
    form = client.get(link_in(mail.outbox[0])).headers["Location"]
    client.post(form, {"new_password1": NEW, "new_password2": NEW})
    assert attempt(client, "olga", NEW).status_code == 302


def test_the_admin_is_locked_out_too(client: Client, cast: Cast) -> None:
    lock_out(client)
    assert client.post("/admin/login/", {"username": "olga", "password": PASSWORD}).status_code == 429


async def test_lock_out_on_the_asynchronous_path(cast: Cast) -> None:
    client = AsyncClient()  # as ASGI servers run the middleware
    for _ in range(LIMIT):
        response = await client.post(LOGIN, {"username": "olga", "password": "wrong"})
    assert response.status_code == 429
    assert "Too many attempts" in response.content.decode()


def test_lock_out_under_api_is_json() -> None:
    response = lockout_response(RequestFactory().post("/api/v1/auth/token"), None, {"username": "olga"})
    assert response.status_code == 429
    assert json.loads(response.content)["code"] == "locked_out"
    assert response["Retry-After"] == "900"


@pytest.mark.parametrize("username", ["x" * 5000, "\u202eolga", "' OR 1=1 --", "../../etc/passwd", "😀" * 300])
def test_odd_names_are_only_wrong_names(client: Client, db: None, username: str) -> None:
    assert attempt(client, username).status_code == 200
    assert all(len(row.username or "") <= 255 for row in AccessAttempt.objects.all())


def test_no_password_is_kept(client: Client, cast: Cast) -> None:
    attempt(client, "olga", "my secret guess")
    assert "my secret guess" not in repr(AccessAttempt.objects.values())


def test_switched_off_nobody_is_locked_out(client: Client, cast: Cast, settings: Settings) -> None:
    settings.AXES_ENABLED = False
    for _ in range(LIMIT + 2):
        assert attempt(client, "olga").status_code == 200
    assert attempt(client, "olga", PASSWORD).status_code == 302


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize(("value", "enabled"), [("false", "False"), ("true", "True")])
def test_rate_limits_switch_lock_outs(value: str, enabled: str) -> None:
    code = "from flowra import settings; print(settings.AXES_ENABLED)"
    environment = {**os.environ, "FLOWRA_RATE_LIMITS": value, "FLOWRA_DATA_DIR": str(project_settings.DATA_DIR)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=project_settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == enabled
