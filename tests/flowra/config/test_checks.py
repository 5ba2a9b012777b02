"""Settings that make no sense are refused, each with a hint."""

from __future__ import annotations

import os
from typing import Any

import pytest
from django.core import checks
from pytest_django import Settings

from flowra.config.checks import POSITIVE, is_origin
from flowra.config.environment import Environment


@pytest.fixture(autouse=True)
def nothing_for_other_tests_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what is under our name for tests alone, as FLOWRA_CHAOS_SEED."""
    for name in os.environ.keys() - Environment.read:
        if name.startswith("FLOWRA_"):
            monkeypatch.delenv(name)


def found(settings: Settings, **values: Any) -> list[checks.CheckMessage]:
    """Return what Flowra's own checks say of these settings."""
    for name, value in values.items():
        setattr(settings, name, value)
    return [message for message in checks.run_checks() if str(message.id).startswith("flowra.")]


def test_the_defaults_pass(settings: Settings) -> None:
    assert found(settings, DEBUG=True) == []


@pytest.mark.parametrize(
    ("expected", "values"),
    [
        *[("flowra.E001", {name: 0}) for name in POSITIVE],
        ("flowra.E001", {"FLOWRA_PONG_TIMEOUT": -1.0}),
        ("flowra.E001", {"FLOWRA_RESYNC_WITHIN": -0.1}),
        ("flowra.E002", {"FLOWRA_MAX_FRAME_BYTES": 16 * 1024 - 1}),
        ("flowra.W001", {"FLOWRA_MAX_FRAME_BYTES": 160 * 1024 - 1}),
        ("flowra.E003", {"FLOWRA_OUTBOX_BYTES": 320 * 1024 - 1}),
        ("flowra.E001", {"FLOWRA_DRAIN_HOLD": -0.1}),
        ("flowra.E011", {"FLOWRA_DRAIN_HOLD": 10.1}),
        ("flowra.E004", {"FLOWRA_TYPING_TIMEOUT": 2.0}),
        ("flowra.E005", {"FLOWRA_ALLOWED_ORIGINS": ["https://good.example", "bad.example"]}),
        *[
            ("flowra.E010", {"FLOWRA_TRUSTED_PROXIES": names})
            for names in (["0"], ["11"], ["-1"], ["proxy.example"], ["10.0.0.1/8"], ["0.0.0.0/0"], ["::/0"], ["1", "2"])
        ],
        ("flowra.E006", {"REDIS_URL": "localhost:6379"}),
        ("flowra.E006", {"REDIS_URL": "redis://127.0.0.1:port/0"}),
        ("flowra.E012", {"EMAIL_USE_TLS": True, "EMAIL_USE_SSL": True}),
        ("flowra.E009", {"FLOWRA_PRESENCE_LEASE": 9.9}),
        ("flowra.W004", {"FLOWRA_WATCH_INTERVAL": 0.9}),
        ("flowra.E001", {"FLOWRA_PRESENCE_GRACE": -0.1}),
        ("flowra.W003", {"FLOWRA_PRESENCE_GRACE": 2.9}),
        ("flowra.E013", {"FLOWRA_METRICS_FROM": ["everybody"]}),
        ("flowra.E013", {"FLOWRA_METRICS_FROM": ["10.0.0.1/8"]}),
        ("flowra.E008", {"DEBUG": False, "ALLOWED_HOSTS": [], "FLOWRA_HTTPS": True}),
        ("flowra.W002", {"DEBUG": False, "ALLOWED_HOSTS": ["chat.example.org"], "FLOWRA_HTTPS": False}),
    ],
)
def test_each_check_fires_alone_and_says_what_to_do(settings: Settings, expected: str, values: dict[str, Any]) -> None:
    messages = found(settings, **{"DEBUG": True, **values})
    assert [message.id for message in messages] == [expected]
    assert messages[0].hint


@pytest.mark.parametrize(
    "values",
    [
        {"FLOWRA_MAX_FRAME_BYTES": 160 * 1024, "FLOWRA_OUTBOX_BYTES": 320 * 1024},
        {"FLOWRA_TYPING_TIMEOUT": 2.1, "FLOWRA_RESYNC_WITHIN": 0.0, "FLOWRA_WATCH_INTERVAL": 0.8},
        {"FLOWRA_DRAIN_HOLD": 5.0, "FLOWRA_DRAIN_SECONDS": 10.0},
        {"FLOWRA_PRESENCE_LEASE": 10.0, "FLOWRA_PRESENCE_HEARTBEAT": 5.0, "FLOWRA_PRESENCE_GRACE": 3.0},
        {"FLOWRA_TRUSTED_PROXIES": ["10"]},
        {"FLOWRA_TRUSTED_PROXIES": ["10.0.0.0/8", "127.0.0.1", "2001:db8::/32"]},
        {"REDIS_URL": "rediss://user:secret@broker.example:6380/1"},
        {"DEBUG": False, "ALLOWED_HOSTS": ["chat.example.org"], "FLOWRA_HTTPS": True},
    ],
)
def test_the_edge_of_what_makes_sense_passes(settings: Settings, values: dict[str, Any]) -> None:
    assert found(settings, **{"DEBUG": True, **values}) == []


def test_a_name_that_is_no_setting_is_told_with_the_one_that_is_meant(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWRA_TRUSTED_PROXY", "127.0.0.1")
    monkeypatch.setenv("FLOWRA_TRUSTED_PROXIES", "127.0.0.1")
    monkeypatch.setenv("FLOW", "free")
    (message,) = found(settings, DEBUG=True)
    assert (message.id, message.msg.split()[0]) == ("flowra.W005", "FLOWRA_TRUSTED_PROXY")
    assert message.hint
    assert message.hint.startswith("Is it FLOWRA_TRUSTED_PROXIES?")


@pytest.mark.parametrize(("size", "expected"), [(9, ["flowra.E007"]), (10, [])])
def test_the_pool_of_postgresql_has_room_for_pages(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, size: int, expected: list[str]
) -> None:
    # In place: the database itself is not to be exchanged under the test.
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.postgresql")
    messages = found(settings, DEBUG=True, FLOWRA_SOCKET_DB_THREADS=8, FLOWRA_DB_POOL_SIZE=size)
    assert [message.id for message in messages] == expected


def test_sqlite_has_full_text_search(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowra.config.checks._has_full_text_search", lambda: False)
    assert [message.id for message in found(settings, DEBUG=True)] == ["flowra.E015"]
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.postgresql")
    assert found(settings, DEBUG=True) == []


@pytest.mark.parametrize(
    "text", ["https://chat.example.org", "http://localhost:3000", "https://[::1]:8443", "http://127.0.0.1"]
)
def test_origins(text: str) -> None:
    assert is_origin(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "https://",
        "https://*",
        "https://*.example.org",
        "https://chat.example.org/",
        "https://chat.example.org/app",
        "https://chat.example.org?x=1",
        "https://user@chat.example.org",
        "https://chat.example.org:port",
        "https://chat.example.org:70000",
        "https://chat example.org",
        "ftp://chat.example.org",
        "//chat.example.org",
        "null",
        "https://[::1",
    ],
)
def test_what_is_not_an_origin(text: str) -> None:
    assert not is_origin(text)
