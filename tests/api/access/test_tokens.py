"""Tokens: sign in, refresh, revoke, and everything that ends them."""

from __future__ import annotations

import base64
import datetime
import json
import time
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from chats import services
from flowra.accounts.security.tokens import TokenPair, issue_access_token, issue_tokens
from flowra.accounts.services import sign_out_everywhere
from tests.api.conftest import Caller, Callers
from tests.conftest import PASSWORD, Cast


def sign_in(callers: Callers, username: str = "mika", password: str = PASSWORD) -> Any:
    """Ask for tokens."""
    return callers.nobody.post("/auth/token", {"username": username, "password": password})


def is_good(access: str) -> bool:
    """Whether an access token is accepted."""
    answer = Caller(access).get("/me")
    assert answer.status in (200, 401)
    if answer.status == 401:
        assert answer.data["code"] == "token_not_valid"
        assert set(answer.data) == {"detail", "code"}
    return answer.status == 200


def forge(token: str, *, key: str = "", algorithm: str = "none") -> str:
    """Return `token` signed with another key, or not at all."""
    payload = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode(payload, key, algorithm=algorithm)


def sid_of(token: str) -> str:
    """Return the id of the sign-in a token goes back to."""
    return str(jwt.decode(token, options={"verify_signature": False})["sid"])


def test_sign_in_gives_a_pair(cast: Cast, callers: Callers) -> None:
    answer = sign_in(callers)
    assert (answer.status, set(answer.data)) == (200, {"access", "refresh", "expires_in"})
    assert answer.data["expires_in"] == settings.FLOWRA_ACCESS_TOKEN_SECONDS
    me = Caller(answer.data["access"]).get("/me").data
    assert me == {
        "id": str(cast.member.pk),
        "username": "mika",
        "display_name": "Mika",
        "email": "mika@example.org",
    }
    cast.member.refresh_from_db()
    assert cast.member.last_login is not None


def test_wrong_name_and_wrong_password_look_the_same(cast: Cast, callers: Callers) -> None:
    wrong, unknown = sign_in(callers, password="wrong"), sign_in(callers, username="nobody-here")
    assert (wrong.status, wrong.data["code"]) == (401, "authentication_failed")
    assert wrong.data == unknown.data
    assert wrong.headers["WWW-Authenticate"] == 'Bearer realm="api"'
    cast.member.is_active = False
    cast.member.save()
    assert sign_in(callers).data == wrong.data


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "mika"},
        {"username": "mika", "password": 1},
        {"username": None, "password": "x"},
        {"username": ["mika"], "password": "x"},
        {"username": "mi\0ka", "password": "x"},
        {"username": "mika", "password": "\ud800"},
        {"username": "a" * 256, "password": "x"},
        [],
        "mika",
    ],
)
def test_credentials_are_text(callers: Callers, body: Any) -> None:
    assert callers.nobody.post("/auth/token", body).status == 400


def test_a_stale_token_beside_the_credentials_does_no_harm(callers: Callers) -> None:
    answer = Caller("stale").post("/auth/token", {"username": "mika", "password": PASSWORD})
    assert answer.status == 200


def test_too_many_attempts_lock_out(callers: Callers, settings: Any) -> None:
    settings.AXES_ENABLED = True
    settings.AXES_FAILURE_LIMIT = 3
    statuses = [sign_in(callers, username=name, password="wrong").status for name in ("mika", "MIKA", "Mika", "mika")]
    assert statuses[0] == 401
    assert statuses[-1] == 429
    locked = sign_in(callers)
    assert (locked.status, locked.data["code"]) == (429, "locked_out")
    assert int(locked.headers["Retry-After"]) > 0
    assert sign_in(callers, username="olga").status == 200
    assert sign_in(callers, username="ghost", password="x").status == 401


def test_success_forgets_earlier_failures(callers: Callers, settings: Any) -> None:
    settings.AXES_ENABLED = True
    settings.AXES_FAILURE_LIMIT = 3
    for _round in range(3):
        assert [sign_in(callers, password="wrong").status for _try in range(2)] == [401, 401]
        assert sign_in(callers).status == 200


