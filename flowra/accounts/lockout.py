"""What django-axes asks us: whose attempt it was, and what to answer when there were too many."""

from __future__ import annotations

import math
import unicodedata
from typing import Any

from axes.helpers import get_cool_off
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from chats.addresses import counted_address

_USERNAME_LENGTH = 255  # axes' column


def attempted_username(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """Return the name under which attempts are counted.

    Names are found whatever their case, so "John", "JOHN" and "john " are one account and one counter.
    """
    typed = (credentials or {}).get("username") or request.POST.get("username") or ""
    return unicodedata.normalize("NFKC", str(typed)[:_USERNAME_LENGTH]).strip().lower()[:_USERNAME_LENGTH]


def attempted_from(request: HttpRequest) -> str | None:
    """Return the address under which attempts are counted, or None where it is not known."""
    return counted_address(request.META.get("REMOTE_ADDR") or "") or None


def lockout_response(request: HttpRequest, *_ignored: object) -> HttpResponse:
    """Return the 429 that says when to try again: a page, or under /api/ JSON in REST's error shape.

    Axes hands over the response it replaces and the credentials as well, in an order that differs between its
    sync and its async path; neither is needed.
    """
    cool_off = get_cool_off(request)
    seconds = math.ceil(cool_off.total_seconds()) if cool_off else 0
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
