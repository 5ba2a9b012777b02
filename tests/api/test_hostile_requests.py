"""Every address, with verbs, types, encodings, headers and parameters that nobody sane sends: never a fault of ours.

What is refused under /api is JSON with a code, whoever refuses it: a view, Django, a middleware.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from chats import services
from flowra.accounts.models import User
from tests.conftest import Cast

pytestmark = pytest.mark.slow

VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "X" * 200)
STRIDE = 6  # of what there is of a kind, each address meets every sixth
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
PART = b"--b\r\nContent-Disposition: form-data; name=p%d\r\n\r\n1\r\n"
# (content type, body)
BODIES: tuple[tuple[str, bytes], ...] = (
    (f"{FORM}; charset=utf-16", "body=x".encode("utf-16")),
    (f"{FORM}; charset=utf-7", b"body=+AHg-"),
    (f"{FORM}; charset=no-such-charset", b"body=x"),
    *(
        (f"{FORM}; charset={name}", b"body=\xff")
        for name in ("punycode", "base64", "undefined", "idna", "rot13", "unicode_escape")
    ),
    (FORM, b"body=%FF%FE&name=%00&title=%ED%A0%80"),
    (FORM, b"&".join(b"p%d=1" % number for number in range(1_500))),
    (FORM, b"csrfmiddlewaretoken=%ff&body=\xff"),
    (MULTIPART, b'--b\r\nContent-Disposition: form-data; name="body"\r\n\r\nx'),
    (MULTIPART, b"\xff\xfe"),
    (
        MULTIPART,
        b"".join(b"--b\r\nContent-Disposition: form-data; name=p%d\r\n\r\n1\r\n" % n for n in range(1_500)) + b"--b--",
    ),
    ("multipart/form-data", b"--b--"),
    ("multipart/form-data; boundary=\xe9", b"x"),
    (f"{MULTIPART}; charset=utf-16", b'--b\r\nContent-Disposition: form-data; name="body"\r\n\r\nx\r\n--b--'),
    ("application/json; charset=utf-16", '{"body": "x"}'.encode("utf-16")),
    ("application/json; charset=no-such-charset", b'{"body": "x"}'),
    ("application/json", b'{"body": "\xff"}'),
    ("application/json", b'\xef\xbb\xbf{"body": "x"}'),
    ("application/json", b"[" * 50_000),
    ("application/json", b'{"body": ' + b"9" * 5_000 + b"}"),
    ("application/json", b'{"body": "\\ud800", "name": "\\u0000"}'),
    ("application/json", b"NaN"),
    ("text/plain; charset=utf-16", b"x"),
    ("", b"x"),
    ("\xff/\xff", b"x"),
    (";;;=", b"x"),
)
QUERIES = (
    "%FF%FE", "a=%ED%A0%80", "a=%00&q=%00&page=%00", "%", "a=%zz", "&".join(f"p{n}=1" for n in range(1_500)), ";" * 500,
    "page=9999999999999999999999&limit=9999999999999999999999&before=9999999999999999999999&at=99999999999999999999",
    "cursor=%FF&limit=-1&since=-1&before=-1&at=-1&page=-1", "cursor=" + "x" * 1_900, "q=" + "%F0%9F%98%80" * 100,
    "user_ids=x&kind=x&workspace=x&unread=x&reply_to=x&chat=x&next=//evil.example&script=x&lang=x&format=x",
    "o=x&q=x&e=1&p=x&all=&_popup=1&_to_field=id&created_at__gte=x&id__exact=x&author__password__startswith=x",
)  # fmt: skip
HEADERS: tuple[dict[str, str], ...] = (
    {"Accept": "\xff/*;q=x, text/html;level=\x00"},
    {"Accept-Language": "x-klingon, \xff;q=9, " + "de-" * 500},
    {"Host": "evil.example"},
    {"Host": "\xff:port"},
    {"Host": ""},
    {"Cookie": 'sessionid=\xff\xfe; csrftoken=\x00; messages=[["; django_language=%00'},
    {"Cookie": "sessionid=" + "x" * 5_000 + "; csrftoken=" + "y" * 5_000},
    {"Cookie": ';=;==;";\\"'},
    {"Range": "bytes=5-1,x-,-0"},
    {"If-Modified-Since": "yesterday", "If-None-Match": "\xff", "If-Match": "*"},
    {"Referer": "http://[::1", "Origin": "null"},
    {"Origin": "http://[", "X-CSRFToken": "\xff"},
    {"Authorization": "Bearer \xff"},
    {"Authorization": "Bearer " + "x" * 9_000},
    {"Authorization": "Basic ====", "X-Forwarded-For": "\xff, 1.2.3.4.5", "X-Forwarded-Proto": "gopher"},
    {
        "X-Requested-With": "\xff",
        "HX-Request": "true",
        "HX-Current-URL": "http://[",
        "HX-Current-URL-URI-AutoEncoded": "x",
    },
    {"X-HTTP-Method-Override": "DELETE", "Expect": "x", "TE": "x", "Upgrade": "websocket", "Connection": "Upgrade"},
    {"X-Request-ID": "\xff" * 300, "traceparent": "\x00"},
)
TAILS = ("", "/", "//", "/%2e%2e/", "%00", "%ff", "/\u202e", "?", "/" + "x" * 3_000)


def addresses(cast: Cast) -> list[str]:
    """Return one address for each pattern that is served, with ids that lead somewhere."""
    ids: dict[str, Any] = {
        "workspace_id": cast.workspace.pk,
        "chat_id": cast.chat.pk,
        "user_id": cast.member.pk,
        "token": "unknown",
        "app_label": "chats",
        "object_id": cast.chat.pk,
        "uidb64": "MQ",
    }
    found: set[str] = set()

    def walk(patterns: list[URLPattern | URLResolver], prefix: str) -> None:
        for part in patterns:
            route = prefix + str(part.pattern).lstrip("^").rstrip("$")
            if isinstance(part, URLResolver):
                walk(part.url_patterns, route)
            else:
                found.add("/" + "".join(_fill(route, ids)))

    walk(get_resolver().url_patterns, "")
    # Signing out, or deleting the caller's things, would keep what follows from getting as far as it can.
    ending = re.compile(r"[(?\\[]|logout|sign-out|sign_out|delete|/leave/")
    return sorted(path for path in found if not ending.search(path))


def _fill(route: str, ids: dict[str, Any]) -> Iterator[str]:
    while "<" in route:
        before, _, rest = route.partition("<")
        name, _, route = rest.partition(">")
        yield before
        yield str(ids.get(name.rpartition(":")[2], uuid4()))
    yield route


@pytest.fixture
def client(cast: Cast) -> Client:
    """Give somebody who may do everything, so that requests get as far as they can; faults become a 500."""
    services.post_message(user=cast.owner, chat_id=cast.chat.pk, body="Hello", client_id=uuid4())
    User.objects.filter(pk=cast.owner.pk).update(is_staff=True, is_superuser=True)
    made = Client(raise_request_exception=False)
    made.force_login(cast.owner, backend="django.contrib.auth.backends.ModelBackend")
    return made


def check(response: Any, path: str, what: object) -> None:
    """Fail for a fault of ours, and under /api for a refusal that is no JSON with a code."""
    assert response.status_code < 500 or response.status_code in (501, 503), (response.status_code, path, what)
    if path.startswith("/api/") and response.status_code >= 400 and response.content:
        assert response["Content-Type"] == "application/json", (response.status_code, path, what)
        assert response.json()["code"], (path, what)


def test_verbs(cast: Cast, client: Client) -> None:
    for path, verb in dealt(addresses(cast), VERBS):
        check(client.generic(verb, path, b"", content_type=FORM), path, verb)


Variant = TypeVar("Variant")


def dealt(paths: Sequence[str], variants: Sequence[Variant]) -> Iterator[tuple[str, Variant]]:
    """Yield each address with every STRIDE-th variant, beginning elsewhere each time: all of them meet all kinds."""
    for number, path in enumerate(paths):
        for variant in variants[number % STRIDE :: STRIDE]:
            yield path, variant


def test_bodies(cast: Cast, client: Client) -> None:
    for path, (content_type, body) in dealt(addresses(cast), BODIES):
        for verb in ("POST", "PATCH") if path.startswith("/api/") else ("POST",):
            check(client.generic(verb, path, body, content_type=content_type), path, (verb, content_type, body[:80]))


def test_queries(cast: Cast, client: Client) -> None:
    for path, query in dealt(addresses(cast), QUERIES):
        check(client.get(path, QUERY_STRING=query), path, query[:80])


def test_headers(cast: Cast, client: Client) -> None:
    for path, headers in dealt(addresses(cast), HEADERS):
        check(client.get(path, headers=headers), path, headers)
        check(client.post(path, b"{}", content_type="application/json", headers=headers), path, headers)


def test_the_demo_answers_as_well(client: Client, settings: Any) -> None:
    settings.DEBUG = True  # Django's page about a fault would look at the parameters once more
    for path in ("/search/", "/api/v1/chats"):
        response = client.get(path, QUERY_STRING=QUERIES[5])
        assert response.status_code == 400
        check(response, path, "a thousand parameters")
    refused = client.get("/api/v1/chats", headers={"Host": "evil.example"})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid")


def test_paths(client: Client) -> None:
    for path, tail in itertools.product(
        ("/", "/api", "/api/v1", "/api/v1/chats", "/chats", "/admin", "/static"), TAILS
    ):
        for verb in ("GET", "POST", "OPTIONS"):
            check(client.generic(verb, path + tail), path + tail, verb)
