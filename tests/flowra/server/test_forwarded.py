"""Whose request it is behind proxies, and what counts as one address."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from chats.api.throttles import UserThrottle
from chats.lib.addresses import counted_address
from flowra.accounts.security.lockout import attempted_from
from flowra.server.proxies import _warn_untrusted_forwarded_for, forwarded_client, parse_proxies, set_client_from_proxy

LOCAL, NEAR = ["127.0.0.1", "::1"], ["127.0.0.1", "10.0.0.0/8"]


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "client"),
    [
        (["1"], "10.0.0.1", "192.0.2.7", "192.0.2.7"),
        (["1"], "10.0.0.1", "6.6.6.6, 192.0.2.7", "192.0.2.7"),  # the caller wrote the first one
        (["2"], "10.0.0.1", "6.6.6.6, 192.0.2.7, 10.0.0.2", "192.0.2.7"),
        (["2"], "192.0.2.7", "6.6.6.6", "192.0.2.7"),  # it came around a proxy
        (["1"], "10.0.0.1", "unknown", "10.0.0.1"),
        (["1"], "", "192.0.2.7", "192.0.2.7"),
        (LOCAL, "127.0.0.1", "6.6.6.6,192.0.2.7", "192.0.2.7"),
        (LOCAL, "192.0.2.7", "6.6.6.6", "192.0.2.7"),  # nobody trusted connected
        (LOCAL, "127.0.0.1", "192.0.2.7:5000", "192.0.2.7"),
        (LOCAL, "::1", "[2001:db8::7]:5000", "2001:db8::7"),
        (LOCAL, "::1", "2001:db8::7", "2001:db8::7"),
        (LOCAL, "::ffff:127.0.0.1", "::ffff:192.0.2.7", "192.0.2.7"),
        (LOCAL, "127.0.0.1", "192.0.2.7, garbage", "127.0.0.1"),
        (LOCAL, "127.0.0.1", "", "127.0.0.1"),
        (LOCAL, "127.0.0.1", ",,,", "127.0.0.1"),
        (NEAR, "127.0.0.1", "6.6.6.6, 192.0.2.7, 10.1.1.1, 10.0.0.2", "192.0.2.7"),
        (NEAR, "127.0.0.1", "10.1.1.1, 10.0.0.2", "10.1.1.1"),  # a caller from inside
    ],
)
def test_only_what_trusted_proxies_wrote_counts(trusted: list[str], peer: str, forwarded: str, client: str) -> None:
    assert forwarded_client(peer, forwarded, parse_proxies(trusted)) == client


def test_several_headers_are_one_list_and_without_one_nothing_changes(settings: Settings) -> None:
    settings.FLOWRA_TRUSTED_PROXIES = ["1"]
    header = b"x-forwarded-for"
    scope: dict[str, Any] = {"client": ("10.0.0.1", 5), "headers": [(header, b"6.6.6.6"), (header, b"192.0.2.7")]}
    set_client_from_proxy(scope)
    assert scope["client"] == ("192.0.2.7", 0)
    scope = {"client": ("10.0.0.1", 5), "headers": []}
    set_client_from_proxy(scope)
    assert scope["client"] == ("10.0.0.1", 5)


def test_untrusted_headers_count_for_nothing_and_are_told_once(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.FLOWRA_TRUSTED_PROXIES = []
    _warn_untrusted_forwarded_for.cache_clear()
    for _ in range(3):
        scope: dict[str, Any] = {"client": ("10.0.0.1", 5), "headers": [(b"x-forwarded-for", b"192.0.2.7")]}
        with caplog.at_level(logging.WARNING):
            set_client_from_proxy(scope)
        assert scope["client"] == ("10.0.0.1", 5)
    assert caplog.text.count("FLOWRA_TRUSTED_PROXIES") == 1


@pytest.mark.parametrize(
    ("trusted", "peer", "believed"),
    [
        ([], "127.0.0.1", True),  # a proxy on this machine
        ([], "::1", True),
        ([], "::ffff:127.0.0.1", True),
        ([], "10.0.0.1", False),
        ([], "192.0.2.7", False),
        ([], "", True),  # by a Unix socket
        (["10.0.0.0/8"], "10.0.0.1", True),
        (["10.0.0.0/8"], "192.0.2.7", False),
        (["10.0.0.0/8"], "127.0.0.1", False),
        (["1"], "192.0.2.7", True),  # then only the proxy may be able to connect
    ],
)
def test_only_a_proxy_says_that_a_request_came_by_tls(
    settings: Settings, trusted: list[str], peer: str, believed: bool
) -> None:
    settings.FLOWRA_TRUSTED_PROXIES = trusted
    scheme, other = (b"x-forwarded-proto", b"https"), (b"accept", b"*/*")
    scope: dict[str, Any] = {"client": (peer, 5) if peer else None, "headers": [scheme, other, scheme]}
    set_client_from_proxy(scope)
    assert scope["headers"] == ([scheme, other, scheme] if believed else [other])


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::"),
        ("2001:db8:1:3::6", "2001:db8:1:3::"),
        ("fe80::1%eth0", "fe80::"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_an_ipv6_subscriber_is_one_address(address: str, counted: str) -> None:
    assert counted_address(address) == counted
    request = RequestFactory().post("/", REMOTE_ADDR=address)
    assert UserThrottle().get_ident(request) == counted  # type: ignore[arg-type]
    assert attempted_from(request) == (counted or None)
