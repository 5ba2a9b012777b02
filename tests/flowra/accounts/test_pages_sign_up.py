"""Making an account."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

from flowra.accounts.forms import SignUpForm
from flowra.accounts.models import User
from tests.conftest import PASSWORD, Cast

SIGNUP = "/accounts/signup/"


def filled(**changes: str) -> dict[str, str]:
    """Return what somebody new would type, with `changes`."""
    return {
        "username": "nina", "display_name": "Nina Novak", "email": "nina@example.org", "password": PASSWORD, **changes
    }  # fmt: skip


def test_sign_up_makes_an_account_and_goes_on_to_the_invite(client: Client, db: None) -> None:
    page = client.get(SIGNUP, {"next": "/invites/abc/"}).content.decode()
    assert '<input type="hidden" name="next" value="/invites/abc/">' in page
    response = client.post(SIGNUP, filled(next="/invites/abc/"))
    assert response.headers["Location"] == "/invites/abc/"
    nina = User.objects.get(username="nina")
    assert (nina.display_name, nina.email, nina.is_staff, nina.is_superuser) == (
        "Nina Novak", "nina@example.org", False, False,
    )  # fmt: skip
    assert nina.check_password(PASSWORD)
    assert client.session["_auth_user_id"] == str(nina.pk)


def test_invite_survives_the_way_between_sign_in_and_sign_up(client: Client, db: None) -> None:
    assert (
        "/accounts/signup/?next=%2Finvites%2Fa%2Fb%2F"
        in client.get("/accounts/login/", {"next": "/invites/a/b/"}).content.decode()
    )
    assert (
        "/accounts/login/?next=%2Finvites%2Fa%2Fb%2F" in client.get(SIGNUP, {"next": "/invites/a/b/"}).content.decode()
    )


def test_sign_up_leads_nowhere_else(client: Client, db: None) -> None:
    assert "evil" not in client.get(SIGNUP, {"next": "//evil.example/"}).content.decode()
    assert client.post(SIGNUP, filled(next="//evil.example/")).headers["Location"] == "/"


def test_display_name_may_be_left_out(client: Client, db: None) -> None:
    client.post(SIGNUP, filled(display_name="  "))
    assert User.objects.get(username="nina").display_name == "nina"


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("username", "OLGA", "taken"),
        ("username", "olga", "taken"),
        ("username", "nina novak", "letters, digits"),
        ("username", "@nina", "letters, digits"),
        ("username", "n" * 41, "at most 40"),
        ("username", "", "required"),
        ("display_name", "\u200b\u2800", "empty"),
        ("display_name", "n" * 81, "at most 80"),
        ("email", "", "required"),
        ("email", "nowhere", "valid email"),
        ("password", "", "required"),
        ("password", "12345678", "numeric"),
        ("password", "password", "common"),
        ("password", "short", "too short"),
        ("password", "nina1234nina", None),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(
    client: Client, cast: Cast, field: str, value: str, message: str | None
) -> None:
    response = client.post(SIGNUP, filled(**{field: value}))
    if message is None:
        assert response.status_code == 302
        return
    page = response.content.decode()
    errors = page.partition(f'id="id_{field}_error"')[2].partition("</div>")[0]
    assert message in errors
    assert f'id_{field}_error"' in page.partition(f'name="{field}"')[2].partition(">")[0]  # aria-describedby
    assert not User.objects.filter(email="nina@example.org").exists()
    assert "_auth_user_id" not in client.session


def test_password_must_not_be_the_name(client: Client, db: None) -> None:
    response = client.post(SIGNUP, filled(username="correcthorse", password="correcthorse1"))
    assert "too similar to the username" in response.content.decode()


def test_an_address_that_is_used_already_is_nobodys_business(client: Client, cast: Cast) -> None:
    assert client.post(SIGNUP, filled(email=cast.owner.email)).status_code == 302


def test_a_name_taken_in_the_last_moment_is_said_as_usual(
    client: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if the other sign-up committed between this one's look and its insert.
    monkeypatch.setattr(SignUpForm, "clean_username", lambda form: form.cleaned_data["username"])
    monkeypatch.setattr(User, "validate_constraints", lambda user, exclude=None: None)
    response = client.post(SIGNUP, filled(username="Olga"))
    assert response.status_code == 200
    assert "This name is taken." in response.content.decode()


def test_markup_in_a_name_is_text(client: Client, db: None) -> None:
    client.post(SIGNUP, filled(display_name='"><script>alert(1)</script>'))
    page = client.get("/accounts/profile/").content.decode()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_who_is_signed_in_has_an_account(client: Client, cast: Cast) -> None:
    client.force_login(cast.owner)
    assert client.get(SIGNUP, {"next": "/chats/"}).headers["Location"] == "/chats/"


def test_sign_up_can_be_switched_off(client: Client, cast: Cast, settings: Settings) -> None:
    assert SIGNUP in client.get("/accounts/login/").content.decode()
    settings.FLOWRA_SIGNUP_ENABLED = False
    assert SIGNUP not in client.get("/accounts/login/").content.decode()
    assert client.get(SIGNUP).status_code == 404
    response = client.post(SIGNUP, filled())
    assert response.status_code == 404
    assert "Sign-up is closed" in response.content.decode()
    assert not User.objects.filter(username="nina").exists()


def test_sign_up_does_not_tell_whose_address_is_known(cast: Cast) -> None:
    answers = [Client().post(SIGNUP, filled(username=name, email=f"{name}@example.org")) for name in ("nina", "nora")]
    known = Client().post(SIGNUP, filled(username="nele", email=cast.owner.email))
    assert [(answer.status_code, answer.headers["Location"]) for answer in (*answers, known)] == [(302, "/")] * 3
