"""Guessing passwords: from many networks, many at once, and on pages where one is signed in already."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from pytest_django import Settings

from chats.api.throttles import ScopedThrottle
from flowra.accounts.mail import flush
from flowra.accounts.models import NameTries, User
from flowra.accounts.security.lockout import FREE_TRIES, LONGEST_PAUSE
from tests.conftest import PASSWORD, Cast
from tests.flowra.accounts.test_hostile import CountingHasher
from tests.flowra.accounts.test_pages_password import NEW, ask_for_reset, link_in

pytestmark = pytest.mark.slow  # many hashes, many requests

LOGIN, CHANGE = "/accounts/login/", "/accounts/password/change/"
FORM = {"old_password": "wrong", "new_password1": NEW, "new_password2": NEW}


@pytest.fixture
def counted(settings: Settings, cast: Cast) -> Cast:
    """Give the cast; hashes are counted."""
    settings.PASSWORD_HASHERS = [f"{CountingHasher.__module__}.CountingHasher"]
    for user in (cast.owner, cast.member, cast.outsider):
        user.set_password(PASSWORD)
        user.save()
    CountingHasher.asked = 0
    return cast


@pytest.fixture(autouse=True)
def _held_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have time stand for the tries of names, but for `rewind`: a pause of 1 s is over soon on a busy machine."""
    now = timezone.now()
    monkeypatch.setattr("flowra.accounts.security.lockout.database_now", lambda: now)


def attempt(network: int, username: str = "olga", password: str = "wrong") -> Any:  # noqa: S107
    """Try to sign in from a network of one's own."""
    return Client(REMOTE_ADDR=f"198.51.{network}.7").post(LOGIN, {"username": username, "password": password})


def rewind(seconds: float) -> None:
    """Let time pass for the tries of names."""
    for row in NameTries.objects.all():
        assert row.last_at is not None
        row.last_at -= datetime.timedelta(seconds=seconds)
        row.save()


def test_many_networks_try_one_name_slowly(counted: Cast) -> None:
    answers = [attempt(network) for network in range(20) for _ in range(9)]
    assert CountingHasher.asked <= FREE_TRIES + 5, "180 tries"
    refused = answers[-1]
    assert refused.status_code == 429
    assert 1 <= int(refused["Retry-After"]) <= LONGEST_PAUSE
    assert "Too many attempts" in refused.content.decode()
    assert attempt(99, "mika", PASSWORD).status_code == 302, "other names are not concerned"


def test_the_pause_doubles_is_not_prolonged_and_never_shuts_out(counted: Cast) -> None:
    for network in range(FREE_TRIES):
        assert attempt(network).status_code == 200
    for number, pause in enumerate([1, 2, 4, 8, 16, 32, 60, 60, 60]):
        for _ in range(3):  # asking again does not begin the pause anew
            refused = attempt(100 + number, password=PASSWORD)
            assert refused.status_code == 429
            assert pause - 1 <= int(refused["Retry-After"]) <= pause
        rewind(pause)
        assert attempt(100 + number).status_code == 200
    rewind(60)
    assert attempt(200, password=PASSWORD).status_code == 302


def test_an_hour_without_a_try_forgets_them(counted: Cast) -> None:
    for network in range(FREE_TRIES):
        attempt(network)
    rewind(3601)
    assert [attempt(100 + network).status_code for network in range(FREE_TRIES)] == [200] * FREE_TRIES


def test_where_somebody_signs_in_strangers_keep_them_out_of_nothing(counted: Cast) -> None:
    assert attempt(200, "OLGA", PASSWORD).status_code == 302
    for network in range(FREE_TRIES + 3):
        attempt(network)
    assert attempt(200, password=PASSWORD).status_code == 302
    assert attempt(201, password=PASSWORD).status_code == 429
    statuses = [attempt(200).status_code for _ in range(12)]
    assert statuses == [200] * 9 + [429] * 3, "but from there too, ten failures are the end"


def test_a_success_takes_back_what_this_address_tried_and_nothing_else(counted: Cast) -> None:
    for network in range(FREE_TRIES - 5):
        attempt(network)
    for _ in range(4):
        attempt(200)
    assert attempt(200, password=PASSWORD).status_code == 302
    assert NameTries.objects.get(name="olga").count == FREE_TRIES - 5


def test_unknown_names_are_slowed_down_alike(counted: Cast) -> None:
    for name in ("olga", "nobody"):
        answers = [attempt(network, name) for network in range(FREE_TRIES + 1)]
        assert [answer.status_code for answer in answers] == [200] * FREE_TRIES + [429], name


def test_rest_is_slowed_down_too(counted: Cast) -> None:
    for network in range(FREE_TRIES):
        attempt(network)
    answer = Client(REMOTE_ADDR="198.51.100.7").post(
        "/api/v1/auth/token", {"username": "olga", "password": PASSWORD}, content_type="application/json"
    )
    assert (answer.status_code, answer.json()["code"]) == (429, "locked_out")
    assert 1 <= int(answer["Retry-After"]) <= LONGEST_PAUSE


def test_a_new_password_ends_the_slow_down(counted: Cast) -> None:
    for network in range(FREE_TRIES):
        attempt(network)
    client = Client(REMOTE_ADDR="198.51.200.7")
    ask_for_reset(client, counted.owner.email)
    form = client.get(link_in(mail.outbox[0])).headers["Location"]
    assert client.post(form, {"new_password1": NEW, "new_password2": NEW}).status_code == 302
    assert attempt(201, password=NEW).status_code == 302