def test_refresh_rotates(callers: Callers) -> None:
    first = sign_in(callers).data
    second = callers.nobody.post("/auth/token/refresh", {"refresh": first["refresh"]})
    assert second.status == 200
    assert second.data["refresh"] != first["refresh"]
    assert is_good(second.data["access"])
    assert callers.nobody.post("/auth/token/refresh", {"refresh": second.data["refresh"]}).status == 200


def test_revoking_ends_the_whole_sign_in(cast: Cast, callers: Callers) -> None:
    first, other = sign_in(callers).data, sign_in(callers).data
    assert sid_of(first["access"]) == sid_of(first["refresh"]) != sid_of(other["access"])
    second = callers.nobody.post("/auth/token/refresh", {"refresh": first["refresh"]}).data
    before = timezone.now()
    assert callers.nobody.post("/auth/token/revoke", {"refresh": second["refresh"]}).status == 204
    assert not is_good(first["access"])
    assert not is_good(second["access"])
    assert callers.nobody.post("/auth/token/refresh", {"refresh": second["refresh"]}).status == 401
    assert callers.nobody.post("/auth/token/revoke", {"refresh": second["refresh"]}).status == 401
    assert is_good(other["access"])
    cast.member.refresh_from_db()
    assert cast.member.security_changed_at is not None
    assert cast.member.security_changed_at >= before


@pytest.mark.parametrize("endpoint", ["refresh", "revoke"])
@pytest.mark.parametrize(
    "body", [{}, {"refresh": None}, {"refresh": 1}, {"refresh": ["x"]}, [], {"refresh": "a" * 5000}]
)
def test_a_refresh_token_is_text(callers: Callers, endpoint: str, body: Any) -> None:
    answer = callers.nobody.post(f"/auth/token/{endpoint}", body)
    assert (answer.status, answer.data["code"]) in ((400, "invalid"), (400, "too_long"))


@pytest.mark.parametrize("endpoint", ["refresh", "revoke"])
def test_only_refresh_tokens_refresh(cast: Cast, callers: Callers, endpoint: str) -> None:
    pair = issue_tokens(cast.member)
    for wrong in (
        pair.access,
        "x",
        "",
        "a.b.c",
        forge(pair.refresh),
        forge(pair.refresh, key="k" * 64, algorithm="HS256"),
    ):
        answer = callers.nobody.post(f"/auth/token/{endpoint}", {"refresh": wrong})
        assert (answer.status, answer.data["code"]) == (401, "token_not_valid")
    assert not is_good(pair.refresh)


def test_a_new_password_a_new_stamp_and_deactivation_end_tokens(cast: Cast, callers: Callers) -> None:
    pair = issue_tokens(cast.member)
    cast.member.set_password("another battery")
    cast.member.save()
    assert not is_good(pair.access)
    assert callers.nobody.post("/auth/token/refresh", {"refresh": pair.refresh}).status == 401
    pair = issue_tokens(cast.member)
    sign_out_everywhere(cast.member)
    assert not is_good(pair.access)
    pair = issue_tokens(cast.member)
    cast.member.is_active = False
    cast.member.save()
    assert not is_good(pair.access)
    assert callers.nobody.post("/auth/token/refresh", {"refresh": pair.refresh}).status == 401


def test_a_deleted_users_token_is_not_valid(cast: Cast) -> None:
    access = issue_access_token(cast.outsider)
    assert is_good(access)
    cast.outsider.delete()
    assert not is_good(access)


def test_forged_and_expired_tokens(cast: Cast) -> None:
    access = issue_tokens(cast.member).access
    header, payload, signature = access.split(".")
    none_header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).rstrip(b"=").decode()
    assert is_good(access)
    assert not is_good(forge(access))
    assert not is_good(f"{none_header}.{payload}.")
    assert not is_good(f"{none_header}.{payload}.{signature}")
    assert not is_good(f"{header}.{payload}.{signature[:-4]}AAAA")
    assert not is_good(forge(access, key="secret" * 12, algorithm="HS256"))
    expired = AccessToken(access)  # type: ignore[arg-type]
    expired.set_exp(lifetime=-datetime.timedelta(seconds=1))
    assert not is_good(str(expired))


