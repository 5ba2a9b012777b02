"""The list of chats: its sections and their order.

static/js/sidebar/arrange.js does the same; tests/cases/rooms.json holds both to it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from chats.models import ChatKind, ChatMember
from chats.search.folding import name_key
from chats.selectors.unread import unread_count

if TYPE_CHECKING:
    from flowra.accounts.models import User

COOKIE = "flowra_rooms"  # how this browser shows the list; static/js/sidebar/list-style.js writes it
SECTIONS = ("unread", "favourites", "chats", "work", "direct", "archived")
ALWAYS = frozenset({"chats", "work", "direct"})  # sections that are shown without a chat in them, too
_UNREAD_FIRST = "unread-first"


@dataclasses.dataclass(frozen=True, slots=True)
class ListStyle:
    """How a reader wants the list: unread chats on top or not, and which sections are folded."""

    unread_first: bool = False
    folded: frozenset[str] = frozenset({"archived"})

    @classmethod
    def read(cls, cookie: str | None) -> ListStyle:
        """Return what a cookie like "unread-first.work.archived" says; the default without one."""
        if cookie is None:
            return cls()
        words = set(cookie.split("."))
        return cls(_UNREAD_FIRST in words, frozenset(words & set(SECTIONS)))


@dataclasses.dataclass(frozen=True, slots=True)
class ChatEntry:
    """A chat in the list; `peer` is the other person of a direct chat."""

    membership: ChatMember
    peer: User | None
    is_current: bool

    @property
    def label(self) -> str:
        """What the list calls the chat."""
        chat = self.membership.chat
        return (chat.title if self.peer is None else self.peer.get_full_name()) or str(chat)

    @property
    def unread_count(self) -> int:
        """How many messages the viewer has not read."""
        return unread_count(self.membership)

    @property
    def mention_count(self) -> int:
        """How many of them mention the viewer."""
        return self.membership.mention_count

    @property
    def is_closed(self) -> bool:
        """Whether the chat is archived."""
        return self.membership.chat.is_closed

    @property
    def latest(self) -> int:
        """When the latest message was posted, in ms since 1970; 0 without one."""
        at = self.membership.chat.last_message_at
        return 0 if at is None else int(at.timestamp() * 1000)

    @property
    def own_section(self) -> str:
        """The section that the chat belongs to by its kind."""
        kind = self.membership.chat.kind
        return {ChatKind.DISCUSSION: "chats", ChatKind.DIRECT: "direct"}.get(ChatKind(kind), "work")

    def section(self, style: ListStyle) -> str:
        """Return the section that the chat stands in."""
        if style.unread_first and self.unread_count:
            return "unread"
        if self.is_closed:
            return "archived"
        return "favourites" if self.membership.is_favourite else self.own_section


@dataclasses.dataclass(frozen=True, slots=True)
class Section:
    """A section of the list; `has_own` says whether any chat belongs to it by its kind, wherever that stands."""

    name: str
    rooms: Sequence[ChatEntry]
    is_folded: bool
    has_own: bool

    @property
    def is_shown(self) -> bool:
        """Whether there is something to show."""
        return bool(self.rooms) or self.name in ALWAYS


def arrange(rooms: Iterable[ChatEntry], style: ListStyle) -> list[Section]:
    """Return all sections: unread chats latest first, work by creation, the others by name."""
    inside: dict[str, list[ChatEntry]] = {name: [] for name in SECTIONS}
    own = set()
    for room in sorted(rooms, key=lambda room: room.membership.chat_id):
        inside[room.section(style)].append(room)
        if not room.is_closed:
            own.add(room.own_section)
    for name, found in inside.items():
        if name == "unread":
            found.sort(key=lambda room: -room.latest)
        elif name != "work":
            found.sort(key=lambda room: name_key(room.label))
    return [Section(name, found, name in style.folded, name in own) for name, found in inside.items()]


def by_kind(rooms: Iterable[ChatEntry]) -> list[Section]:
    """Return the sections of the list by kind, whatever the reader has chosen."""
    return arrange(rooms, ListStyle())
