"""Changing a password, and setting another one by a link from a mail."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from flowra.accounts.forms import RESET_ACCOUNTS
from flowra.accounts.mail import flush
from flowra.accounts.models import User
from tests.conftest import PASSWORD, Cast

CHANGE, RESET = "/accounts/password/change/", "/accounts/password/reset/"
NEW = "purple monkey dishwasher"


def ask_for_reset(client: Client, email: str) -> str:
    """Ask for a link, wait until no mail is under way, and return the page."""
    page = client.post(RESET, {"email": email}, follow=True).content.decode()
    flush(10)
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", page)


def link_in(message: mail.EmailMessage) -> str:
    """Return the path of the link in a reset mail."""
    found = re.search(r"http://testserver(/\S+)", str(message.body))
    assert found is not None
    return found[1]


def test_change_keeps_this_session_and_ends_the_others(client: Client, cast: Cast) -> None:
    elsewhere = Client()
    for one in (client, elsewhere):
        one.force_login(cast.owner)
    response = client.post(CHANGE, {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW})
    assert response.headers["Location"] == "/accounts/profile/"
    assert "Your password is changed." in client.get("/accounts/profile/").content.decode()
    assert elsewhere.get("/accounts/profile/").status_code == 302
    cast.owner.refresh_from_db()
    assert cast.owner.check_password(NEW)
    assert cast.owner.security_changed_at is not None
    assert_told_of_change(cast.owner)


def assert_told_of_change(user: User) -> None:
    """Whose password is another one now is told so, by the one way that whoever changed it does not have."""
    flush(10)
    message = mail.outbox[-1]
    assert (message.to, message.subject) == ([user.email], "Your Flowra password was changed")
    assert link_in(message) == RESET
    assert NEW not in str(message.body)


def test_without_an_address_a_change_is_told_to_nobody(client: Client, cast: Cast) -> None:
    User.objects.filter(pk=cast.owner.pk).update(email="")
    client.force_login(cast.owner)
    response = client.post(CHANGE, {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW})
    assert response.headers["Location"] == "/accounts/profile/"
    flush(10)
    assert mail.outbox == []


@pytest.mark.parametrize(
    "typed",
    [
        {"old_password": "wrong", "new_password1": NEW, "new_password2": NEW},
        {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW + "!"},
        {"old_password": PASSWORD, "new_password1": "12345678", "new_password2": "12345678"},
    ],
)
def test_change_is_refused_with_a_reason(client: Client, cast: Cast, typed: dict[str, str]) -> None:
    client.force_login(cast.owner)
    response = client.post(CHANGE, typed)
    assert 'class="errors"' in response.content.decode()
    cast.owner.refresh_from_db()
    assert cast.owner.check_password(PASSWORD)


def test_change_is_for_who_is_signed_in(client: Client, db: None) -> None:
    assert client.get(CHANGE).headers["Location"] == f"/accounts/login/?next={CHANGE}"


def test_answer_is_the_same_whoever_the_address_belongs_to(client: Client, cast: Cast) -> None:
    User.objects.filter(pk=cast.outsider.pk).update(is_active=False)
    known, unknown, inactive = (
        ask_for_reset(client, email) for email in (cast.owner.email, "nobody@example.org", cast.outsider.email)
    )
    assert known == unknown == inactive
    assert [message.to for message in mail.outbox] == [[cast.owner.email]]


def test_link_sets_a_password_once_and_ends_all_sessions(client: Client, cast: Cast) -> None:
    elsewhere = Client()
    elsewhere.force_login(cast.owner)
    ask_for_reset(client, cast.owner.email)
    message = mail.outbox[0]
    assert "@olga" in str(message.body)
    assert "\n" not in message.subject
    form = client.get(link_in(message)).headers["Location"]
    assert "set-password" in form  # the token itself is not in the address of the form
    response = client.post(form, {"new_password1": NEW, "new_password2": NEW})
    assert response.headers["Location"] == "/accounts/login/"
    cast.owner.refresh_from_db()
    assert cast.owner.check_password(NEW)
    assert elsewhere.get("/accounts/profile/").status_code == 302
    assert_told_of_change(cast.owner)
    again = Client().get(link_in(message))
    assert "This link is no longer valid" in again.content.decode()


@pytest.mark.parametrize("path", ["x/y/", "MQ/set-password/", "../../etc/passwd/x/", "AAAA/abc-def/"])
def test_forged_links_do_nothing(client: Client, cast: Cast, path: str) -> None:
    response = client.get(RESET + path)
    assert response.status_code == 404 or "is no longer valid" in response.content.decode()


def test_nobody_is_flooded_with_mail(client: Client, cast: Cast, settings: Settings) -> None:
    for _ in range(3):
        ask_for_reset(client, cast.owner.email)
    assert len(mail.outbox) == 1
    settings.FLOWRA_RATE_LIMITS = False
    ask_for_reset(client, cast.owner.email)
    assert len(mail.outbox) == 2


def make_accounts(email: str, count: int, *, name: str = "evil") -> None:
    """Make accounts of one address."""
    User.objects.bulk_create(
        User(username=f"{name}{number}", email=email, password="pbkdf2_sha256$1$x$x") for number in range(count)
    )


@pytest.mark.parametrize("count", [5, 200])
@pytest.mark.parametrize("spelling", ["olga@example.org", "OLGA@EXAMPLE.ORG"])
def test_accounts_that_a_stranger_made_before_take_nothing_away(
    client: Client, cast: Cast, count: int, spelling: str
) -> None:
    """One mail for the address, in which each of its accounts has a link of its own."""
    make_accounts(spelling, count)
    User.objects.filter(pk=cast.owner.pk).update(date_joined=timezone.now())  # made after those of the stranger
    ask_for_reset(client, cast.owner.email)
    assert [message.to for message in mail.outbox] == [[cast.owner.email]]
    body = str(mail.outbox[0].body)
    assert "{" not in body
    assert len(re.findall(r"http://testserver/\S+", body)) == count + 1
    link = re.search(r"@olga:?\s+http://testserver(/\S+)", body)
    assert link is not None
    form = client.get(link[1]).headers["Location"]
    assert client.post(form, {"new_password1": NEW, "new_password2": NEW}).status_code == 302
    cast.owner.refresh_from_db()
    assert cast.owner.check_password(NEW)
    ask_for_reset(client, spelling)
    assert len([message for message in mail.outbox if "new password" in message.subject]) == 1, "one a minute"


def test_a_mail_names_so_many_accounts_and_says_that_there_are_more(client: Client, cast: Cast) -> None:
    make_accounts(cast.owner.email, RESET_ACCOUNTS + 10)
    ask_for_reset(client, cast.owner.email)
    body = str(mail.outbox[0].body)
    assert len(re.findall(r"http://testserver/\S+", body)) == RESET_ACCOUNTS
    assert "has more accounts" in body
    assert len(body) < 1_000_000


def test_a_mailbox_that_only_looks_alike_gets_no_link_of_another(client: Client, cast: Cast) -> None:
    """Unicode folds letters of different mailboxes together: each address gets the links of its own accounts."""
    User.objects.filter(pk=cast.owner.pk).update(email="gau\u00df@example.org")
    User.objects.filter(pk=cast.member.pk).update(email="gauss@example.org")
    ask_for_reset(client, "gauss@example.org")
    ask_for_reset(client, "gau\u00df@example.org")
    told = {message.to[0]: str(message.body) for message in mail.outbox}
    assert "@mika" in told.get("gauss@example.org", "")
    assert "@olga" not in told.get("gauss@example.org", "")
    assert "@mika" not in told.get("gau\u00df@example.org", "")


def test_a_mail_says_nothing_that_a_stranger_has_written(client: Client, cast: Cast) -> None:
    User.objects.filter(pk=cast.owner.pk).update(display_name="See http://evil.example")
    ask_for_reset(client, cast.owner.email)
    assert "evil" not in str(mail.outbox[0].body)


def test_a_mail_server_that_fails_changes_nothing_on_the_page(
    client: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*args: object) -> int:
        raise ConnectionRefusedError("no mail server")

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)
    assert "on its way" in ask_for_reset(client, cast.owner.email)
    assert "A mail could not be sent." in caplog.text
