"""Which revisions of a chat this process has fanned out. Pure: no I/O, no Django."""

from __future__ import annotations

from collections import OrderedDict
from uuid import UUID

MAX_REMEMBERED = 256  # revisions of a chat whose message is known


class RevisionLog:
    """All revisions up to `contiguous` were fanned out, and those in `_ahead`.

    Events may come twice (a repair and then the late event itself) and overtake each other; each is admitted once.
    Another message with a revision that was seen is admitted too: the database went back, or the event is forged, and
    nothing here can tell which of the two messages belongs to the chat.
    """

    def __init__(self) -> None:
        self.contiguous: int | None = None  # unknown until the first subscriber has read the chat
        self._ahead: set[int] = set()
        self._messages: OrderedDict[int, UUID] = OrderedDict()  # message by revision, the latest MAX_REMEMBERED

    def start_at(self, revision: int) -> None:
        """Set `contiguous` to `revision` if it is unknown."""
        if self.contiguous is None:
            self.advance_to(revision)

    def admit(self, revision: int, message_id: UUID | None = None) -> bool:
        """Note `revision`; returns whether it is new, or was another message's."""
        known = self._messages.get(revision, message_id)
        if message_id is not None:
            self._messages[revision] = message_id
            if len(self._messages) > MAX_REMEMBERED:
                self._messages.popitem(last=False)
        if revision in self._ahead or (self.contiguous is not None and revision <= self.contiguous):
            return message_id is not None and known != message_id
        self._ahead.add(revision)
        self._close_gap()
        return True

    def advance_to(self, revision: int) -> None:
        """Note that everything up to `revision` was fanned out, or is part of a newer revision that was."""
        self.contiguous = revision
        self._ahead = {ahead for ahead in self._ahead if ahead > revision}
        self._close_gap()

    def _close_gap(self) -> None:
        if self.contiguous is None:
            return
        while self.contiguous + 1 in self._ahead:
            self.contiguous += 1
            self._ahead.remove(self.contiguous)
