"""This process's part in the registry: what it holds, what it has told, and how it recovers. No tasks, no event loop.

Arrivals and departures are noted here and told in one ordered stream of numbered updates, each with the *present*
number of connections of some users, so that an update may be sent twice and a departure never overtakes an arrival.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from itertools import islice
from uuid import UUID

from presence.exceptions import LeaseLost, RegistryAway
from presence.registry.base import Edge, ProcessInfo, Reaped, Registry

BATCH = 1_000  # users in one update
MAX_TRIES = 3  # registrations in one flush; a registry that forgets faster is as good as away


class PresenceSession:
    """A process's connections by user, and its registration.

    `arrive` and `depart` never block. `flush`, `renew`, `reap` and `leave` call the registry and raise RegistryAway;
    they may be called again at any time. Edges handed to this process are collected in `edges`, also by a call that
    fails later on.
    """

    def __init__(self, registry: Registry, describe: Callable[[], ProcessInfo]) -> None:
        self._registry = registry
        self._describe = describe
        self._lock = threading.Lock()  # of what follows; never held during a call
        self._counts: dict[UUID, int] = {}
        self._dirty: dict[UUID, None] = {}
        self._sequence = 0
        self._synced = 0
        self._wire = threading.Lock()  # registrations, updates and renewals, one after the other
        self._joining: ProcessInfo | None = None  # kept over tries: registering twice is registering once
        self._incarnation: str | None = None
        self._retiring: deque[str] = deque()
        self._number = 0
        self._unanswered: dict[UUID, int] | None = None  # the update that was sent without an answer
        self._has_left = False
        self.epoch = ""
        self.settles_in: float | None = None  # set by a registration in a new epoch, until `take_reset`
        self.registrations = 0
        self.edges: deque[Edge] = deque()

    # --- Connections ----------------------------------------------------------------------------

    def arrive(self, user_id: UUID) -> int:
        """Note a new connection of the user; returns its sequence number, for `is_synced`."""
        return self._count(user_id, 1)

    def depart(self, user_id: UUID) -> int:
        """Note that a connection of the user has ended; returns its sequence number, for `is_synced`."""
        return self._count(user_id, -1)

    def is_synced(self, sequence: int) -> bool:
        """Whether the registry has everything up to `sequence`."""
        return self._synced >= sequence

    @property
    def has_news(self) -> bool:
        """Whether there is something to flush."""
        return bool(self._dirty) or self._unanswered is not None or self._incarnation is None or bool(self._retiring)

    @property
    def users(self) -> int:
        """How many users have connections here."""
        return len(self._counts)

    def _count(self, user_id: UUID, step: int) -> int:
        with self._lock:
            count = self._counts.get(user_id, 0) + step
            if count > 0:
                self._counts[user_id] = count
            else:
                self._counts.pop(user_id, None)
            self._dirty[user_id] = None
            self._sequence += 1
            return self._sequence

    # --- The registry ---------------------------------------------------------------------------

    def flush(self) -> bool:
        """Register if need be, and tell the registry everything that it has not been told; raises RegistryAway.

        Returns whether the registry was asked.
        """
        with self._wire:
            has_news = self.has_news
            for _ in range(MAX_TRIES):
                if self._has_left:
                    return False
                try:
                    self._join()
                    self._send_all()
                    self._retire_earlier()
                except LeaseLost:
                    self._lose()
                else:
                    return has_news
        raise RegistryAway("The registry forgets this process as soon as it has registered.")

    def renew(self) -> bool:
        """Renew the lease, or note that it is lost: `flush` then registers anew. Raises RegistryAway.

        Returns whether the registry was asked.
        """
        with self._wire:
            # An update without an answer may or may not have been taken; it has to be settled first.
            if self._incarnation is None or self._unanswered is not None:
                return False
            try:
                self._registry.renew(self._incarnation, self._number)
            except LeaseLost:
                self._lose()
            return True

    def reap(self) -> Reaped | None:
        """Return what is to be announced and who is to be disconnected; notes a lost lease. Raises RegistryAway.

        None if there is no lease to ask with.
        """
        incarnation = self._incarnation
        if incarnation is None:
            return None
        try:
            reaped = self._registry.reap(incarnation)
        except LeaseLost:
            with self._wire:
                if self._incarnation == incarnation:
                    self._lose()
            return Reaped([], [])
        self.edges.extend(reaped.edges)
        return reaped

    def leave(self) -> None:
        """Hand everybody over and never come back: users have their grace to turn up elsewhere. Raises RegistryAway."""
        with self._wire:
            self._has_left = True
            self._lose()
            self._retire_earlier()

    def take_reset(self) -> float | None:
        """Return, once, the seconds until a new epoch knows who is online; None where there was no new one."""
        settles_in, self.settles_in = self.settles_in, None
        return settles_in

    def _join(self) -> None:
        if self._incarnation is not None:
            return
        self._joining = self._joining or self._describe()
        joined = self._registry.register(self._joining)
        with self._lock:
            self._dirty = dict.fromkeys(self._counts)  # the whole set
        self._unanswered = None
        self._number = 0
        self._incarnation, self._joining = self._joining.incarnation, None
        self.registrations += 1
        if self.epoch and joined.epoch != self.epoch:
            self.settles_in = joined.settles_in
        self.epoch = joined.epoch

    def _send_all(self) -> None:
        while self._incarnation is not None:
            if self._unanswered is None:
                with self._lock:
                    batch = list(islice(self._dirty, BATCH))
                    for user_id in batch:
                        del self._dirty[user_id]
                    self._unanswered = {user_id: self._counts.get(user_id, 0) for user_id in batch} or None
                    upto = self._sequence if not self._dirty else self._synced
                if self._unanswered is None:
                    self._synced = upto
                    return
            else:
                upto = self._synced
            self.edges.extend(self._registry.update(self._incarnation, self._number + 1, self._unanswered))
            self._number += 1
            self._unanswered = None
            self._synced = max(self._synced, upto)

    def _retire_earlier(self) -> None:
        while self._retiring:
            self._registry.retire(self._retiring[0])
            self._retiring.popleft()

    def _lose(self) -> None:
        if self._incarnation is not None:
            self._retiring.append(self._incarnation)
            self._incarnation = None
