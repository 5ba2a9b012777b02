"""Answers of some length are compressed, and their length does not give away what is in them."""

from __future__ import annotations

import gzip
import json
import re

import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import AsyncClient

from flowra.accounts.models import User
from flowra.server.compression import WORTH_IT, CompressionMiddleware
from tests.conftest import Cast

GZIP = {"accept-encoding": "gzip, deflate, br, zstd"}
TEXT = "<p>Something to read.</p>" * 100


async def browser_of(user: User) -> AsyncClient:
    """Return a browser in which somebody is signed in."""
    client = AsyncClient()
    await client.aforce_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


async def answered(response: HttpResponseBase, accepted: str = "gzip") -> HttpResponseBase:
    """Return what becomes of a response."""
    request = HttpRequest()
    request.META["HTTP_ACCEPT_ENCODING"] = accepted

    async def answer(_request: HttpRequest) -> HttpResponseBase:
        return response

    return await CompressionMiddleware(answer).__acall__(request)


async def test_a_page_and_json_are_compressed(cast: Cast) -> None:
    client = await browser_of(cast.owner)
    page = await client.get(f"/chats/{cast.chat.pk}/", headers=GZIP)
    assert page["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in page["Vary"]
    assert int(page["Content-Length"]) == len(page.content) < 0.4 * len(gzip.decompress(page.content))
    plain = await client.get(f"/chats/{cast.chat.pk}/")
    assert "Content-Encoding" not in plain
    assert "Accept-Encoding" in plain["Vary"]
    assert len(plain.content) == int(plain["Content-Length"])
    document = await client.get("/api/v1/schema", headers=GZIP)
    assert document["Content-Encoding"] == "gzip"
    assert b"openapi" in gzip.decompress(document.content)
    me = await client.get("/api/v1/me", headers=GZIP)
    assert "Content-Encoding" not in me
    assert json.loads(me.content)["id"] == str(cast.owner.pk)


async def test_two_answers_with_the_same_text_differ_in_length(cast: Cast) -> None:
    """A CSRF token is masked anew each time, and a compressed text has some random bytes: lengths tell nothing."""
    client = await browser_of(cast.owner)
    pages = [await client.get(f"/chats/{cast.chat.pk}/", headers=GZIP) for _ in range(8)]
    tokens = {re.findall(rb'csrfmiddlewaretoken" value="(\w+)"', gzip.decompress(page.content))[0] for page in pages}
    assert len(tokens) == 8
    assert len({len(page.content) for page in pages}) > 2


@pytest.mark.parametrize(
    ("response", "accepted"),
    [
        (HttpResponse("x" * (WORTH_IT - 1)), "gzip"),
        (HttpResponse(TEXT), ""),
        (HttpResponse(TEXT), "br"),
        (HttpResponse(TEXT, content_type="image/png"), "gzip"),
        (HttpResponse(TEXT, headers={"Content-Encoding": "zstd"}), "gzip"),
        (StreamingHttpResponse([TEXT.encode()]), "gzip"),
    ],
)
async def test_what_stays_as_it_is(response: HttpResponseBase, accepted: str) -> None:
    before = response.get("Content-Encoding")
    answer = await answered(response, accepted)
    assert answer is response
    assert answer.get("Content-Encoding") == before


async def test_a_strong_etag_becomes_a_weak_one() -> None:
    """The bytes are others than those that it stands for."""
    answer = await answered(HttpResponse(TEXT, headers={"ETag": '"1"'}))
    assert (answer["ETag"], answer["Content-Encoding"]) == ('W/"1"', "gzip")
