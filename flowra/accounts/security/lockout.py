"""Password guessing: each attempt is counted in the database, for all processes, before its hash is computed.

Two counters refuse attempts:

Per name and address (django-axes' rows): after 10 attempts without success, that name is refused from there for 15
minutes.

Per name from anywhere: after FREE_TRIES attempts there is a delay between two attempts, which doubles up to
LONGEST_PAUSE. It never locks a name out, and it does not apply to addresses from which the name signed in recently: a
stranger who fails on purpose does not affect the user.

An attempt is counted first and uncounted when it succeeds: otherwise a hundred parallel attempts would all pass before
the first has failed. Names that do not exist are counted like others.
"""

from __future__ import annotations

import dataclasses
import datetime
import logging
import math
import unicodedata
from typing import TYPE_CHECKING, Any

from axes.backends import AxesStandaloneBackend
from axes.exceptions import AxesBackendPermissionDenied
from axes.handlers.database import AxesDatabaseHandler
from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_cool_off
from axes.models import AccessAttempt, AccessLog
from django.conf import settings
from django.contrib.auth import authenticate
from django.db import transaction
from django.db.models import F, Sum
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from chats.lib.addresses import counted_address
from chats.lib.clock import database_now
from flowra.accounts.models import NameTries

if TYPE_CHECKING:
    from flowra.accounts.models import User

logger = logging.getLogger(__name__)

_USERNAME_LENGTH = 255  # axes' column
FREE_TRIES = 20  # attempts of one name from anywhere, before the delay begins
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds
FORGET_AFTER = datetime.timedelta(hours=1)  # after this time without an attempt the count restarts
KNOWN_FOR = datetime.timedelta(days=30)  # an address is known for this long after a sign-in


@dataclasses.dataclass(frozen=True, slots=True)
class Tried:
    """What an attempt counts for: a name as typed, and the address (None if it is not known)."""

    name: str
    address: str | None


class CountingBackend(AxesStandaloneBackend):  # type: ignore[misc]  # axes comes without types
    """Runs before the backend that computes the hash, and lets an attempt pass once it is counted."""

    def authenticate(self, request: HttpRequest | None, username: str | None = None, **credentials: Any) -> None:
        """Count an attempt; raises PermissionDenied, which stops Django, if there were too many."""
        if request is not None and settings.AXES_ENABLED:
            AxesProxyHandler.update_request(request)
            wait = take_try(tried_by(request, {"username": username}))
            if wait:
                request.axes_locked_out = True  # type: ignore[attr-defined]
                request.lockout_seconds = wait  # type: ignore[attr-defined]
                raise AxesBackendPermissionDenied("Too many tries.")
        elif request is None:
            super().authenticate(request, username=username, **credentials)  # raises: axes requires a request


class CountingHandler(AxesDatabaseHandler):  # type: ignore[misc]
    """Axes' handler; attempts are already counted by CountingBackend."""

    def user_login_failed(
        self, sender: object, credentials: dict[str, Any], request: Any = None, **kwargs: object
    ) -> None:
        """Lock out from the last failure on, not only from the next attempt."""
        if request is None:
            return
        tried = tried_by(request, credentials)
        if not request.axes_locked_out and _count_failures(tried) >= settings.AXES_FAILURE_LIMIT:
            request.axes_locked_out = True
            logger.warning("Too many failures to sign in: a name is locked out for an address.")
        request.axes_credentials = credentials

    def user_logged_in(self, sender: object, request: Any, user: User, **kwargs: object) -> None:
        """Uncount the address' attempts of this name."""
        forget_tries(tried_by(request, {"username": user.get_username()}))
        super().user_logged_in(sender, request, user, **kwargs)


def tried_by(request: HttpRequest, credentials: dict[str, Any]) -> Tried:
    """Return what an attempt with these credentials counts for."""
    return Tried(attempted_username(request, credentials), attempted_from(request))


@transaction.atomic
def take_try(tried: Tried) -> float:
    """Count one attempt; return 0, or the seconds to wait if it is refused, which is then not counted."""
    # The name's row locks all its attempts, from any address.
    row, _created = NameTries.objects.select_for_update().get_or_create(name=tried.name)
    now = database_now()
    if _count_failures(tried) >= settings.AXES_FAILURE_LIMIT:
        return _cool_off().total_seconds()
    if row.last_at is not None and row.last_at < now - FORGET_AFTER:
        row.count = 0
    wait = _pause(row, now)
    if wait > 0 and not _is_known(tried, now):
        return wait
    row.count, row.last_at = row.count + 1, now
    row.save()
    _note_try(tried, now)
    return 0.0


