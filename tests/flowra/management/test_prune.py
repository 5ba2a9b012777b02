"""manage.py prune: says first, deletes on demand, and never what somebody could still need."""

from __future__ import annotations

import datetime
import io
import re

import pytest
from axes.models import AccessLog
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db.models import Model, Q
from django.utils import timezone
from rest_framework_simplejwt.exceptions import InvalidToken
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from chats.models import Notification, WorkspaceInvite
from flowra import pruning
from flowra.accounts.models import BrowserSession, NameTries
from flowra.accounts.security.tokens import issue_tokens, refresh_tokens, revoke_tokens
from flowra.pruning import KINDS, delete_in_batches
from realtime.models import Notice
from tests.conftest import Cast

DAY = datetime.timedelta(days=1)
MODELS: tuple[type[Model], ...] = (
    Notification,
    Notice,
    WorkspaceInvite,
    OutstandingToken,
    BrowserSession,
    AccessLog,
    NameTries,
)


def prune(*arguments: str) -> dict[str, int]:
    """Run the command and return its counts by label."""
    out = io.StringIO()
    call_command("prune", *arguments, stdout=out)
    found = re.findall(r"^  (\S.*?) +([\d,]+)$", out.getvalue(), re.MULTILINE)
    return {label: int(count.replace(",", "")) for label, count in found}


def rows() -> dict[type[Model], set[object]]:
    """Return the keys of everything that prune looks at."""
    return {model: set(model._default_manager.values_list("pk", flat=True)) for model in MODELS}


def make_notifications(cast: Cast, count: int, *, read_days_ago: float | None) -> list[Notification]:
    """Store notifications of the member's, a year old, read this long ago or not at all."""
    now = timezone.now()
    read_at = None if read_days_ago is None else now - read_days_ago * DAY
    made = [
        Notification(
            user=cast.member,
            kind="added",
            actor=cast.owner,
            chat=cast.chat,
            created_at=now - 365 * DAY,
            read_at=read_at,
        )
        for _ in range(count)
    ]
    return Notification.objects.bulk_create(made)


def make_invite(cast: Cast, *, created: float, expires: float, max_uses: int | None = None, use_count: int = 0) -> None:
    """Store an invite that was made, and expires, this many days from now."""
    now = timezone.now()
    WorkspaceInvite.objects.create(
        workspace=cast.workspace,
        created_at=now + created * DAY,
        expires_at=now + expires * DAY,
        max_uses=max_uses,
        use_count=use_count,
    )


def make_token(jti: str, *, expires: float) -> None:
    """Store that a token has ended, which expires this many days from now."""
    now = timezone.now()
    token = OutstandingToken.objects.create(jti=jti, created_at=now - DAY, expires_at=now + expires * DAY)
    BlacklistedToken.objects.create(token=token)


@pytest.fixture
def stock(cast: Cast) -> Cast:
    """Give the cast, with things that can go and things that must stay of every kind."""
    now = timezone.now()
    Notification.objects.all().delete()
    make_notifications(cast, 3, read_days_ago=91)
    make_notifications(cast, 1, read_days_ago=89)
    make_notifications(cast, 1, read_days_ago=None)
    Notice.objects.create(text="old", created_at=now - 91 * DAY)
    Notice.objects.create(text="young", created_at=now - 89 * DAY)
    make_invite(cast, created=-200, expires=-91)
    make_invite(cast, created=-200, expires=-89)
    make_invite(cast, created=-91, expires=30, max_uses=2, use_count=2)
    make_invite(cast, created=-91, expires=30, max_uses=2, use_count=1)
    make_invite(cast, created=-91, expires=30)
    make_invite(cast, created=-89, expires=30, max_uses=1, use_count=1)
    make_token("gone", expires=-0.01)
    make_token("sid:lives", expires=0.01)
    BrowserSession.objects.create(session_key="gone", session_data="", expire_date=now - 0.01 * DAY)
    BrowserSession.objects.create(session_key="lives", session_data="", expire_date=now + 0.01 * DAY)
    for days in (91, 89):
        entry = AccessLog.objects.create(username="mika")
        AccessLog.objects.filter(pk=entry.pk).update(attempt_time=now - days * DAY)
    for name, hours in (("gone", 1.01), ("lives", 0.99)):
        NameTries.objects.create(name=name, count=30, last_at=now - datetime.timedelta(hours=hours))
    return cast


EXPECTED = {
    "read notifications": 3,
    "notices": 1,
    "invites that expired or are used up": 2,
    "expired tokens": 1,
    "expired sessions": 1,
    "sign-ins": 1,
    "failed sign-ins": 0,
    "names that were tried": 1,
    "lock-outs": 0,
    "in all": 10,
}


def test_without_delete_it_only_says(stock: Cast) -> None:
    before = rows()
    assert prune() == EXPECTED
    assert rows() == before


def test_it_deletes_what_it_said_and_a_second_time_nothing(stock: Cast) -> None:
    assert prune("--delete") == EXPECTED
    assert [len(rows()[model]) for model in MODELS] == [2, 1, 4, 1, 1, 1, 1]
    assert [str(token.token.jti) for token in BlacklistedToken.objects.all()] == ["sid:lives"]
    assert not Notification.objects.filter(read_at__lt=timezone.now() - 90 * DAY).exists()
    assert set(prune("--delete").values()) == {0}


def test_days_say_what_is_old_and_unread_stays_for_ever(stock: Cast) -> None:
    assert prune("--delete", "--days", "1")["read notifications"] == 4
    assert Notification.objects.get().read_at is None


def test_a_revoked_sign_in_stays_revoked(cast: Cast) -> None:
    first = issue_tokens(cast.owner)
    second = refresh_tokens(first.refresh)
    revoke_tokens(second.refresh)
    prune("--delete", "--days", "1")
    for pair in (first, second):
        with pytest.raises(InvalidToken):
            refresh_tokens(pair.refresh)


def test_it_works_in_bounded_transactions(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "BATCH", 10)
    make_notifications(cast, 25, read_days_ago=100)
    old = KINDS[0].find(timezone.now(), timezone.now() - 90 * DAY)
    assert list(delete_in_batches(old)) == [10, 10, 5]


def test_a_row_that_comes_back_to_life_in_between_stays(cast: Cast) -> None:
    now = timezone.now()
    BrowserSession.objects.create(session_key="a", session_data="", expire_date=now - DAY)

    class RevivedMeanwhile(type(BrowserSession.objects.all())):  # type: ignore[misc]  # made for this one query
        """Sessions, one of which is used again right after its key was read."""

        def values_list(self, *fields: str, flat: bool = False) -> object:
            keys = list(super().values_list(*fields, flat=flat))
            BrowserSession.objects.update(expire_date=now + DAY)
            return keys

    expired = RevivedMeanwhile(BrowserSession).filter(Q(expire_date__lt=now))
    assert next(delete_in_batches(expired)) == 0
    assert BrowserSession.objects.filter(session_key="a").exists()


@pytest.mark.parametrize("days", ["0", "-1", "1.5", "x", "99999"])
def test_impossible_days_are_refused(db: None, days: str) -> None:
    with pytest.raises(CommandError, match="is not a number of days"):
        prune(f"--days={days}")
