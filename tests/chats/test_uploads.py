"""Uploads do not exist yet, and nothing accepts them: neither REST, nor a form, nor a table."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from uuid import uuid4

import pytest
from django.apps import apps
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models
from django.test import Client, RequestFactory

from chats import services
from flowra.accounts.security.tokens import issue_tokens
from tests.api.document.test_schema_fuzz import make_document
from tests.conftest import Cast

TAKES_FILES = re.compile(r"""type=["']?file|multipart/form-data|\bFormData\b|FileReader""", re.IGNORECASE)
WRITES = [
    (method, path)
    for path, methods in make_document()["paths"].items()
    for method in methods
    if method in ("post", "put", "patch")
]
# What takes no body does not look at one.
WITHOUT_BODY = ("/close", "/reopen", "/invites/{token}", "/accept", "/decline", "/blocks/{user_id}")


def attachment() -> SimpleUploadedFile:
    """Return a file that somebody would like to send."""
    return SimpleUploadedFile("evil.svg", b"<svg onload=alert(1)>", "image/svg+xml")


@pytest.mark.parametrize("by_session", [False, True], ids=["token", "session"])
def test_rest_takes_no_multipart(cast: Cast, by_session: bool) -> None:
    client = Client(enforce_csrf_checks=True)
    headers = {"Authorization": f"Bearer {issue_tokens(cast.owner).access}"}
    if by_session:
        client.force_login(cast.owner, backend="django.contrib.auth.backends.ModelBackend")
        client.cookies["csrftoken"] = "a" * 32
        headers = {"X-CSRFToken": "a" * 32}
    ids = {"chat_id": cast.chat.pk, "workspace_id": cast.workspace.pk, "user_id": cast.member.pk, "token": "x"}
    for (method, path), files in itertools.product(WRITES, (True, False)):
        url = re.sub(r"{(\w+)}", lambda name: str(ids.get(name[1], uuid4())), path)
        request = RequestFactory().post(url, {"body": "x", **({"file": attachment()} if files else {})})
        content_type = request.headers["Content-Type"]
        answer = client.generic(method.upper(), url, request.body, content_type=content_type, headers=headers)
        if not path.endswith(WITHOUT_BODY):
            assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type"), (method, path)
    assert not list(Path(settings.DATA_DIR).rglob("evil*"))


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/profile/", "/chats/{}/messages/", "/admin/login/"])
def test_a_form_that_brings_a_file_is_refused(cast: Cast, path: str) -> None:
    client = Client()
    client.force_login(cast.owner)
    form = {"file": attachment(), "body": "x", "client_id": str(uuid4())}
    assert client.post(path.format(cast.chat.pk), form).status_code == 400
    cast.chat.refresh_from_db()
    assert cast.chat.seq == 0


def test_a_message_in_a_multipart_form_without_files_is_only_a_form(client: Client, cast: Cast) -> None:
    client.force_login(cast.owner)
    form = {"body": "plain", "client_id": str(uuid4())}
    assert client.post(f"/chats/{cast.chat.pk}/messages/", form).status_code == 302


def test_no_table_has_a_place_for_one() -> None:
    fields = [field for model in apps.get_models() for field in model._meta.fields]
    assert [field for field in fields if isinstance(field, models.FileField)] == []
    kinds = {field.get_internal_type() for field in fields}
    assert "BinaryField" not in kinds


def test_no_page_asks_for_one() -> None:
    roots = (settings.BASE_DIR / "templates", settings.BASE_DIR / "static")
    sources = [path for root in roots for path in root.rglob("*") if path.suffix in (".html", ".js")]
    assert len(sources) > 50
    assert [path.name for path in sources if TAKES_FILES.search(path.read_text())] == []


def test_an_image_in_a_message_is_a_link(cast: Cast) -> None:
    posted = services.post_message(
        user=cast.owner, chat_id=cast.chat.pk, body="![x](data:image/png;base64,AAAA)", client_id=uuid4()
    )
    assert "<img" not in posted.message.html