@transaction.atomic
def forget_tries(tried: Tried) -> None:
    """Uncount the attempts of a name from one address after a success. Attempts from other addresses still count."""
    row = NameTries.objects.select_for_update().filter(name=tried.name).first()
    if row is not None:
        row.count = max(0, row.count - _count_failures(tried))
        row.save()
    AccessAttempt.objects.filter(username=tried.name, ip_address=tried.address).delete()


def forget_name(username: str) -> None:
    """Uncount all attempts of a name, whose password is new."""
    name = _normalised(username)
    NameTries.objects.filter(name=name).delete()
    AccessAttempt.objects.filter(username=name).delete()


def is_current_password(request: HttpRequest, user: User, password: str) -> bool:
    """Return whether this is the signed-in user's password; counted and refused like a sign-in."""
    if authenticate(request, username=user.get_username(), password=password) is None:
        return False
    forget_tries(tried_by(request, {"username": user.get_username()}))
    return True


def attempted_username(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """Return the name under which attempts are counted.

    Names are found regardless of case, so "John", "JOHN" and "john " are one account and one counter.
    """
    return _normalised((credentials or {}).get("username") or request.POST.get("username") or "")


def attempted_from(request: HttpRequest) -> str | None:
    """Return the address under which attempts are counted, or None if it is not known."""
    return counted_address(request.META.get("REMOTE_ADDR") or "") or None


def lockout_response(request: HttpRequest, *_ignored: object) -> HttpResponse:
    """Return the 429 with the time of the next attempt: a page, or under /api/ JSON in REST's error shape.

    Axes also passes the response that it replaces and the credentials, in an order that differs between its sync and
    its async path; neither is used.
    """
    seconds = math.ceil(getattr(request, "lockout_seconds", 0) or _cool_off().total_seconds())
    response: HttpResponse
    if request.path.startswith("/api/"):
        detail = _("Too many failed attempts to sign in. Try again later.")
        response = JsonResponse({"detail": detail, "code": "locked_out"}, status=429)
    else:
        minutes = math.ceil(seconds / 60)
        response = render(request, "accounts/locked_out.html", {"minutes": minutes}, status=429)
    if seconds:
        response["Retry-After"] = str(seconds)
    response["Cache-Control"] = "no-store"
    return response


def _normalised(username: object) -> str:
    """Return a name as it is counted; NUL, which PostgreSQL cannot store, becomes U+FFFD."""
    text = unicodedata.normalize("NFKC", str(username)[:_USERNAME_LENGTH]).strip().lower()[:_USERNAME_LENGTH]
    return "".join("\ufffd" if char == "\0" or "\ud800" <= char <= "\udfff" else char for char in text)


def _cool_off() -> datetime.timedelta:
    return get_cool_off() or datetime.timedelta(0)


def _count_failures(tried: Tried) -> int:
    """Return the attempts of a name from an address without success, including those in progress."""
    rows = AccessAttempt.objects.filter(
        username=tried.name, ip_address=tried.address, attempt_time__gte=database_now() - _cool_off()
    )
    return rows.aggregate(count=Sum("failures_since_start"))["count"] or 0


def _note_try(tried: Tried, now: datetime.datetime) -> None:
    """Count in axes' rows, under the lock of the name. The submitted form is not stored."""
    rows = AccessAttempt.objects.filter(username=tried.name, ip_address=tried.address)
    rows.filter(attempt_time__lt=now - _cool_off()).delete()
    changed = rows.filter(user_agent="").update(failures_since_start=F("failures_since_start") + 1, attempt_time=now)
    if not changed:
        made = AccessAttempt.objects.create(
            username=tried.name, ip_address=tried.address, user_agent="", failures_since_start=1
        )
        AccessAttempt.objects.filter(pk=made.pk).update(attempt_time=now)


def _pause(row: NameTries, now: datetime.datetime) -> float:
    """Return the seconds until the next attempt of a name from anywhere."""
    if row.last_at is None or row.count < FREE_TRIES:
        return 0.0
    doublings = min(row.count - FREE_TRIES, 10)
    pause: float = min(FIRST_PAUSE * 2**doublings, LONGEST_PAUSE)
    return max(0.0, pause - (now - row.last_at).total_seconds())


def _is_known(tried: Tried, now: datetime.datetime) -> bool:
    """Return whether the name signed in from this address recently."""
    if tried.address is None:
        return False
    rows = AccessLog.objects.filter(ip_address=tried.address, attempt_time__gt=now - KNOWN_FOR)
    return bool(rows.filter(username__iexact=tried.name).exists())
