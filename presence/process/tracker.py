"""This process's presence, as tasks: send changes to the registry, renew the lease, reap, announce.

The hub runs `tasks` and restarts one that fails. Work that is not done stays in the session, the registry, or the edges
collected here, so the restarted task does it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar
from uuid import UUID

from django.conf import settings

from presence import metrics
from presence.events import DisconnectRequested, PresenceReset, presence_event
from presence.exceptions import RegistryUnavailable
from presence.process.announcer import Run, announce
from presence.process.session import PresenceSession
from presence.registry.base import REGISTRY_TIMEOUT, Edge, Registry, describe_process

logger = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")
REAP_EVERY = 1.0  # seconds
RETRY_AFTER = 1.0  # seconds, while the registry does not answer
COLLECT = 0.05  # seconds that edges are collected and then announced together
MAX_COLLECTED = 10_000  # edges waiting to be announced here; the others stay in the registry, for any process
THREADS = 4  # one for each task that calls the registry, and one for confirmations


class Tracker:
    """Keeps the registry in step with this process's connections. Runs in the event loop's thread."""

    def __init__(self, registry: Registry, run_db: Run) -> None:
        self._registry = registry
        self._run_db = run_db
        self._session = PresenceSession(registry, describe_process)
        self._executor = None if registry.is_local else ThreadPoolExecutor(THREADS, "flowra-registry")
        self._has_changes = asyncio.Event()
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []
        self._edges: dict[int, Edge] = {}  # by version
        self._has_edges = asyncio.Event()
        self._registrations = 0  # of the session, as counted in the metric
        self._reset_at: float | None = None
        self.is_unavailable = False  # whether the registry did not answer when it was asked last

    @property
    def tasks(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """The coroutine functions to run for ever, by name."""
        return {
            "presence-sender": self.run_sender,
            "presence-heartbeat": self.run_heartbeat,
            "presence-reaper": self.run_reaper,
            "presence-announcer": self.run_announcer,
        }

    # --- Connections ----------------------------------------------------------------------------

    def arrive(self, user_id: UUID) -> int:
        """Count a new connection of the user; returns its sequence number, for `wait_synced`."""
        sequence = self._session.arrive(user_id)
        self._changed()
        return sequence

    def depart(self, user_id: UUID) -> None:
        """Count a connection of the user less."""
        self._session.depart(user_id)
        self._changed()

    async def wait_synced(self, sequence: int = 0) -> None:
        """Return when the registry has everything up to `sequence`, at the latest after REGISTRY_TIMEOUT."""
        if self.is_unavailable or (self._session.is_synced(sequence) and self._session.registrations):
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append((sequence, waiter))
        try:
            async with asyncio.timeout(REGISTRY_TIMEOUT):
                await waiter
        except TimeoutError:
            logger.info("The registry does not have a connection yet.")

    async def leave(self) -> None:
        """End the registration: users have their grace to connect elsewhere. The tasks have ended by then."""
        try:
            async with asyncio.timeout(3 * REGISTRY_TIMEOUT):
                await self._call(self._session.leave)
        except (RegistryUnavailable, TimeoutError):
            logger.warning("The registry could not be told that this process ends; its lease runs out by itself.")
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)

    def _changed(self) -> None:
        metrics.users.set(self._session.users)
        self._has_changes.set()

    # --- Tasks ----------------------------------------------------------------------------------

    async def run_sender(self) -> None:
        """Register, then send the registry all changes, for ever."""
        self._has_changes.set()
        while True:
            await self._has_changes.wait()
            self._has_changes.clear()
            try:
                await self._ask(self._session.flush)
            except RegistryUnavailable:
                self._has_changes.set()
                await asyncio.sleep(RETRY_AFTER)
            else:
                self._answer_waiters()
            finally:
                self._collect()
                self._count_registrations()

    async def run_heartbeat(self) -> None:
        """Renew the lease every FLOWRA_PRESENCE_HEARTBEAT seconds, for ever."""
        while True:
            await asyncio.sleep(settings.FLOWRA_PRESENCE_HEARTBEAT)
            while True:
                try:
                    await self._ask(self._session.renew)
                    break
                except RegistryUnavailable:
                    await asyncio.sleep(RETRY_AFTER)
            self._wake_sender()

    async def run_reaper(self) -> None:
        """Reap every second, for ever; emit PresenceReset when a new epoch has settled."""
        loop = asyncio.get_running_loop()
        while True:
            wait = REAP_EVERY if self._reset_at is None else min(REAP_EVERY, self._reset_at - loop.time())
            due = loop.time() + max(0, wait)
            await asyncio.sleep(max(0, wait))
            if self._reset_at is not None and loop.time() >= self._reset_at:
                self._reset_at = None
                logger.warning("The registry had lost its data and has them again; clients resync.")
                await presence_event.asend(sender=PresenceReset, event=PresenceReset())
            if await self._reap():
                metrics.reap_lag_seconds.observe(max(0.0, loop.time() - due))
                metrics.last_reap_timestamp_seconds.set(time.time())

    async def run_announcer(self) -> None:
        """Announce collected edges, for ever."""
        while True:
            await self._has_edges.wait()
            await asyncio.sleep(COLLECT)
            self._has_edges.clear()
            edges, self._edges = self._edges, {}
            try:
                await announce(edges.values(), self._registry, run_db=self._run_db, run_registry=self._call)
            except Exception:
                # They stay unconfirmed, so the registry hands them out again.
                metrics.announcements_failed.inc()
                logger.exception("Presence could not be announced; it will be tried again.")

    # --- The registry ---------------------------------------------------------------------------

    async def _reap(self) -> bool:
        """Reap; returns whether the registry answered."""
        has_more = True
        while has_more and len(self._edges) < MAX_COLLECTED:
            try:
                reaped = await self._ask(self._session.reap)
            except RegistryUnavailable:
                return False
            self._wake_sender()
            if reaped is None:
                return False
            self._collect()
            metrics.kicks.inc(len(reaped.kicked))
            for user_id in reaped.kicked:
                await presence_event.asend(sender=DisconnectRequested, event=DisconnectRequested(user_id))
            has_more = reaped.has_more
        return True

    def _wake_sender(self) -> None:
        """Wake the sender if a lease was lost."""
        if self._session.has_changes:
            self._has_changes.set()

    def _collect(self) -> None:
        while self._session.edges:
            edge = self._session.edges.popleft()
            self._edges[edge.version] = edge
        if self._edges:
            self._has_edges.set()

    def _count_registrations(self) -> None:
        # Also those of a flush whose task was cancelled: it went on in its thread.
        metrics.registrations.inc(self._session.registrations - self._registrations)
        self._registrations = self._session.registrations
        settles_in = self._session.pop_reset()
        if settles_in is not None:
            self._reset_at = asyncio.get_running_loop().time() + settles_in

    def _answer_waiters(self) -> None:
        waiting, self._waiters = self._waiters, []
        for sequence, waiter in waiting:
            if not self._session.is_synced(sequence):
                self._waiters.append((sequence, waiter))
            elif not waiter.done():
                waiter.set_result(None)

    async def _ask(self, function: Callable[[], T]) -> T:
        """Call the registry and set `is_unavailable`. A `function` that had nothing to ask returns None or False."""
        try:
            answer = await self._call(function)
        except RegistryUnavailable as error:
            metrics.registry_failures.inc()
            if not self.is_unavailable:
                logger.warning("The registry of presence does not answer; who is online is not known: %s", error)
            self.is_unavailable = True
            raise
        if answer is not None and answer is not False:
            if self.is_unavailable:
                logger.info("The registry of presence answers again.")
            self.is_unavailable = False
        return answer

    async def _call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return `function(…)`, in a thread where it may wait for the network."""
        if self._executor is None:
            return function(*args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._executor, lambda: function(*args, **kwargs))
