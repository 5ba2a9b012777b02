"""The doctor on a broker that is ill in one way each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from pytest_django import Settings

from flowra.doctor import broker
from flowra.doctor.report import Status
from tests.flowra.doctor.examined import examine, with_database
from tests.support.processes import Valkey


@pytest.fixture(scope="module")
def patient(processes: None) -> Iterator[Valkey]:
    """Give a broker of this module's own, whose configuration tests change."""
    with Valkey() as running:
        yield running


@pytest.fixture
def client(patient: Valkey) -> Iterator[redis.Redis]:
    """Give a client that may do everything; what it configured is put back."""
    with redis.Redis.from_url(patient.url) as client:
        yield client
        client.config_set("maxmemory", 0)
        client.config_set("maxmemory-policy", "noeviction")


@pytest.mark.parametrize(
    ("policy", "limit", "status"),
    [
        ("noeviction", "0", Status.OK),
        ("noeviction", "100mb", Status.OK),
        ("noeviction", "1kb", Status.WARNING),
        ("volatile-lru", "100mb", Status.OK),
        ("allkeys-lru", "0", Status.WARNING),
        ("allkeys-lru", "100mb", Status.FAILED),
        ("allkeys-random", "100mb", Status.FAILED),
    ],
)
def test_a_policy_that_takes_our_keys(
    settings: Settings, patient: Valkey, client: redis.Redis, policy: str, limit: str, status: Status
) -> None:
    settings.REDIS_URL = patient.url
    client.config_set("maxmemory-policy", policy)
    client.config_set("maxmemory", limit)
    (finding,) = broker.check_memory()
    assert finding.status is status
    assert policy in finding.detail
    assert bool(finding.remedy) == (status is not Status.OK)


def test_an_old_server_is_refused(settings: Settings, patient: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest that can be had here is newer: so what is asked for is raised instead."""
    settings.REDIS_URL = patient.url
    assert [finding.status for finding in broker.check_redis()] == [Status.OK]
    monkeypatch.setattr(broker, "OLDEST", (99, 0))
    (finding,) = broker.check_redis()
    assert finding.status is Status.FAILED
    assert "older than 99.0" in finding.detail


def test_an_account_that_may_not_do_what_is_needed(tmp_path: Path, patient: Valkey, client: redis.Redis) -> None:
    with_database(tmp_path)
    client.acl_setuser(
        "lame", enabled=True, passwords=["+word"], keys=["*"], categories=["+@all", "-@scripting", "-@pubsub"]
    )
    examination = examine(tmp_path, {"REDIS_URL": f"redis://lame:word@127.0.0.1:{patient.port}/0"})
    assert examination.names("failed") == ["presence registry", "installations", "limits", "channel layer"]
    assert "EVAL" in examination.of("presence registry")["remedy"]
    assert "~flowra:*" in examination.of("limits")["remedy"]
    assert "PUBLISH" in examination.of("channel layer")["remedy"]
    assert examination.exit_status == 1


def test_an_address_that_cannot_be_understood_is_not_quoted(tmp_path: Path, patient: Valkey) -> None:
    with_database(tmp_path)
    examination = examine(tmp_path, {"REDIS_URL": f"redis://:hush#hush@127.0.0.1:{patient.port}/0"})
    assert {"settings", "redis"} <= set(examination.names("failed"))
    assert "%23" in examination.output
    assert "hush" not in examination.output + examination.errors


def test_a_wrong_password(tmp_path: Path, patient: Valkey) -> None:
    with_database(tmp_path)
    examination = examine(tmp_path, {"REDIS_URL": f"redis://nobody:secret-word@127.0.0.1:{patient.port}/0"})
    assert "redis" in examination.names("failed")
    assert "secret-word" not in examination.output
