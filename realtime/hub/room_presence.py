"""Which of a chat's members are online, and which changes this process's subscribers have yet to be sent. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from presence.changes import PresenceEntry
from presence.registry.base import UserState


class Rounds:
    """Changes in rounds in which each user is once: a frame has each user once, and none of two changes is left out."""

    def __init__(self) -> None:
        self._rounds: list[dict[UUID, PresenceEntry]] = []

    def __bool__(self) -> bool:
        return bool(self._rounds)

    def add(self, change: PresenceEntry) -> None:
        """Add a change after all earlier ones of its user."""
        number = max((number for number, some in enumerate(self._rounds) if change.user_id in some), default=-1) + 1
        if number == len(self._rounds):
            self._rounds.append({})
        self._rounds[number][change.user_id] = change

    def pop(self) -> list[list[PresenceEntry]]:
        """Return, once, what was added."""
        rounds, self._rounds = self._rounds, []
        return [list(some.values()) for some in rounds]


class RoomPresence:
    """A snapshot plus changes, in whatever order they come: of two states of a user the higher version counts.

    A change is sent once, however often it is announced. It is sent even if the snapshot has it already: that was read
    after some had subscribed, and they have not been sent it.
    """

    def __init__(self) -> None:
        self.is_known = False  # whether the snapshot is as good as the database and the registry
        self.generation = 0  # increased by `invalidate`
        self.access_version = 0  # of the chat, as of the latest change
        self._versions: dict[UUID, int] = {}
        self._online: set[UUID] = set()
        self._announced: dict[UUID, int] = {}  # the latest version that was sent, or is about to be
        self._rounds = Rounds()

    @property
    def has_changes(self) -> bool:
        """Whether there is something to send."""
        return bool(self._rounds)

    def add(self, change: PresenceEntry, access_version: int) -> None:
        """Add an announced change, to be sent with the next rounds; an old or known one is dropped."""
        if change.version <= self._announced.get(change.user_id, -1):
            return
        self.note(change)
        self.access_version = max(self.access_version, access_version)
        self._rounds.add(change)

    def note(self, change: PresenceEntry) -> None:
        """Add an announced change of which nobody is to be told, because all have the chat in the background."""
        if change.version > self._announced.get(change.user_id, -1):
            self._announced[change.user_id] = change.version
            self._set(change.user_id, change.version, is_online=change.is_online)

    def pop_rounds(self) -> list[list[PresenceEntry]]:
        """Return, once, what is to be sent, in rounds in which each user is once."""
        return self._rounds.pop()

    def load(self, states: Mapping[UUID, UserState]) -> None:
        """Load a snapshot of all members; later changes stay, and users who are not in it are removed."""
        for user_id in self._versions.keys() - states.keys():
            del self._versions[user_id]
            self._online.discard(user_id)
        for user_id in self._announced.keys() - states.keys():
            del self._announced[user_id]
        for user_id, state in states.items():
            self._set(user_id, state.version, is_online=state.is_online)
        self.is_known = True

    def invalidate(self) -> None:
        """Note that the snapshot may be wrong: members were added or removed, or the registry lost its state."""
        self.is_known = False
        self.generation += 1

    def online_count(self, including: UUID | None = None) -> int | None:
        """Return how many members are online, None if that is not known.

        `including` is a member who is online for certain, although it may not have been announced yet.
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
