"""Who of a chat's members is online, as far as this process's subscribers of the chat have to be told."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from presence.registry.base import State
from realtime.broker.events import PresenceChange


class RoomPresence:
    """A snapshot plus changes, in whatever order they come: of two states of a user the higher version counts.

    A change is told once, however often it is announced. It is told even if the snapshot knew it already: the
    snapshot was read after some had subscribed, and they have not heard of it.
    """

    def __init__(self) -> None:
        self.is_known = False  # whether the snapshot is as good as the database and the registry
        self.times_forgotten = 0
        self.access_version = 0  # of the chat, as of the latest change
        self._versions: dict[UUID, int] = {}
        self._online: set[UUID] = set()
        self._heard: dict[UUID, int] = {}  # the latest version told, or about to be
        self._rounds: list[dict[UUID, PresenceChange]] = []

    @property
    def has_changes(self) -> bool:
        """Whether there is something to tell."""
        return bool(self._rounds)

    def offer(self, change: PresenceChange, access_version: int) -> None:
        """Take a change that was announced; one that is old or known is dropped."""
        if change.version <= self._heard.get(change.user_id, -1):
            return
        self._heard[change.user_id] = change.version
        self.access_version = max(self.access_version, access_version)
        self._set(change.user_id, change.version, is_online=change.is_online)
        # Each change of a user is told, one after the other: the second one goes into the next round.
        place = max((place for place, some in enumerate(self._rounds) if change.user_id in some), default=-1) + 1
        if place == len(self._rounds):
            self._rounds.append({})
        self._rounds[place][change.user_id] = change

    def take_rounds(self) -> list[list[PresenceChange]]:
        """Return what is to be told, in rounds in which each user is once."""
        rounds, self._rounds = self._rounds, []
        return [list(some.values()) for some in rounds]

    def load(self, states: Mapping[UUID, State]) -> None:
        """Take a snapshot of all members; what was heard of later than it stays, and who is no member goes."""
        for user_id in self._versions.keys() - states.keys():
            del self._versions[user_id]
            self._online.discard(user_id)
        for user_id in self._heard.keys() - states.keys():
            del self._heard[user_id]
        for user_id, state in states.items():
            self._set(user_id, state.version, is_online=state.is_online)
        self.is_known = True

    def forget(self) -> None:
        """Note that the snapshot may be wrong: members came or went, or the registry begins anew."""
        self.is_known = False
        self.times_forgotten += 1

    def online_count(self, including: UUID | None = None) -> int | None:
        """Return how many are online, None if that is not known.

        `including` is somebody who is known to be online, though that may not have been announced yet.
        """
        if not self.is_known:
            return None
        return len(self._online) + (including is not None and including not in self._online)

    def _set(self, user_id: UUID, version: int, *, is_online: bool) -> None:
        if version < self._versions.get(user_id, -1):
            return
        self._versions[user_id] = version
        if is_online:
            self._online.add(user_id)
        else:
            self._online.discard(user_id)
