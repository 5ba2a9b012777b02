"""The page that is kept for offline is the same for everybody, and the worker keeps that and no more."""

from __future__ import annotations

import json
import re
import struct
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.http.response import HttpResponseBase
from django.test import Client

from tests.conftest import Cast

pytestmark = pytest.mark.django_db


def client_of(cast: Cast) -> Client:
    """Return the owner's browser."""
    client = Client()
    client.force_login(cast.owner, backend="django.contrib.auth.backends.ModelBackend")
    return client


def kept_by(answer: HttpResponseBase) -> list[str]:
    """Return the paths that a service worker keeps."""
    (found,) = re.findall(r"^const KEPT = (.*);$", answer.content.decode(), re.MULTILINE)  # type: ignore[attr-defined]
    kept: list[str] = json.loads(found)
    return kept


def test_the_page_is_everybodys(cast: Cast) -> None:
    mine, nobodys = client_of(cast).get("/offline/"), Client().get("/offline/")
    assert mine.content == nobodys.content
    assert mine.cookies == nobodys.cookies == {}
    text = mine.content.decode()
    assert "You are offline" in text
    for secret in (str(cast.owner.pk), cast.owner.username, cast.owner.display_name, "csrf", "nonce"):
        assert secret not in text
    assert "nonce" not in mine["Content-Security-Policy"]


def test_the_worker_keeps_the_page_and_what_it_names(cast: Cast) -> None:
    answer = client_of(cast).get("/sw.js")
    assert answer["Content-Type"].startswith("text/javascript")
    assert (answer["Service-Worker-Allowed"], answer["Cache-Control"]) == ("/", "no-cache")
    page, *files = kept_by(answer)
    assert page == "/offline/"
    assert [re.sub(r".*/", "", path) for path in files] == [
        "flowra.svg?offline",
        "theme-init.js?offline",
        "flowra.css?offline",
        "offline.js?offline",
    ]
    assert "worker-src 'self'" in answer["Content-Security-Policy"]


def test_another_page_is_another_worker() -> None:
    english, again = (Client().get("/sw.js") for _ in range(2))
    german = Client().get("/sw.js", headers={"accept-language": "de"})
    version = re.compile(rb'^const VERSION = "(\w{12})";', re.MULTILINE)
    assert english.content == again.content
    assert version.findall(english.content) != version.findall(german.content)


def test_switched_off_it_goes(cast: Cast, settings: Any) -> None:
    assert b'name="service-worker" content="/sw.js"' in client_of(cast).get(f"/chats/{cast.chat.pk}/").content
    assert b'name="service-worker"' not in Client().get("/accounts/login/").content
    settings.FLOWRA_OFFLINE_PAGE = False
    assert b'name="service-worker"' not in client_of(cast).get(f"/chats/{cast.chat.pk}/").content
    script = Client().get("/sw.js").content
    assert b"unregister()" in script
    assert b'"fetch"' not in script


def test_it_can_be_installed() -> None:
    page = Client().get("/accounts/login/").content.decode()
    assert '<link rel="manifest" href="/manifest.webmanifest">' in page
    assert page.count('<meta name="theme-color"') == 2
    assert "viewport-fit=cover" in page
    answer = Client().get("/manifest.webmanifest")
    assert answer["Content-Type"] == "application/manifest+json"
    manifest = answer.json()
    assert (manifest["start_url"], manifest["scope"], manifest["display"]) == ("/#sidebar", "/", "standalone")
    assert {icon["purpose"] for icon in manifest["icons"]} == {"any", "maskable"}
    icons = [(icon["src"], icon["sizes"]) for icon in manifest["icons"]]
    for source, sizes in [*icons, ("/static/img/apple-touch-icon.png", "180x180")]:
        path = finders.find(source.removeprefix("/static/"))
        assert isinstance(path, str)
        with open(path, "rb") as file:
            head = file.read(24)
        assert "{}x{}".format(*struct.unpack(">II", head[16:])) == sizes
