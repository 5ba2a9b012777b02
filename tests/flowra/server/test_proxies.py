"""Whose address counts behind a proxy: the client's where the proxy is trusted, else the proxy's own."""

from __future__ import annotations

import httpx
import pytest

from tests.support.processes import Server

LIMIT = 10  # failed attempts of one user from one address


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize(("trusted", "others_suffer"), [("127.0.0.1", False), ("", True), ("10.9.9.9", True)])
def test_a_lock_out_is_for_the_address_that_earned_it(trusted: str, others_suffer: bool) -> None:
    with (
        Server({"FLOWRA_TRUSTED_PROXIES": trusted}, demo=True) as server,
        httpx.Client(base_url=server.base_url, timeout=20, trust_env=False) as http,
    ):

        def sign_in(address: str, password: str) -> int:
            return http.post(
                "/api/v1/auth/token",
                json={"username": "john", "password": password},
                headers={"X-Forwarded-For": address},
            ).status_code

        for _ in range(LIMIT):
            sign_in("10.0.0.1", "wrong")
        assert sign_in("10.0.0.1", "demo") != 200
        assert (sign_in("10.0.0.2", "demo") != 200) is others_suffer


@pytest.mark.usefixtures("processes")
def test_how_often_an_address_may_sign_in_is_a_setting_and_who_meets_it_is_told() -> None:
    with (
        Server({"FLOWRA_SIGN_INS_PER_MINUTE": "3"}, demo=True) as server,
        httpx.Client(base_url=server.base_url, timeout=20, trust_env=False) as http,
    ):
        john = {"username": "john", "password": "demo"}
        statuses = [http.post("/api/v1/auth/token", json=john).status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]
        page = http.get("/accounts/login/")
        token = page.text.split('name="csrfmiddlewaretoken" value="', 1)[1].split('"', 1)[0]
        assert http.post("/accounts/login/", data={**john, "csrfmiddlewaretoken": token}).status_code == 429
        assert 'flowra_limits_met_total{setting="FLOWRA_SIGN_INS_PER_MINUTE"} 2.0' in http.get("/metrics").text
        said = [line for line in server.output().splitlines() if "FLOWRA_SIGN_INS_PER_MINUTE is met (3)" in line]
        assert len(said) == 1  # once a minute
        assert "127.0.0.1 was refused" in said[0]
