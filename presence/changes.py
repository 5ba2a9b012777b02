"""What presence announces, in one shape from the announcer to the frame. Pure."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct


class PresenceEntry(Struct, frozen=True, kw_only=True):
    """A user came online or went offline; of two entries of one user the higher `version` counts."""

    user_id: UUID
    display_name: str
    is_online: bool
    last_seen: str | None  # as times are in frames; None while online
    version: int


class ChatScope(Struct, frozen=True, array_like=True):
    """A chat in which some of those users are members, by their positions in `PresenceBatch.changes`.

    `access_version` is the chat's as of the reading of its members.
    """

    chat_id: UUID
    access_version: int
    positions: tuple[int, ...]


class PresenceBatch(Struct, frozen=True):
    """Users of one workspace came online or went offline, each of them once.

    A user in fifty chats is one entry, and each process knows which of those chats are open there.
    """

    workspace_id: UUID
    changes: tuple[PresenceEntry, ...]
    chats: tuple[ChatScope, ...]
