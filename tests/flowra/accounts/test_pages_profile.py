"""The profile page, and signing out everywhere else."""

from __future__ import annotations

import pytest
from django.test import Client
from rest_framework_simplejwt.exceptions import InvalidToken
from rest_framework_simplejwt.tokens import AccessToken

from flowra.accounts.security.tokens import issue_access_token, user_of
from tests.conftest import Cast

PROFILE, EVERYWHERE = "/accounts/profile/", "/accounts/sign-out-everywhere/"


def test_display_name_is_stored_on_one_line(client: Client, cast: Cast) -> None:
    client.force_login(cast.owner)
    response = client.post(PROFILE, {"display_name": "  Olga \t Ibrahim  "}, follow=True)
    assert "Your profile is saved." in response.content.decode()
    cast.owner.refresh_from_db()
    assert cast.owner.display_name == "Olga Ibrahim"


def test_only_the_display_name_can_be_changed(client: Client, cast: Cast) -> None:
    client.force_login(cast.owner)
    client.post(PROFILE, {"display_name": "Olga", "username": "root", "is_staff": "on", "email": "x@example.org"})
    cast.owner.refresh_from_db()
    assert (cast.owner.username, cast.owner.is_staff, cast.owner.email) == ("olga", False, "olga@example.org")


@pytest.mark.parametrize("name", ["n" * 81, "\u200b\u2800"])
def test_impossible_names_are_refused_and_the_page_keeps_the_old_one(client: Client, cast: Cast, name: str) -> None:
    client.force_login(cast.owner)
    page = client.post(PROFILE, {"display_name": name}).content.decode()
    assert 'id="id_display_name_error"' in page
    cast.owner.refresh_from_db()
    assert cast.owner.display_name == "Olga"


def test_profile_is_for_who_is_signed_in(client: Client, db: None) -> None:
    assert client.get(PROFILE).headers["Location"] == f"/accounts/login/?next={PROFILE}"
    assert client.post(EVERYWHERE).headers["Location"].startswith("/accounts/login/")


def test_sign_out_everywhere_keeps_this_session_only(client: Client, cast: Cast) -> None:
    elsewhere, somebody_else = Client(), Client()
    for one, user in ((client, cast.owner), (elsewhere, cast.owner), (somebody_else, cast.member)):
        one.force_login(user)
    token = AccessToken(issue_access_token(cast.owner))  # type: ignore[arg-type]  # annotated as Token
    assert user_of(token).pk == cast.owner.pk
    assert client.get(EVERYWHERE).status_code == 405
    response = client.post(EVERYWHERE, follow=True)
    assert "signed out everywhere else" in response.content.decode()
    assert client.get(PROFILE).status_code == 200
    assert elsewhere.get(PROFILE).status_code == 302
    assert somebody_else.get(PROFILE).status_code == 200
    with pytest.raises(InvalidToken):
        user_of(token)
    cast.owner.refresh_from_db()
    assert cast.owner.security_changed_at is not None
