"""Names that people are shown under: everything in them shows, and they are nobody else's."""

from __future__ import annotations

import pytest
from django.test import Client

from chats import services
from chats.exceptions import Invalid
from flowra.accounts.models import User
from flowra.accounts.services import change_display_name
from tests.conftest import PASSWORD, Cast, make_user
from tests.flowra.accounts.test_admin_users import change

HIDDEN = [
    "Ol\u202ega", "\u202eaglO", "Olga\u2066", "Olga\u200e", "Ol\u200bga", "Olga\ufeff", "Ol\xadga", "Ol\u2060ga",
    "Ol\u200dga", "Olga\u200d", "\u200cOlga", "Ol\u200d\u200dga", "\u041e\u043b\u200d\u044c\u0433\u0430",
    "Olga\u3164", "\u115fOlga", "Olga\u2800", "Ol\x07ga", "Ol\x1b[31mga", "Ol\x7fga", "Ol\x9bga", "Olga\U000e0041",
    "Olga\ufe0f\ufe0f", "\ufe0fOlga", "Olga\ue000",
]  # fmt: skip
SHOWN = [
    "Jos\xe9", "Jose\u0301", "Zo\xeb O'Brien-M\xfcller", "\u05e9\u05dc\u05d5\u05dd",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0915\u094d\u200d\u0937", "\u845b\U000e0100",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467", "Eva \u2764\ufe0f", "\u674e\u5c0f\u9f99", "<b>Eva</b>",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", HIDDEN)
def test_what_does_not_show_is_refused_wherever_a_name_is_set(
    client: Client, admin_client: Client, cast: Cast, name: str
) -> None:
    with pytest.raises(Invalid):
        change_display_name(cast.member, name)
    client.force_login(cast.member)
    answer = client.patch("/api/v1/me", {"display_name": name}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert "display_name" in answer.json()
    assert 'class="errors"' in client.post("/accounts/profile/", {"display_name": name}).content.decode()
    new = {"username": "nina", "email": "nina@example.org", "display_name": name, "password": PASSWORD}
    Client().post("/accounts/signup/", new)
    assert not User.objects.filter(username="nina").exists()
    admin_client.post(f"/admin/accounts/user/{cast.member.pk}/change/", change(cast.member, display_name=name))
    both = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    admin_client.post("/admin/accounts/user/add/", {**new, **both})
    assert not User.objects.filter(username="nina").exists()
    cast.member.refresh_from_db()
    assert cast.member.display_name == "Mika"


@pytest.mark.parametrize("name", SHOWN)
def test_names_of_all_scripts_are_taken(cast: Cast, name: str) -> None:
    change_display_name(cast.member, name)
    cast.member.refresh_from_db()
    assert cast.member.display_name == name


@pytest.mark.parametrize("name", ["Olga", "olga", "OLGA", "  Olga ", "otto", "OTTO"])
def test_nobody_takes_the_name_of_somebody_they_write_with_nor_a_username(
    client: Client, cast: Cast, name: str
) -> None:
    client.force_login(cast.member)
    answer = client.patch("/api/v1/me", {"display_name": name}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    page = client.post("/accounts/profile/", {"display_name": name}).content.decode()
    assert "somebody else here has this name" in page
    cast.member.refresh_from_db()
    assert cast.member.display_name == "Mika"


def test_names_of_strangers_tell_nothing_and_one_keeps_ones_own(cast: Cast) -> None:
    stranger = make_user("sam", "Samantha Stranger")
    change_display_name(cast.member, "Samantha Stranger")
    services.moderate_add_workspace_member(workspace_id=cast.workspace.pk, user_id=stranger.pk, role="member")
    change_display_name(stranger, "Samantha Stranger")
    change_display_name(cast.owner, "olga")
    change_display_name(cast.owner, "OLGA")


def test_sign_up_takes_nobodys_username_as_a_name(cast: Cast) -> None:
    new = {"username": "nina", "email": "nina@example.org", "display_name": "Otto", "password": PASSWORD}
    assert "somebody else here has this name" in Client().post("/accounts/signup/", new).content.decode()
    assert Client().post("/accounts/signup/", {**new, "display_name": ""}).status_code == 302