@pytest.mark.parametrize("name", ["nul\0name", "half\ud800", "x" * 5000, "\u202eolga"])
def test_odd_names_are_counted_as_others(counted: Cast, name: str) -> None:
    body = name.encode("utf-8", "surrogatepass")
    answer = Client().post(
        LOGIN,
        b"username=" + body.replace(b"\0", b"%00") + b"&password=x",
        content_type="application/x-www-form-urlencoded",
    )
    assert answer.status_code in (200, 400)


@pytest.mark.parametrize("path", [CHANGE, "/admin/password_change/"])
def test_current_passwords_are_not_guessed_with_a_session(client: Client, counted: Cast, path: str) -> None:
    User.objects.filter(pk=counted.owner.pk).update(is_staff=True)
    client.force_login(User.objects.get(pk=counted.owner.pk))
    statuses = [client.post(path, FORM).status_code for _ in range(30)]
    assert statuses == [200] * 9 + [429] * 21
    assert CountingHasher.asked <= 10
    refused = client.post(path, {**FORM, "old_password": PASSWORD})
    assert (refused.status_code, refused["Retry-After"]) == (429, "900")
    assert User.objects.get(pk=counted.owner.pk).check_password(PASSWORD)
    assert client.get("/accounts/profile/").status_code == 200, "the session goes on"
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    elsewhere.force_login(User.objects.get(pk=counted.owner.pk))
    assert elsewhere.post(path, {**FORM, "old_password": PASSWORD}).status_code == 302
    flush(10)
    assert [message.to for message in mail.outbox] == [[counted.owner.email]], "told of the change"


def test_the_right_current_password_forgets_wrong_ones(client: Client, counted: Cast) -> None:
    client.force_login(counted.owner)
    for _ in range(9):
        client.post(CHANGE, FORM)
    assert client.post(CHANGE, {**FORM, "old_password": PASSWORD}).status_code == 302
    assert not AccessAttempt.objects.exists()


def test_a_password_that_staff_sets_ends_the_pause_and_is_told(admin_client: Client, counted: Cast) -> None:
    for _ in range(10):
        attempt(1)
    form = {"usable_password": "true", "password1": NEW, "password2": NEW, "set-password": "1"}
    assert admin_client.post(f"/admin/accounts/user/{counted.owner.pk}/password/", form).status_code == 302
    assert attempt(1, password=NEW).status_code == 302
    flush(10)
    assert [message.to for message in mail.outbox] == [[counted.owner.email]]


# --- No view computes hashes without a limit -----------------------------------------------------

EVERYTHING = {
    "username": "nina", "email": "nina@example.org", "display_name": "Nina", "account": "john", "password": NEW,
    "old_password": "wrong", "new_password1": NEW, "new_password2": NEW, "password1": NEW, "password2": NEW,
    "usable_password": "true", "set-password": "1", "refresh": "x", "name": "x", "body": "x",
}  # fmt: skip


def every_path(cast: Cast, resolver: URLResolver | None = None, prefix: str = "/") -> Iterator[str]:
    """Yield the path of every view, with something that fits for each argument."""
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            yield from every_path(cast, entry, prefix + str(entry.pattern))
        elif isinstance(entry, URLPattern):
            yield fill(prefix + str(entry.pattern), cast)


def fill(route: str, cast: Cast) -> str:
    """Return the path of a route: ids are the member's, who is found by none of the other views."""
    parts = route.replace("^", "").replace("\\Z", "").replace("$", "").split("<")
    path = parts[0]
    for part in parts[1:]:
        path += str(cast.member.pk) + part.partition(">")[2]
    return path


def clients(cast: Cast) -> Iterator[Callable[[], Client]]:
    """Yield somebody who is not signed in, and a superuser, who may post everything."""
    root = User.objects.create_superuser("root", "root@example.org", PASSWORD)

    def signed_in() -> Client:
        client = Client()
        client.force_login(User.objects.get(pk=root.pk))
        return client

    yield Client
    yield signed_in


def reset_form(client: Client, cast: Cast) -> str:
    """Return the path of the form behind a reset link that is good."""
    flush(10)
    mail.outbox.clear()
    cache.clear()
    ask_for_reset(client, cast.outsider.email)
    return client.get(link_in(mail.outbox[0])).headers["Location"]


def test_whatever_computes_a_hash_is_limited(
    counted: Cast, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each hash is some tenths of a second of a processor: one address has so many of them a minute."""
    monkeypatch.setattr(ScopedThrottle, "THROTTLE_RATES", {"auth": "3/min", "search": "100/min"})
    settings.AXES_ENABLED = False  # which would refuse these before; it is another limit
    hashing: set[str] = set()
    for make_client in clients(counted):
        reset = reset_form(make_client(), counted)
        for path in [*every_path(counted), reset]:
            cache.clear()
            client = make_client()
            if path == reset:
                path = reset_form(client, counted)
                cache.clear()
            before = CountingHasher.asked
            post(client, path)
            if CountingHasher.asked > before:
                hashing.add(path)
                statuses = [post(client, path).status_code for _ in range(3)]
                assert statuses[-1] == 429, f"{path} computes hashes without a limit: {statuses}"
    expected = {LOGIN, "/accounts/signup/", CHANGE, "/admin/login/", "/admin/password_change/", "/api/v1/auth/token"}
    expected |= {"/admin/accounts/user/add/", f"/admin/accounts/user/{counted.member.pk}/password/"}
    assert expected <= hashing
    assert any("set-password" in path for path in hashing)


def post(client: Client, path: str) -> Any:
    """Post everything that a form could ask for."""
    form = {**EVERYTHING, "username": f"nina{timezone.now().timestamp():.6f}"}
    if path.startswith("/api/"):
        return client.post(path, form, content_type="application/json")
    return client.post(path, form)
