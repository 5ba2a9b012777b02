"""Rates: counted per user and, where nobody is signed in, per address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from rest_framework.settings import api_settings

from tests.api.conftest import Callers
from tests.conftest import Cast


@pytest.fixture
def rates(settings: Any) -> Iterator[dict[str, Any]]:
    """Give the rates, switched on, to set lower."""
    settings.FLOWRA_RATE_LIMITS = True
    rates: dict[str, Any] = api_settings.DEFAULT_THROTTLE_RATES
    before = dict(rates)
    yield rates
    rates.update(before)


def refusal(answer: Any) -> tuple[int, str]:
    """Return status and code of an answer, whose Retry-After must make sense."""
    assert 1 <= answer.data["retry_after"] <= 60
    assert answer.headers["Retry-After"] == str(answer.data["retry_after"])
    return answer.status, answer.data["code"]


def test_a_user_has_a_rate(callers: Callers, rates: dict[str, Any]) -> None:
    rates["user"] = "2/min"
    assert [callers.member.get("/me").status for _call in range(2)] == [200, 200]
    assert refusal(callers.member.get("/me")) == (429, "rate_limited")
    assert callers.owner.get("/me").status == 200
    assert callers.nobody.get("/me").status == 401


def test_posting_takes_from_the_bucket_of_the_sockets(
    cast: Cast, callers: Callers, rates: dict[str, Any], settings: Any
) -> None:
    settings.FLOWRA_POSTS_PER_SECOND, settings.FLOWRA_POSTS_BURST = 0.1, 2
    path = f"/chats/{cast.chat.pk}/messages"
    first = {"body": "1", "client_id": str(uuid4())}
    assert callers.member.post(path, first).status == 201
    assert callers.member.post(path, {"body": "2"}).status == 201
    assert refusal(callers.member.post(path, {"body": "3"})) == (429, "rate_limited")
    again = callers.member.post(path, first)
    assert (again.status, again.data["body"]) == (200, "1")
    assert callers.member.get(path).status == 200
    assert callers.owner.post(path, {"body": "not me"}).status == 201


def test_edits_and_deletions_take_from_the_same_bucket(
    cast: Cast, callers: Callers, rates: dict[str, Any], settings: Any
) -> None:
    settings.FLOWRA_POSTS_PER_SECOND, settings.FLOWRA_POSTS_BURST = 0.1, 3
    path = f"/chats/{cast.chat.pk}/messages"
    message = f"{path}/{callers.member.post(path, {'body': '1'}).data['id']}"
    assert callers.member.patch(message, {"body": "2"}).status == 200
    assert callers.member.delete(message).status == 204
    for refused in (
        callers.member.delete(message),
        callers.member.patch(message, {"body": "3"}),
        callers.member.post(path, {"body": "4"}),
    ):
        assert refusal(refused) == (429, "rate_limited")
        assert 0 < refused.data["retry_after"] <= 10
        assert int(refused.headers["Retry-After"]) in range(1, 11)
    assert callers.member.get(message).data["body"] == ""
    assert callers.owner.post(path, {"body": "not me"}).status == 201
    settings.FLOWRA_RATE_LIMITS = False
    assert callers.member.delete(message).status == 204


def test_searching_has_its_own(callers: Callers, rates: dict[str, Any]) -> None:
    rates["search"] = "1/min"
    assert callers.member.get("/search?q=x").status == 200
    assert refusal(callers.member.get("/search?q=x")) == (429, "rate_limited")


def test_signing_in_has_a_rate_per_address_whatever_is_forwarded(callers: Callers, rates: dict[str, Any]) -> None:
    rates["auth"] = "2/min"
    for number in range(3):
        callers.nobody.headers["X-Forwarded-For"] = f"10.0.0.{number}"
        answer = callers.nobody.post("/auth/token", {"username": f"u{number}", "password": "x"})
    assert refusal(answer) == (429, "rate_limited")
    assert callers.nobody.post("/auth/token/refresh", {"refresh": "x"}).status == 429


def test_all_of_them_can_be_switched_off(callers: Callers, rates: dict[str, Any], settings: Any) -> None:
    rates.update(user="1/min", search="1/min")
    settings.FLOWRA_RATE_LIMITS = False
    assert [callers.member.get("/search?q=x").status for _call in range(3)] == [200] * 3
