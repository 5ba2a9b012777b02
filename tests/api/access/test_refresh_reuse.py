"""A refresh token that comes twice: a lost answer at first, a stolen token later on; and the end of a sign-in."""

from __future__ import annotations

import datetime
import threading
from typing import Any

import jwt
import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone
from pytest_django import Settings
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken

from flowra.accounts.mail import flush
from flowra.accounts.security.tokens import TokenPair, issue_tokens, refresh_tokens
from tests.api.conftest import Caller, Callers
from tests.conftest import PASSWORD, Cast, make_user

DAY = datetime.timedelta(days=1)


def refresh(callers: Callers, token: str) -> Any:
    """Use a refresh token."""
    return callers.nobody.post("/auth/token/refresh", {"refresh": token})


def claims(token: str) -> dict[str, Any]:
    """Return what a token says."""
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def age_uses(seconds: float) -> None:
    """Have every refresh token been used this much earlier."""
    for row in OutstandingToken.objects.all():
        row.created_at = (row.created_at or timezone.now()) - datetime.timedelta(seconds=seconds)
        row.save()


def test_a_lost_answer_is_given_again(cast: Cast, callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    used_at = timezone.now()
    monkeypatch.setattr("flowra.accounts.security.tokens.database_now", lambda: used_at)
    first = issue_tokens(cast.member)
    second = refresh(callers, first.refresh)
    for _ in range(3):
        again = refresh(callers, first.refresh)
        assert again.status == 200
        assert (again.data["access"], again.data["refresh"]) == (second.data["access"], second.data["refresh"])
        assert 0 < again.data["expires_in"] <= second.data["expires_in"]
    monkeypatch.setattr("flowra.accounts.security.tokens.database_now", lambda: used_at + datetime.timedelta(seconds=9))
    assert refresh(callers, first.refresh).data["refresh"] == second.data["refresh"]
    third = refresh(callers, second.data["refresh"])
    assert third.status == 200
    assert (
        len({claims(token)["jti"] for pair in (second, third) for token in (pair.data["access"], pair.data["refresh"])})
        == 4
    )
    flush(10)
    assert mail.outbox == []


@pytest.mark.parametrize("generation", [0, 1, 2])
def test_a_used_token_that_comes_late_ends_the_sign_in_and_is_told(
    cast: Cast, callers: Callers, generation: int
) -> None:
    pairs = [issue_tokens(cast.member)]
    other = issue_tokens(cast.member)
    for _ in range(3):
        pairs.append(refresh_tokens(pairs[-1].refresh))
    age_uses(11)
    before = timezone.now()
    answer = refresh(callers, pairs[generation].refresh)
    assert (answer.status, answer.data["code"]) == (401, "token_not_valid")
    for pair in pairs:
        assert Caller(pair.access).get("/me").status == 401
        assert refresh(callers, pair.refresh).status == 401
    assert Caller(other.access).get("/me").status == 200, "another sign-in goes on"
    cast.member.refresh_from_db()
    assert cast.member.security_changed_at is not None, "its sockets are looked at again"
    assert cast.member.security_changed_at >= before
    flush(10)
    assert [message.to for message in mail.outbox] == [[cast.member.email]], "one mail, however often it comes"
    assert "/accounts/password/reset/" in str(mail.outbox[0].body)
    assert pairs[generation].refresh not in str(mail.outbox[0].body)


def test_a_used_token_signs_out_as_well(cast: Cast, callers: Callers) -> None:
    """Whoever signs out while a refresh is under way has only the token that it uses up."""
    first = issue_tokens(cast.member)
    second = refresh_tokens(first.refresh)
    assert callers.nobody.post("/auth/token/revoke", {"refresh": first.refresh}).status == 204
    assert Caller(second.access).get("/me").status == 401
    assert refresh(callers, second.refresh).status == 401
    flush(10)
    assert mail.outbox == []


def test_a_sign_in_ends_after_ninety_days_however_often_it_is_refreshed(
    cast: Cast, callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = timezone.now()
    clock = [began]
    monkeypatch.setattr("flowra.accounts.security.tokens.database_now", lambda: clock[0])
    monkeypatch.setattr("rest_framework_simplejwt.tokens.aware_utcnow", lambda: clock[0])
    monkeypatch.setattr("rest_framework_simplejwt.backends.TokenBackend.get_leeway", lambda self: 200 * DAY)
    pair = issue_tokens(cast.member)
    while clock[0] < began + 88 * DAY:
        clock[0] += 8 * DAY
        pair = refresh_tokens(pair.refresh)
    end = int((began + 90 * DAY).timestamp())
    assert claims(pair.refresh)["exp"] == end
    clock[0] = began + 90 * DAY - datetime.timedelta(minutes=5)
    last = refresh(callers, pair.refresh)
    assert last.status == 200
    assert claims(last.data["access"])["exp"] == claims(last.data["refresh"])["exp"] == end
    assert 298 <= last.data["expires_in"] <= 301
    clock[0] = began + 90 * DAY + datetime.timedelta(seconds=1)
    assert refresh(callers, last.data["refresh"]).status == 401


def test_a_sign_in_of_the_version_before_ends_ninety_days_after_its_next_refresh(cast: Cast) -> None:
    old = RefreshToken(issue_tokens(cast.member).refresh)  # type: ignore[arg-type]
    del old["auth_time"]
    new = refresh_tokens(str(old))
    assert claims(new.refresh)["auth_time"] == pytest.approx(timezone.now().timestamp(), abs=5)


def test_the_longest_sign_in_is_a_setting(cast: Cast, settings: Settings) -> None:
    settings.FLOWRA_SIGN_IN_SECONDS = 60
    pair = issue_tokens(cast.member)
    for token in (pair.access, pair.refresh):
        assert claims(token)["exp"] - timezone.now().timestamp() <= 60
    assert pair.expires_in <= 60


@pytest.mark.django_db(transaction=True)
def test_many_at_once_get_one_pair() -> None:
    """Two tabs or a repeated request: whoever comes second is no thief."""
    user = make_user("nina")
    first = issue_tokens(user)
    found: list[TokenPair | BaseException] = []
    barrier = threading.Barrier(4)

    def run() -> None:
        barrier.wait()
        try:
            found.append(refresh_tokens(first.refresh))
        except BaseException as error:  # noqa: BLE001  (shown by the assertion)
            found.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 4
    assert all(isinstance(pair, TokenPair) for pair in found), found
    assert len({(pair.access, pair.refresh) for pair in found if isinstance(pair, TokenPair)}) == 1
    assert user.check_password(PASSWORD)
