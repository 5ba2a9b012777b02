"""The client's address and scheme behind proxies, as far as FLOWRA_TRUSTED_PROXIES trusts X-Forwarded-*.

Each proxy appends to X-Forwarded-For the address that it got the request from. Entries left of those that trusted
proxies appended come from the caller, who may write anything.

uvicorn's ProxyHeadersMiddleware is not used. It knows no number of hops, it leaves an untrusted X-Forwarded-Proto in
the request, which Django would believe, and it runs after the protocol has counted the connection by address
(flowra/server/http_protocol.py).
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
    """Return the networks of these names; raises ValueError for a name that is not a network."""
    return tuple(ipaddress.ip_network(name) for name in names)


def forwarded_client(peer: str, forwarded: str, trusted: int | tuple[Network, ...]) -> str:
    """Return the client's address; `peer` is the address of the connection, `forwarded` is X-Forwarded-For.

    Without a trusted proxy it is `peer`. At an entry that is not an address the search stops, and the proxy that
    passed it on counts as the client.
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
    """Return the client's address for an ASGI scope that the server made."""
    names: list[str] = settings.FLOWRA_TRUSTED_PROXIES
    peer, _ = scope.get("client") or ("", 0)
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return forwarded_client(peer, ",".join(values), _trusted(tuple(names))) if names and values else peer


def is_shared_connection(peer: str) -> bool:
    """Return whether `peer` is a trusted proxy, whose connections carry the requests of several clients."""
    names: list[str] = settings.FLOWRA_TRUSTED_PROXIES
    if not names:
        return False
    trusted, address = _trusted(tuple(names)), _parse(peer)
    return isinstance(trusted, int) or (address is not None and _is_within(address, trusted))


def set_client_from_proxy(scope: dict[str, Any]) -> None:
    """Set `client` of an ASGI scope to the client's address, where all other code reads it.

    X-Forwarded-Proto is removed unless a trusted proxy sent it: Django would take the request for one over TLS.
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
    """Return whether the peer is a trusted proxy; where none is configured, whether it is on this machine."""
    peer = _parse((scope.get("client") or ("", 0))[0])
    if peer is None:  # by a Unix socket
        return True
    trusted = _trusted(tuple(names)) if names else _THIS_MACHINE
    return isinstance(trusted, int) or _is_within(peer, trusted)


@functools.cache
def _warn_untrusted_scheme() -> None:
    # Once per process, as below.
    logger.warning(
        "X-Forwarded-Proto came from an address that FLOWRA_TRUSTED_PROXIES does not name, and counts for nothing: if "
        "that is your proxy, name it, or pages will be redirected for ever (docs/operations.md)."
    )


@functools.cache
def _warn_untrusted_forwarded_for() -> None:
    # Once per process: any client that connects directly can cause it.
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
    """Return the address of an entry, which may have a port, or None if it is not an address."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
