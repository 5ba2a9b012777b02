"""An accepted socket, as the hub knows it."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Callable, Iterable
from uuid import UUID

from django.conf import settings

from realtime.credentials import Credential
from realtime.outbox.frame import Frame
from realtime.outbox.outbox import Outbox
from realtime.protocol.frames import ChatFrame, CloseCode, Resync, ResyncReason, ServerFrame, encode


@dataclasses.dataclass(slots=True, eq=False, kw_only=True)
class Connection:
    """Whose it is, what it is subscribed to and its outbox.

    `chats` are those with a subscription, `background` those of them without presence and typing, `workspaces` those of
    the user. `has_watched`: it has sent `presence.watch`. `checked_at` is the user's
    `security_changed_at` as it was when credential and memberships were last checked. `end` closes the socket with a
    code once the command being carried out is answered; `is_ending` from then on.
    """

    credential: Credential
    display_name: str
    outbox: Outbox
    end: Callable[[CloseCode], None]
    connection_id: str = dataclasses.field(default_factory=lambda: uuid.uuid4().hex)
    chats: set[UUID] = dataclasses.field(default_factory=set)
    background: set[UUID] = dataclasses.field(default_factory=set)
    workspaces: set[UUID] = dataclasses.field(default_factory=set)
    checked_at: datetime.datetime | None = None
    is_ending: bool = False
    has_watched: bool = False
    last_announcement: int = 0  # id of the workspace event that was sent last; see hub/workspaces.py

    @property
    def user_id(self) -> UUID:
        """The id of the user whose connection it is."""
        return self.credential.user_id

    def counts(self, chat_id: UUID) -> bool:
        """Whether its client counts the chat's unread messages itself: it has the chat open, not in the background."""
        return chat_id in self.chats and chat_id not in self.background

    def send(self, frame: ServerFrame | ChatFrame) -> None:
        """Send one frame to this connection alone."""
        self.outbox.put(Frame(encode(frame)))

    def overflow(self) -> None:
        """Close it as a slow consumer."""
        self.end(CloseCode.SLOW_CONSUMER)


def resync(connections: Iterable[Connection], reason: ResyncReason, *, within: float | None = None) -> None:
    """Tell these connections that they may have missed something; they spread loading again over `within` seconds."""
    within = settings.FLOWRA_RESYNC_WITHIN if within is None else within
    frame = Frame(encode(Resync(reason=reason, within=within)))
    for connection in list(connections):
        connection.outbox.put(frame)
