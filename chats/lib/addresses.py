"""What counts as one address where limits are per address."""

from __future__ import annotations

import ipaddress

IPV6_PREFIX = 64  # bits: what one subscriber gets at least, so that all of it is one caller


def counted_address(text: str) -> str:
    """Return what the address is counted under: itself, or of an IPv6 address the first one of its /64.

    An IPv4 address in IPv6's clothes is the IPv4 one. What is no address (a Unix socket's peer) is itself.
    """
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return text
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, IPV6_PREFIX), strict=False).network_address)
