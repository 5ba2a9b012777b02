"""A fault of ours: JSON for programs, a page for people, and no details for either."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from django.test import Client

from tests.conftest import Cast


@pytest.mark.parametrize(
    ("path", "reads", "is_json"),
    [("/api/v1/me", "flowra.accounts.api.MeView.get", True), ("/", "chats.views.shell.list_workspaces", False)],
)
def test_a_fault_is_told_without_details(
    cast: Cast, client: Client, monkeypatch: pytest.MonkeyPatch, path: str, reads: str, is_json: bool
) -> None:
    client.force_login(cast.member, backend="django.contrib.auth.backends.ModelBackend")
    client.raise_request_exception = False

    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr(reads, fail)
    answer = client.get(path)
    assert answer.status_code == 500
    assert b"secret" not in answer.content
    assert (answer.headers["Content-Type"] == "application/json") is is_json
    if is_json:
        assert answer.json()["code"] == "internal"


def test_a_database_that_cannot_is_a_reason_to_come_back(
    cast: Cast, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(cast.member, backend="django.contrib.auth.backends.ModelBackend")

    def fail(*args: object, **kwargs: object) -> None:
        raise OperationalError("database or disk is full: a secret detail")

    monkeypatch.setattr("flowra.accounts.api.MeView.get", fail)
    answer = client.get("/api/v1/me")
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "unavailable", "5")
    assert b"secret" not in answer.content
