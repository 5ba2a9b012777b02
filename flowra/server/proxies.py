"""Whose request it is when proxies stand in front, and whether it came by TLS: what FLOWRA_TRUSTED_PROXIES lets count.

Each proxy adds at the right of X-Forwarded-For whom it got the request from. What stands further left than the
trusted ones added was written by the caller, who may write anything.
"""

from __future__ import annotations

import functools
import ipaddress
import logging
from collections.abc import Sequence
from typing import Any

from django.conf import settings

logger = logging.getLogger(__name__)
MAX_HOPS = 10
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
SCHEME = b"x-forwarded-proto"
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def parse_proxies(names: Sequence[str]) -> int | tuple[Network, ...]:
    """Return the number of trusted hops, or the networks of trusted proxies; raises ValueError for anything else."""
    if len(names) == 1 and names[0].isascii() and names[0].isdigit():
        hops = int(names[0])
        if not 1 <= hops <= MAX_HOPS:
            raise ValueError(f"{hops} hops; a number of hops is 1 to {MAX_HOPS}")
        return hops
    networks = tuple(ipaddress.ip_network(name) for name in names)
    if any(network.prefixlen == 0 for network in networks):
        raise ValueError("a network that holds every address")
    return networks


@functools.cache
def parse_networks(names: tuple[str, ...]) -> tuple[Network, ...]:
    """Return the networks of these names; raises ValueError for what is none."""
    return tuple(ipaddress.ip_network(name) for name in names)


def forwarded_client(peer: str, forwarded: str, trusted: int | tuple[Network, ...]) -> str:
    """Return the client's address; `peer` is who connected to us, `forwarded` is X-Forwarded-For.

    It is the peer's own where nobody trusted forwarded anything. An entry that is no address ends the walk: the proxy
    that passed it on then counts as the client.
    """
    entries = [part.strip() for part in forwarded.split(",")] if forwarded else []
    if isinstance(trusted, int):
        found = _parse(entries[-trusted]) if len(entries) >= trusted else None
        return peer if found is None else str(found)
    client = _parse(peer)
    if client is None:
        return peer
    while entries and _is_within(client, trusted):
        before = _parse(entries.pop())
        if before is None:
            break
        client = before
    return str(client)


def client_from_scope(scope: dict[str, Any]) -> str:
    """Return the client's address, of a scope as the server made it."""
    names: list[str] = settings.FLOWRA_TRUSTED_PROXIES
    peer, _ = scope.get("client") or ("", 0)
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return forwarded_client(peer, ",".join(values), _trusted(tuple(names))) if names and values else peer


def is_shared_connection(peer: str) -> bool:
    """Return whether connections from `peer` carry the requests of others, as FLOWRA_TRUSTED_PROXIES says."""
    names: list[str] = settings.FLOWRA_TRUSTED_PROXIES
    if not names:
        return False
    trusted, address = _trusted(tuple(names)), _parse(peer)
    return isinstance(trusted, int) or (address is not None and _is_within(address, trusted))


def set_client_from_proxy(scope: dict[str, Any]) -> None:
    """Put the client's address into an ASGI scope, where everything that asks for it looks.

    And take X-Forwarded-Proto out of it where nobody may say so: whoever wrote it would pass for one who came by TLS.
    """
    names: list[str] = settings.FLOWRA_TRUSTED_PROXIES
    if any(name == SCHEME for name, _ in scope["headers"]) and not is_proxy(scope, names):
        scope["headers"] = [(name, value) for name, value in scope["headers"] if name != SCHEME]
        _warn_untrusted_scheme()
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    if not values:
        return
    peer, port = scope.get("client") or ("", 0)
    if not names:
        _warn_untrusted_forwarded_for()
        return
    client = client_from_scope(scope)
    scope["client"] = (client, port if client == peer else 0)


def is_proxy(scope: dict[str, Any], names: Sequence[str]) -> bool:
    """Whether who connected may say how the client came: a trusted proxy; where none is named, one of this machine."""
    peer = _parse((scope.get("client") or ("", 0))[0])
    if peer is None:  # by a Unix socket
        return True
    trusted = _trusted(tuple(names)) if names else _THIS_MACHINE
    return isinstance(trusted, int) or _is_within(peer, trusted)


@functools.cache
def _warn_untrusted_scheme() -> None:
    # As below.
    logger.warning(
        "X-Forwarded-Proto came from an address that FLOWRA_TRUSTED_PROXIES does not name, and counts for nothing: if "
        "that is your proxy, name it, or pages will be redirected for ever (docs/operations.md)."
    )


@functools.cache
def _warn_untrusted_forwarded_for() -> None:
    # Once in a process's life: whoever connects directly can make us say it.
    logger.warning(
        "Requests come with X-Forwarded-For, and FLOWRA_TRUSTED_PROXIES is not set: if they come through a proxy, all "
        "its clients are counted as one address (docs/operations.md)."
    )


_THIS_MACHINE: tuple[Network, ...] = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


@functools.cache
def _trusted(names: tuple[str, ...]) -> int | tuple[Network, ...]:
    return parse_proxies(names)


def _is_within(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)


def _parse(text: str) -> Address | None:
    """Return an entry's address, with or without a port behind it, or None."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