def test_no_token_outlives_what_the_settings_say(cast: Cast, callers: Callers) -> None:
    """Refreshing gives a new pair, and each of its tokens the life that the settings say; the old one is used up."""
    before = int(time.time())
    pair = issue_tokens(cast.member)
    for _ in range(2):
        claims = [jwt.decode(token, options={"verify_signature": False}) for token in (pair.access, pair.refresh)]
        lives = [settings.FLOWRA_ACCESS_TOKEN_SECONDS, settings.FLOWRA_REFRESH_TOKEN_SECONDS]
        for claim, life in zip(claims, lives, strict=True):
            assert before <= claim["exp"] - life <= time.time()
        pair = TokenPair(**callers.nobody.post("/auth/token/refresh", {"refresh": pair.refresh}).data)
    late = RefreshToken(pair.refresh)  # type: ignore[arg-type]
    late.set_exp(lifetime=-datetime.timedelta(seconds=1))
    for path in ("/auth/token/refresh", "/auth/token/revoke"):
        assert callers.nobody.post(path, {"refresh": str(late)}).status == 401


def test_a_properly_signed_token_for_somebody_else_needs_their_stamp(cast: Cast) -> None:
    token = AccessToken(issue_tokens(cast.member).access)  # type: ignore[arg-type]
    token["user_id"] = str(cast.owner.pk)
    assert not is_good(str(token))
    for claim in ("user_id", "stamp"):
        token = AccessToken(issue_tokens(cast.member).access)  # type: ignore[arg-type]
        del token[claim]
        assert not is_good(str(token))
        token[claim] = "no-uuid"
        assert not is_good(str(token))


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer a b",
        "bearer x",
        "Bearer é",
        "Bearer " + base64.b64encode(b"[" * 20_000).decode() + ".x.y",
    ],
)
def test_a_header_of_any_content_is_a_401(callers: Callers, header: str) -> None:
    assert callers.nobody.call("GET", "/me", Authorization=header).status == 401


def test_the_schemes_case_does_not_matter(cast: Cast, callers: Callers) -> None:
    access = issue_access_token(cast.member)
    assert callers.nobody.call("GET", "/me", Authorization=f"bearer {access}").status == 200
    assert callers.nobody.call("GET", "/me", Authorization=f"Basic {access}").status == 401


def test_tokens_are_not_stored(cast: Cast, callers: Callers) -> None:
    pair = issue_tokens(cast.member)
    callers.nobody.post("/auth/token/refresh", {"refresh": pair.refresh})
    assert [row.token for row in OutstandingToken.objects.all()] == [""]


def test_a_session_cookie_needs_the_csrf_token(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.member, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/api/v1/me").status_code == 200
    refused = client.patch("/api/v1/me", "{}", content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    client.cookies["csrftoken"] = "a" * 32
    allowed = client.patch("/api/v1/me", "{}", content_type="application/json", headers={"X-CSRFToken": "a" * 32})
    assert allowed.status_code == 200


def test_the_profile_takes_a_display_name_and_nothing_else(cast: Cast, callers: Callers) -> None:
    before = callers.member.get("/me").data
    wish = {"display_name": "  Mika \t M. ", "username": "root", "email": "x@y.z", "is_staff": True, "id": "1"}
    after = callers.member.patch("/me", wish)
    assert (after.status, after.data) == (200, {**before, "display_name": "Mika M."})
    cast.member.refresh_from_db()
    assert not cast.member.is_staff
    assert callers.member.patch("/me", {}).data == after.data
    posted = services.post_message(user=cast.member, chat_id=cast.chat.pk, body="Hi", client_id=cast.member.pk)
    shown = callers.owner.get(f"/chats/{cast.chat.pk}/messages/{posted.message.pk}").data
    assert shown["author"]["display_name"] == "Mika M."
