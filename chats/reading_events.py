"""Domain events about what somebody has read, or has no longer to read; see chats/events.py."""

from __future__ import annotations

import dataclasses
from uuid import UUID


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChatRead:
    """A member read further, when the chat was at `revision`; told to their own sockets."""

    workspace_id: UUID
    chat_id: UUID
    revision: int
    user_id: UUID
    last_read_seq: int
    unread_count: int
    mention_count: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MentionsChanged:
    """A message of a chat, which is at `revision` now, mentions these members, or no longer does."""

    workspace_id: UUID
    chat_id: UUID
    revision: int
    user_ids: tuple[UUID, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NotificationsRead:
    """Notifications, all of them where `ids` is None, were read or are gone; told to their user's own sockets."""

    user_id: UUID
    ids: tuple[UUID, ...] | None
    unread_count: int  # after that


# What nobody is told again: it is counted anew whenever a page loads, and with the next change.
Reading = ChatRead | MentionsChanged | NotificationsRead
