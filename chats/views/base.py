"""What all page views share: access, errors of the domain, forms, questions, the frame around a page."""

from __future__ import annotations

import dataclasses
import functools
import math
import types
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRedirect

from chats.api.throttles import ScopedThrottle, UserThrottle
from chats.exceptions import ChatError, Forbidden, NotFound
from chats.views.room_list import COOKIE, ListStyle
from chats.views.shell import Shell, build_shell

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

    from chats.models import Message
    from flowra.accounts.models import User


P = ParamSpec("P")
T = TypeVar("T")
WORKSPACE_KEY = "workspace"  # session keys: where the reader was last
CHAT_KEY = "chat"
# Where scripts have opened a chat since, "<workspace id>.<chat id>"; static/js/navigation/place.js writes it.
PLACE_COOKIE = "flowra_place"
UNPROCESSABLE = 422  # a form with errors, which base.html's htmx configuration swaps in


class PageRequest(HttpRequest):
    """A request of a signed-in user; only for the type checker, never instantiated."""

    user: User
    htmx: HtmxDetails


def member_page(
    view: Callable[Concatenate[PageRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Wrap a view for signed-in users; the domain's NotFound becomes a 404, Forbidden a 403.

    Nothing is cached, so that the back button shows no page after signing out.
    """

    @functools.wraps(view)
    def wrapper(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _sign_in(cast("PageRequest", request))
        wait = seconds_to_wait(request, "search" if view.__name__ == "search" else None)
        if wait:
            return too_many(request, wait)
        try:
            return view(cast("PageRequest", request), *args, **kwargs)
        except NotFound as error:
            raise Http404(error.message) from None
        except Forbidden as error:
            raise PermissionDenied(error.message) from None

    return cast("Callable[Concatenate[HttpRequest, P], HttpResponseBase]", never_cache(wrapper))


def seconds_to_wait(request: HttpRequest, scope: str | None) -> int:
    """Count a request in REST's throttles; returns 0, or the seconds until it is allowed."""
    throttles: list[Any] = [UserThrottle()]
    if scope is not None:
        throttles.append(ScopedThrottle())
    for throttle in throttles:
        if not throttle.allow_request(request, types.SimpleNamespace(throttle_scope=scope)):
            return max(1, math.ceil(throttle.wait() or 1))
    return 0


def too_many(request: HttpRequest, wait: int) -> HttpResponse:
    """Return the 429 page; `wait` is in seconds."""
    response = render(request, "429.html", status=429)
    response["Retry-After"] = str(wait)
    return response


def _sign_in(request: PageRequest) -> HttpResponse:
    """Redirect to the sign-in page: the whole page, also if a fragment was fetched."""
    if not request.htmx:
        return redirect_to_login(request.get_full_path())
    try:
        here = request.htmx.current_url_abs_path
    except ValueError:  # the header has no URL
        here = None
    return HttpResponseClientRedirect(redirect_to_login(here or "/").url)


def shell_for(request: PageRequest, *, workspace_id: UUID | None = None, chat_id: UUID | None = None) -> Shell:
    """Return the frame around a chat or a workspace (default: where the reader was last), and remember these."""
    _heed_place(request)
    if workspace_id is None and chat_id is None:
        workspace_id = _remembered(request, WORKSPACE_KEY)
    style = ListStyle.read(request.COOKIES.get(COOKIE))
    shell = build_shell(request.user, workspace_id=workspace_id, chat_id=chat_id, style=style)
    if shell.workspace is not None:
        _remember(request, WORKSPACE_KEY, shell.workspace.workspace_id)
    if chat_id is not None:
        _remember(request, CHAT_KEY, chat_id)
    return shell


def _heed_place(request: PageRequest) -> None:
    """Remember what the cookie says; whether the reader may see it is asked where it is used."""
    try:
        workspace_id, chat_id = map(UUID, request.COOKIES.get(PLACE_COOKIE, "").split("."))
    except ValueError:
        return
    _remember(request, WORKSPACE_KEY, workspace_id)
    _remember(request, CHAT_KEY, chat_id)


def last_chat_id(request: PageRequest) -> UUID | None:
    """Return the chat the reader was in last; they may have no access to it any more."""
    return _remembered(request, CHAT_KEY)


def render_in_shell(
    request: PageRequest, template: str, context: dict[str, Any], *, workspace_id: UUID | None = None, status: int = 200
) -> HttpResponse:
    """Render a page between navbar and sidebar."""
    shell = shell_for(request, workspace_id=workspace_id)
    return render(request, template, {"shell": shell, **context}, status=status)


def render_form(
    request: PageRequest,
    form: forms.Form,
    *,
    title: str,
    submit: str,
    workspace_id: UUID | None = None,
    extra: dict[str, Any] | None = None,
) -> HttpResponse:
    """Render a form: alone for a dialog (htmx), else as a page of its own; with errors the status is 422."""
    context = {"form": form, "title": title, "submit": submit, "action": request.get_full_path(), **(extra or {})}
    status = UNPROCESSABLE if form.is_bound and not form.is_valid() else 200
    if request.htmx:
        return render(request, "layout/_form.html", {**context, "in_dialog": True}, status=status)
    return render_in_shell(request, "layout/form.html", context, workspace_id=workspace_id, status=status)


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """A question before an action that cannot be undone: whom or what it concerns, and its consequence."""

    title: str
    text: str
    submit: str
    back: str  # where Cancel leads
    quote: Message | None = None
    kept: Mapping[str, str] = dataclasses.field(default_factory=dict)  # fields of the form that was posted


def ask(request: PageRequest, question: Question, *, workspace_id: UUID | None = None) -> HttpResponse:
    """Render a question: alone for a dialog (htmx), else as a page of its own. Yes is a POST to the same address."""
    context = {"question": question, "action": request.get_full_path()}
    if request.htmx:
        return render(request, "layout/_confirm.html", {**context, "in_dialog": True})
    return render_in_shell(request, "layout/confirm.html", context, workspace_id=workspace_id)


def go_to(request: PageRequest, target: Any) -> HttpResponse:
    """Redirect; from a dialog (htmx) the whole page."""
    response = redirect(target)
    return HttpResponseClientRedirect(response.url) if request.htmx else response


def carry_out(form: forms.Form, action: Callable[[], T]) -> T | None:
    """Run a service with a posted form; returns its result, or None if the form has to be shown again.

    A refusal of the service is then shown at the field it names, or above the form.
    """
    if not form.is_bound or not form.is_valid():
        return None
    try:
        return action()
    except (NotFound, Forbidden):
        raise
    except ChatError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return None


def attempt(request: PageRequest, action: Callable[[], object], success: str = "") -> bool:
    """Run a service for a button and show its refusal or `success`; returns whether it worked."""
    try:
        action()
    except (NotFound, Forbidden):
        raise
    except ChatError as error:
        messages.error(request, error.message)
        return False
    if success:
        messages.success(request, success)
    return True


def _remembered(request: PageRequest, key: str) -> UUID | None:
    value = request.session.get(key)
    return UUID(value) if value else None


def _remember(request: PageRequest, key: str, value: UUID) -> None:
    # Only if it changed, because saving the session is a write.
    if request.session.get(key) != str(value):
        request.session[key] = str(value)
