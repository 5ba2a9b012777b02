"""How many HTTP connections one address may have: whom a connection counts for, and which one goes for a new one.

A connection counts for its peer, from beginning to end. One of a trusted proxy counts for nobody; each request on it
counts for the client that the proxy names, until it is answered.
"""

from __future__ import annotations

from typing import Protocol

from django.conf import settings


class Connection(Protocol):
    """What is counted."""

    @property
    def is_idle(self) -> bool:
        """Whether it has neither a request nor an answer that was not taken yet."""

    def give_up(self) -> None:
        """Close it."""


class Addresses:
    """The connections and requests of this process, by address."""

    def __init__(self) -> None:
        self._connections: dict[str, dict[Connection, None]] = {}  # of each address, in the order they came
        self._requests: dict[str, int] = {}  # by way of proxies

    def join(self, address: str, connection: Connection) -> None:
        """Count a connection; where there are too many, the one that has been idle for longest goes."""
        mine = self._connections.setdefault(address, {})
        mine[connection] = None
        if self.is_full(address):
            idle = next((other for other in mine if other is not connection and other.is_idle), None)
            if idle is not None:
                self.leave(address, idle)
                idle.give_up()

    def leave(self, address: str, connection: Connection) -> None:
        """Count a connection no more, if it is counted."""
        mine = self._connections.get(address)
        if mine is not None:
            mine.pop(connection, None)
            if not mine:
                del self._connections[address]

    def was_used(self, address: str, connection: Connection) -> None:
        """Note that a connection has been idle from now on."""
        mine = self._connections.get(address, {})
        if connection in mine:
            del mine[connection]
            mine[connection] = None

    def begin(self, address: str) -> None:
        """Count a request that came by way of a proxy."""
        self._requests[address] = self._requests.get(address, 0) + 1

    def end(self, address: str) -> None:
        """Count one of these no more."""
        self._requests[address] -= 1
        if not self._requests[address]:
            del self._requests[address]

    def is_full(self, address: str) -> bool:
        """Whether the address has more connections and requests than it may."""
        count = len(self._connections.get(address, ())) + self._requests.get(address, 0)
        most: int = settings.FLOWRA_HTTP_CONNECTIONS_PER_ADDRESS
        return settings.FLOWRA_RATE_LIMITS and count > most
