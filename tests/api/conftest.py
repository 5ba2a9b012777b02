"""Callers with real tokens, and the rates off except where a test is about them."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from flowra.accounts.models import User
from flowra.accounts.security.tokens import issue_tokens
from tests.conftest import Cast

API = "/api/v1"


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """A status and what came with it."""

    status: int
    data: Any
    headers: Any


class Caller:
    """Somebody who calls the API, with an access token unless they have none."""

    def __init__(self, token: str = "") -> None:
        self.client = Client(raise_request_exception=True)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def call(self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: str) -> Answer:
        """Send `body` as JSON, or `raw` as it is; `path` is below /api/v1 or a whole URL."""
        url = path if path.startswith(("http://", "/api/")) else API + path
        if body is not None:
            raw = json.dumps(body).encode()
        response = self.client.generic(
            method, url, raw or b"", content_type="application/json", headers={**self.headers, **headers}
        )
        data = response.json() if response.content else None
        return Answer(response.status_code, data, response.headers)

    def get(self, path: str) -> Answer:
        """GET."""
        return self.call("GET", path)

    def post(self, path: str, body: Any = None) -> Answer:
        """POST."""
        return self.call("POST", path, body)

    def patch(self, path: str, body: Any = None) -> Answer:
        """PATCH."""
        return self.call("PATCH", path, body)

    def delete(self, path: str) -> Answer:
        """DELETE."""
        return self.call("DELETE", path)


@dataclasses.dataclass(frozen=True, slots=True)
class Callers:
    """The cast as callers, and somebody without a credential."""

    owner: Caller
    member: Caller
    outsider: Caller
    nobody: Caller


def caller_for(user: User) -> Caller:
    """Return a caller signed in as `user`."""
    return Caller(issue_tokens(user).access)


@pytest.fixture(autouse=True)
def _no_limits(settings: Any) -> None:
    settings.FLOWRA_RATE_LIMITS = False
    settings.AXES_ENABLED = False
    cache.clear()


@pytest.fixture
def callers(cast: Cast) -> Callers:
    """Give the cast as callers."""
    return Callers(caller_for(cast.owner), caller_for(cast.member), caller_for(cast.outsider), Caller())
