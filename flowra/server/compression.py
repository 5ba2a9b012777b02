"""Compresses what is answered: pages, parts of pages and JSON.

Lengths of compressed answers tell about their content (BREACH). docs/security.md says why that is of no use here: CSRF
tokens differ in each answer, and Django adds up to 100 random bytes.

Static files are compressed when they are collected. What is streamed stays as it is: its parts have to arrive one by
one.
"""

from __future__ import annotations

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

WORTH_IT = 1024  # bytes: less is one packet either way
TEXTS = ("text/", "application/json", "application/javascript", "application/manifest+json", "image/svg+xml")


class CompressionMiddleware(GZipMiddleware):
    """Django's, for texts of some length. A short answer does not pay for a turn in a thread."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Return the response, compressed if that is worth it and the client takes it."""
        return super().process_response(request, response) if is_worth_it(response) else response

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response; the base class would go to a thread with each one."""
        response: HttpResponseBase = await self.get_response(request)  # type: ignore[misc]  # a coroutine's
        if not is_worth_it(response):
            return response
        return await sync_to_async(self.process_response, thread_sensitive=True)(request, response)


def is_worth_it(response: HttpResponseBase) -> bool:
    """Return whether a response is a text, whole and long."""
    return (
        not response.streaming
        and response.get("Content-Type", "").startswith(TEXTS)
        and len(response.content) >= WORTH_IT  # type: ignore[attr-defined]  # one that is not streamed has content
    )
