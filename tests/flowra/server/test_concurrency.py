"""One caller has a few requests answered at a time, so that the others' turns come."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from chats.api.throttles import ScopedThrottle
from flowra.server.concurrency import MAX_PRESENT, ConcurrencyMiddleware
from tests.chats.views.test_views import sign_in
from tests.conftest import Cast
from tests.support.processes import ROOT, PostgreSQL, environment, temporary_folder


class Answers:
    """Stands for all that answers: holds every request until it is told to let go."""

    def __init__(self) -> None:
        self.at_work: list[str] = []
        self.most: dict[str, int] = {}
        self.go = asyncio.Event()

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        name = request.META["REMOTE_ADDR"]
        self.at_work.append(name)
        self.most[name] = max(self.most.get(name, 0), self.at_work.count(name))
        await self.go.wait()
        self.at_work.remove(name)
        return HttpResponse("done")


def asked_by(name: str) -> HttpRequest:
    request = HttpRequest()
    request.META["REMOTE_ADDR"] = name
    return request


async def test_forty_requests_of_one_are_six_at_a_time_and_another_goes_on(settings: Any) -> None:
    answers = Answers()
    middleware = ConcurrencyMiddleware(answers)
    greedy = [asyncio.create_task(middleware(asked_by("192.0.2.1"))) for _ in range(40)]
    other = asyncio.create_task(middleware(asked_by("192.0.2.2")))
    for _ in range(20):  # turns of the event loop: nothing here waits for anything else
        await asyncio.sleep(0)
    assert sorted(answers.at_work) == ["192.0.2.1"] * 6 + ["192.0.2.2"]
    answers.go.set()
    assert {response.status_code for response in await asyncio.gather(*greedy, other)} == {200}
    assert answers.most == {"192.0.2.1": 6, "192.0.2.2": 1}
    assert middleware._callers == {}  # nothing is kept of those who have left


async def test_what_waits_for_one_caller_is_bounded(settings: Any) -> None:
    answers = Answers()
    middleware = ConcurrencyMiddleware(answers)
    waiting = [asyncio.create_task(middleware(asked_by("192.0.2.1"))) for _ in range(MAX_PRESENT)]
    await asyncio.sleep(0)
    refused = await middleware(asked_by("192.0.2.1"))
    assert (refused.status_code, refused["Retry-After"]) == (429, "1")
    answers.go.set()
    assert {response.status_code for response in await asyncio.gather(*waiting)} == {200}


def test_pages_and_rest_are_one_count(cast: Cast, monkeypatch: Any) -> None:
    monkeypatch.setattr(ScopedThrottle, "THROTTLE_RATES", {"search": "3/min", "auth": "9/min", "user": "99/min"})
    client = sign_in(cast.owner)
    answers = [client.get("/search/", {"q": "docs"}).status_code for _ in range(2)]
    answers.append(client.get("/api/v1/search", {"q": "docs"}).status_code)
    assert answers == [200, 200, 200]
    page, rest = client.get("/search/", {"q": "docs"}), client.get("/api/v1/search", {"q": "docs"})
    assert (page.status_code, rest.status_code, rest.json()["code"]) == (429, 429, "rate_limited")
    assert 0 < int(page["Retry-After"]) <= 60
    assert client.get("/notifications/").status_code == 200


SHOW = """
import django; django.setup()
{servers}
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SHOW statement_timeout")
    print(cursor.fetchone()[0])
"""


@pytest.mark.parametrize(("servers", "shown"), [("import flowra.asgi", "10s"), ("", "0")])
def test_statements_of_servers_are_bounded_and_commands_are_not(
    postgresql: PostgreSQL, servers: str, shown: str
) -> None:
    env = environment(temporary_folder(), {"DATABASE_URL": postgresql.url("postgres")})
    env["DJANGO_SETTINGS_MODULE"] = "flowra.settings"
    command = [sys.executable, "-c", SHOW.format(servers=servers)]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == shown
