"""What limits per address count as one address."""

from __future__ import annotations

import ipaddress

IPV6_PREFIX = 64  # bits; a subscriber gets at least this much


def counted_address(text: str) -> str:
    """Return the address that `text` is counted under: itself, or for IPv6 the first address of its /64.

    An IPv4-mapped IPv6 address counts as the IPv4 one. A text that is no address is returned as it is.
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
