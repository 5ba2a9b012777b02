"""/healthz, /readyz and /metrics: asked by machines, by address, without a cookie."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from asgiref.testing import ApplicationCommunicator
from pytest_django import Settings

from flowra.asgi import application
from tests.support.processes import Server, Valkey, wait_until


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_they_answer_whatever_the_host(server: Server, path: str) -> None:
    answer = httpx.get(server.base_url + path, headers={"Host": "10.0.0.7:8000"})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers


def test_pages_do_look_at_the_host(server: Server) -> None:
    assert httpx.get(f"{server.base_url}/accounts/login/", headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_they_are_for_reading(server: Server, path: str) -> None:
    assert httpx.head(server.base_url + path).status_code == 200
    assert httpx.post(server.base_url + path).status_code == 405


def test_readyz_names_its_parts(server: Server) -> None:
    assert httpx.get(f"{server.base_url}/readyz").json() == {
        "status": "ready",
        "parts": {"database": "ok", "registry": "ok", "channel_layer": "ok"},
    }


def test_metrics_are_prometheus_text(server: Server) -> None:
    answer = httpx.get(f"{server.base_url}/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "\nflowra_connections 0.0\n" in answer.text


@pytest.mark.parametrize(
    ("trusted", "forwarded", "status"),
    [
        ("", None, 200),
        ("", "10.1.2.3", 403),  # through a proxy that nobody has named: whoever that is
        ("127.0.0.1", "10.1.2.3", 200),
        ("127.0.0.1", "8.8.8.8", 403),
        ("127.0.0.1", "2001:4860::8888", 403),
        ("127.0.0.1", "203.0.113.9", 200),  # as set below
    ],
)
def test_metrics_are_for_this_machine_and_private_networks_or_those_that_are_named(
    settings: Settings, trusted: str, forwarded: str | None, status: int
) -> None:
    settings.FLOWRA_TRUSTED_PROXIES = [trusted] if trusted else []
    settings.FLOWRA_METRICS_FROM = [*settings.FLOWRA_METRICS_FROM, "203.0.113.9"]
    assert asyncio.run(ask_for_metrics("127.0.0.1", forwarded)) == status


@pytest.mark.parametrize(("peer", "status"), [("8.8.8.8", 403), ("192.168.7.7", 200), ("fd00::7", 200)])
def test_metrics_are_not_for_strangers_who_connect_directly(peer: str, status: int) -> None:
    assert asyncio.run(ask_for_metrics(peer, None)) == status


async def ask_for_metrics(peer: str, forwarded: str | None) -> int:
    """Ask the application as this peer, and return the status."""
    headers = [] if forwarded is None else [(b"x-forwarded-for", forwarded.encode())]
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/metrics",
        "headers": headers,
        "client": (peer, 5),
        "query_string": b"",
    }
    communicator: Any = ApplicationCommunicator(application, scope)  # type: ignore[no-untyped-call]
    await communicator.send_input({"type": "http.request", "body": b""})
    status: int = (await communicator.receive_output(20))["status"]
    await communicator.receive_output(20)
    await communicator.wait(20)
    return status


@pytest.mark.usefixtures("processes")
def test_a_broker_that_is_away_shows_until_it_is_back() -> None:
    with Valkey() as broker, Server({"REDIS_URL": broker.url}) as running:

        def ask() -> httpx.Response:
            return httpx.get(f"{running.base_url}/readyz", timeout=20)

        assert ask().status_code == 200
        broker.kill()
        away = ask()
        assert away.status_code == 503
        assert away.json()["parts"]["database"] == "ok"
        assert away.json()["parts"]["channel_layer"] != "ok"
        assert away.json()["parts"]["registry"] != "ok"
        assert broker.url not in away.text
        broker.start()
        wait_until(lambda: ask().status_code == 200, 30, "readiness")
        # Why is told once, and not for each 503 that somebody asks for again a second later.
        assert "flowra.observability.probes" in running.output()
        assert "django.request" not in running.output()
