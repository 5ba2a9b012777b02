"""The version of the static files: one for a release, on the page as on the socket."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from chats.lib import static_version as module
from chats.lib.static_version import digest_of, static_version
from tests.conftest import Cast


def test_a_digest_follows_names_and_contents(tmp_path: Path) -> None:
    seen = [digest_of([tmp_path])]
    (tmp_path / "js").mkdir()
    for name, text in (("js/app.js", "1"), ("js/app.js", "2"), ("js/b.js", ""), ("c.js", "")):
        (tmp_path / name).write_text(text)
        seen.append(digest_of([tmp_path]))
    assert len(set(seen)) == len(seen)
    (tmp_path / "c.js").unlink()
    assert digest_of([tmp_path]) == seen[-2]


def test_where_files_were_collected_it_is_the_manifests(monkeypatch: pytest.MonkeyPatch) -> None:
    class Collected:
        manifest_hash = "fe01ce2a7fba"

    monkeypatch.setattr(module, "staticfiles_storage", Collected())
    assert static_version.__wrapped__() == "fe01ce2a7fba"


def test_every_page_says_it(cast: Cast, client: Client) -> None:
    def shown(path: str, **headers: str) -> Any:
        return client.get(path, headers=headers).content.decode()

    client.force_login(cast.member, backend="django.contrib.auth.backends.ModelBackend")
    for page in ("/accounts/profile/", f"/chats/{cast.chat.pk}/"):
        assert re.findall(r'<body[^>]* data-static-version="([^"]*)"', shown(page)) == [static_version()]
    part = shown(f"/chats/{cast.chat.pk}/", **{"X-Requested-With": "fetch"})
    (bootstrap,) = re.findall(r'<script id="bootstrap"[^>]*>(.*?)</script>', part, re.DOTALL)
    assert json.loads(bootstrap)["version"] == static_version()
