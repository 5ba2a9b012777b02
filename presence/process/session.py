"""This process's connections by user, kept in the registry in step. No tasks, no event loop.

Changes are sent as one ordered stream of numbered updates, each with the *present* number of connections of some users.
So an update may be sent twice, and a departure never overtakes an arrival.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from itertools import islice
from uuid import UUID

from presence.exceptions import LeaseLost, RegistryUnavailable
from presence.registry.base import Edge, ProcessInfo, Reaped, Registry

BATCH = 1_000  # users in one update
MAX_TRIES = 3  # registrations in one flush; a registry that loses them faster counts as unavailable


class PresenceSession:
    """A process's connections by user, and its registration.

    `arrive` and `depart` never block. `flush`, `renew`, `reap` and `leave` call the registry and raise
    RegistryUnavailable; they may be called again at any time. Edges that were handed out to this process are collected
    in `edges`, also by a call that fails later on.
    """

    def __init__(self, registry: Registry, describe: Callable[[], ProcessInfo]) -> None:
        self._registry = registry
        self._describe = describe
        self._lock = threading.Lock()  # of what follows; never held during a call
        self._counts: dict[UUID, int] = {}
        self._dirty: dict[UUID, None] = {}
        self._sequence = 0
        self._synced = 0
        self._calls = threading.Lock()  # registrations, updates and renewals run one after the other
        self._registering: ProcessInfo | None = None  # kept over tries, which then have the same incarnation
        self._incarnation: str | None = None
        self._retiring: deque[str] = deque()
        self._number = 0
        self._unanswered: dict[UUID, int] | None = None  # the update whose answer has not come
        self._has_left = False
        self.epoch = ""
        self.settles_in: float | None = None  # set by a registration in a new epoch, until `pop_reset`
        self.registrations = 0
        self.edges: deque[Edge] = deque()

    # --- Connections ----------------------------------------------------------------------------

    def arrive(self, user_id: UUID) -> int:
        """Count a new connection of the user; returns its sequence number, for `is_synced`."""
        return self._count(user_id, 1)

    def depart(self, user_id: UUID) -> int:
        """Count a connection of the user less; returns its sequence number, for `is_synced`."""
        return self._count(user_id, -1)

    def is_synced(self, sequence: int) -> bool:
        """Whether the registry has everything up to `sequence`."""
        return self._synced >= sequence

    @property
    def has_changes(self) -> bool:
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
        """Register if needed, and send the registry all changes; raises RegistryUnavailable.

        Returns whether the registry was asked.
        """
        with self._calls:
            has_changes = self.has_changes
            for _ in range(MAX_TRIES):
                if self._has_left:
                    return False
                try:
                    self._register()
                    self._send_all()
                    self._retire_earlier()
                except LeaseLost:
                    self._lose()
                else:
                    return has_changes
        raise RegistryUnavailable("The registry loses this process as soon as it has registered.")

    def renew(self) -> bool:
        """Renew the lease, or record that it is lost: `flush` then registers again. Raises RegistryUnavailable.

        Returns whether the registry was asked.
        """
        with self._calls:
            # An update without an answer may or may not have been applied; `flush` sends it again first.
            if self._incarnation is None or self._unanswered is not None:
                return False
            try:
                self._registry.renew(self._incarnation, self._number)
            except LeaseLost:
                self._lose()
            return True

    def reap(self) -> Reaped | None:
        """Return edges to announce and users to disconnect; records a lost lease. Raises RegistryUnavailable.

        None without a lease.
        """
        incarnation = self._incarnation
        if incarnation is None:
            return None
        try:
            reaped = self._registry.reap(incarnation)
        except LeaseLost:
            with self._calls:
                if self._incarnation == incarnation:
                    self._lose()
            return Reaped([], [])
        self.edges.extend(reaped.edges)
        return reaped

    def leave(self) -> None:
        """End the registration for good: users have their grace to connect elsewhere. Raises RegistryUnavailable."""
        with self._calls:
            self._has_left = True
            self._lose()
            self._retire_earlier()

    def pop_reset(self) -> float | None:
        """Return, once, the seconds until a new epoch knows who is online; None without a new epoch."""
        settles_in, self.settles_in = self.settles_in, None
        return settles_in

    def _register(self) -> None:
        if self._incarnation is not None:
            return
        self._registering = self._registering or self._describe()
        registration = self._registry.register(self._registering)
        with self._lock:
            self._dirty = dict.fromkeys(self._counts)  # the whole set
        self._unanswered = None
        self._number = 0
        self._incarnation, self._registering = self._registering.incarnation, None
        self.registrations += 1
        if self.epoch and registration.epoch != self.epoch:
            self.settles_in = registration.settles_in
        self.epoch = registration.epoch

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
