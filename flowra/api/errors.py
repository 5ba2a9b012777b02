"""REST's error responses: DRF's shapes, with a stable `code` beside `detail`.

Invalid fields are listed by name, each with a list of sentences, as in DRF.
"""

from __future__ import annotations

import logging
import math
from typing import Any

from django.core.exceptions import PermissionDenied, TooManyFilesSent
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.defaults import server_error as page_server_error
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from chats.exceptions import ChatError, Closed, Conflict, Forbidden, Invalid, NotFound, TooFast, TooLong

logger = logging.getLogger(__name__)

_CHAT_ERRORS: tuple[tuple[type[ChatError], int, str], ...] = (
    (NotFound, 404, "not_found"),
    (Forbidden, 403, "forbidden"),
    (TooLong, 400, "too_long"),
    (Invalid, 400, "invalid"),
    (Closed, 409, "closed"),
    (Conflict, 409, "conflict"),
)
RETRY_AFTER = 5  # seconds, when the database is unavailable, full or locked
# The socket protocol's codes, where it has one for the same error.
_CODES = {"permission_denied": "forbidden", "throttled": "rate_limited", "parse_error": "invalid"}


def handle_api_error(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return the response to an exception of a view, or None for an internal error (a 500)."""
    if isinstance(error, OperationalError):
        logger.warning("The database could not do what a request asked: %r", error)
        return _refuse_for_now()
    if isinstance(error, TooManyFilesSent):  # looking for the CSRF token, Django has met a file before our parser could
        error = exceptions.UnsupportedMediaType(context["request"].content_type)
    if isinstance(error, TooFast):
        error = exceptions.Throttled(error.retry_after, error.message)
    if isinstance(error, ChatError):
        return _refuse_chat_error(error)
    response = exception_handler(error, context)
    if response is None:
        return None
    if isinstance(error, exceptions.ValidationError):
        response.data = _describe_fields(error)
    elif isinstance(error, exceptions.Throttled):
        # DRF rounds down, so that a client would come back too early.
        wait: float | None = getattr(error, "wait", None)  # set where it is known
        seconds = max(1, math.ceil(wait or 1))
        response["Retry-After"] = str(seconds)
        response.data = {**_describe(error), "retry_after": seconds}
    else:
        response.data = _describe(error)
    return response


@csrf_exempt
def not_found(request: HttpRequest, *args: object, **kwargs: object) -> JsonResponse:
    """Return 404 for unknown paths under /api/, for any method."""
    return JsonResponse({"detail": _("There is no such endpoint."), "code": "not_found"}, status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Return 500: JSON under /api/, a page elsewhere."""
    if not request.path.startswith("/api/"):
        return page_server_error(request)
    return JsonResponse({"detail": _("Something went wrong on our side."), "code": "internal"}, status=500)


def _refuse_for_now() -> Response:
    data = {"detail": _("This is not possible right now. Try again in a few seconds."), "code": "unavailable"}
    return Response(data, status=503, headers={"Retry-After": str(RETRY_AFTER)})


def _refuse_chat_error(error: ChatError) -> Response:
    status, code = next((status, code) for kind, status, code in _CHAT_ERRORS if isinstance(error, kind))
    data: dict[str, object] = {"detail": error.message, "code": code}
    if error.field is not None:
        data[error.field] = [error.message]
    return Response(data, status=status)


def _describe(error: Exception) -> dict[str, Any]:
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    detail: Any = getattr(error, "detail", "")
    code = getattr(detail, "code", None)
    if isinstance(detail, dict):  # simplejwt's InvalidToken, which has both in there
        code, detail = detail["code"], detail["detail"]
    return {"detail": str(detail), "code": _CODES.get(str(code), str(code))}


def _describe_fields(error: exceptions.ValidationError) -> dict[str, Any]:
    fields = error.detail if isinstance(error.detail, dict) else {"non_field_errors": error.detail}
    codes = _leaves(error.get_codes())
    sentence = next(iter(_leaves(fields)), _("Something in the request is wrong."))
    lists = {name: _leaves(errors) for name, errors in fields.items()}  # DRF nests those of a list's items
    return {**lists, "detail": sentence, "code": "too_long" if "too_long" in codes else "invalid"}


def _leaves(value: Any) -> list[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [leaf for item in value for leaf in _leaves(item)]
    return [str(value)]
