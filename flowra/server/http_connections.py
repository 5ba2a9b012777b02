"""Counts HTTP connections per address, and chooses an idle one to close for a new one.

A connection counts for its peer's address. A connection of a trusted proxy does not count; each request on it counts
for the client that the proxy names, until it is answered.
"""

from __future__ import annotations

from typing import Protocol

from django.conf import settings


class HttpConnection(Protocol):
    """A counted connection."""

    @property
    def is_idle(self) -> bool:
        """Whether it has neither a request nor unsent bytes of a response."""

    def give_up(self) -> None:
        """Close it."""


class Addresses:
    """The open connections and requests of this process, by address."""

    def __init__(self) -> None:
        self._connections: dict[str, dict[HttpConnection, None]] = {}  # by address, in order of use
        self._requests: dict[str, int] = {}  # through proxies, by address

    def add(self, address: str, connection: HttpConnection) -> None:
        """Count a connection; if there are too many, close the one that was idle for the longest time."""
        mine = self._connections.setdefault(address, {})
        mine[connection] = None
        if self.is_full(address):
            idle = next((other for other in mine if other is not connection and other.is_idle), None)
            if idle is not None:
                self.remove(address, idle)
                idle.give_up()

    def remove(self, address: str, connection: HttpConnection) -> None:
        """Stop counting a connection, if it is counted."""
        mine = self._connections.get(address)
        if mine is not None:
            mine.pop(connection, None)
            if not mine:
                del self._connections[address]

    def was_used(self, address: str, connection: HttpConnection) -> None:
        """Record that a connection is idle from now on."""
        mine = self._connections.get(address, {})
        if connection in mine:
            del mine[connection]
            mine[connection] = None

    def begin(self, address: str) -> None:
        """Count a request that came through a proxy."""
        self._requests[address] = self._requests.get(address, 0) + 1

    def end(self, address: str) -> None:
        """Stop counting one of these."""
        self._requests[address] -= 1
        if not self._requests[address]:
            del self._requests[address]

    def is_full(self, address: str) -> bool:
        """Return whether the address has more connections and requests than allowed."""
        count = len(self._connections.get(address, ())) + self._requests.get(address, 0)
        most: int = settings.FLOWRA_HTTP_CONNECTIONS_PER_ADDRESS
        return settings.FLOWRA_RATE_LIMITS and count > most
