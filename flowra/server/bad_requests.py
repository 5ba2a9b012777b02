"""Refuses malformed requests in one place, and turns refusals under /api into JSON with a code.

A thousand parameters or a form in UTF-16 otherwise fail wherever they are first read: in a middleware, or in the view
of the error page.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from inspect import iscoroutinefunction

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from django.utils.translation import gettext as _
from django.views.defaults import bad_request

CODES = {
    400: "invalid",
    401: "not_authenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "timeout",
    413: "too_long",
    415: "unsupported_media_type",
    429: "rate_limited",
    503: "unavailable",
}
# Headers of the HTML error that also apply to the JSON; its length, type and policy do not.
KEPT = ("Allow", "Retry-After", "WWW-Authenticate")

GetResponse = Callable[[HttpRequest], HttpResponseBase]
GetResponseLater = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


@sync_and_async_middleware
def bad_requests(get_response: GetResponse | GetResponseLater) -> GetResponse | GetResponseLater:
    """Return the middleware."""
    if iscoroutinefunction(get_response):

        async def answer_later(request: HttpRequest) -> HttpResponseBase:
            return as_json(request, refusal_of(request) or await get_response(request))

        return answer_later

    def answer(request: HttpRequest) -> HttpResponseBase:
        return as_json(request, refusal_of(request) or get_response(request))  # type: ignore[arg-type]

    return answer


def refusal_of(request: HttpRequest) -> HttpResponseBase | None:
    """Return the response to a request whose parameters or form cannot be parsed, else None.

    Forms are read here as early as the CSRF check would. REST parses its bodies itself.
    """
    try:
        request.GET  # noqa: B018  (reading it is what may fail)
        if not is_api(request):
            request.POST  # noqa: B018
    except (SuspiciousOperation, BadRequest, MultiPartParserError, UnicodeError) as error:
        return bad_request(request, error)
    return None


def is_api(request: HttpRequest) -> bool:
    """Return whether the path belongs to REST."""
    return request.path == "/api" or request.path.startswith("/api/")


def as_json(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Return `response`, or a JSON error in place of an HTML error under /api."""
    if not is_api(request) or response.status_code < 400 or response.get("Content-Type") == "application/json":
        return response
    code = CODES.get(response.status_code, "internal" if response.status_code >= 500 else "invalid")
    phrase = HTTPStatus(response.status_code).phrase
    detail = _("This request cannot be answered: %(reason)s.") % {"reason": phrase}
    refusal = JsonResponse({"detail": detail, "code": code}, status=response.status_code)
    for name in KEPT:
        if name in response:
            refusal[name] = response[name]
    return refusal
