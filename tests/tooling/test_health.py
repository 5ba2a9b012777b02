"""/healthz, /readyz and /metrics: asked by machines, by address, without a cookie."""

from __future__ import annotations

import httpx
import pytest

from tests.processes import Server, Valkey, wait_until


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
        assert "flowra.health" in running.output()
        assert "django.request" not in running.output()
