"""Reads: who of a chat's members is online. One registry command and a fixed number of queries for any chat."""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, NamedTuple, TypedDict
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from msgspec import Meta

from chats.models import Chat, ChatMember
from chats.payload_types import Counter, Id, Time
from chats.payloads import optional_time_text
from chats.selectors.access import is_blocked_within
from chats.selectors.blocks import blocked_pairs
from chats.selectors.chats import list_members
from presence.changes import PresenceEntry
from presence.exceptions import RegistryUnavailable
from presence.models import LastSeen
from presence.registry.base import UserState
from presence.registry.current import get_registry

PAIR = 2  # members of a direct chat
MEMBERS_SHOWN = 32  # in a page of the list: more than a screen, and 800 bytes of HTML each


class MemberPresencePayload(TypedDict):
    user_id: Id
    display_name: str
    is_online: bool
    last_seen: Annotated[
        Time | None, Meta(description="When they went offline; null while online, and for somebody never seen.")
    ]
    version: Annotated[
        Counter, Meta(description="Of two states of one user the one with the higher version is the later.")
    ]


class Member(NamedTuple):
    """A row of the query; model instances would take several times as long for 3,000 members."""

    chat_id: UUID
    id: UUID
    user_id: UUID
    username: str
    display_name: str
    name_key: str


@dataclasses.dataclass(frozen=True, slots=True)
class MemberPresence:
    """A member and their presence: `is_online` is None if it is not known."""

    member: Member
    is_online: bool | None
    last_seen: datetime.datetime | None  # None while online, and for somebody never seen
    version: int

    @property
    def user_id(self) -> UUID:
        """Whose it is."""
        return self.member.user_id

    @property
    def display_name(self) -> str:
        """Their display name, or else the username."""
        return self.member.display_name or self.member.username

    @property
    def membership(self) -> ChatMember:
        """Return their membership with its `user`; fields that were not read are loaded on access."""
        member = self.member
        membership = ChatMember.from_db(None, ("id", "chat_id", "user_id"), (member.id, member.chat_id, member.user_id))
        membership.user = get_user_model().from_db(
            None, ("id", "username", "display_name"), (member.user_id, member.username, member.display_name)
        )
        return membership


@dataclasses.dataclass(frozen=True)
class ChatPresence:
    """A chat's members: online ones first, then by name. `is_known` is False if the registry does not answer."""

    is_enabled: bool
    is_known: bool
    members: Sequence[MemberPresence]
    is_hidden: bool = False  # a direct chat in which one blocks the other: both are shown as offline, whatever they are

    @functools.cached_property
    def online_count(self) -> int:
        """How many are online."""
        return sum(member.is_online is True for member in self.members)

    @property
    def is_long(self) -> bool:
        """Whether they are more than one page of the list."""
        return len(self.members) > MEMBERS_SHOWN

    def among(self, user_ids: Collection[UUID]) -> list[MemberPresence]:
        """Return those of these users who are members, in the same order."""
        return [member for member in self.members if member.user_id in user_ids]


def read_presence(chat: Chat) -> ChatPresence:
    """Return the presence of the chat's members; raises RegistryUnavailable. The caller checks access.

    In a direct chat of which one member blocks the other, both are shown as offline and never seen.
    """
    rows = _read_members(chat)
    user_ids = [row.user_id for row in rows]
    if is_blocked_within(chat):
        hidden = [MemberPresence(row, False, None, 0) for row in sorted(rows, key=lambda row: row.user_id)]
        return ChatPresence(is_enabled=True, is_known=True, members=hidden, is_hidden=True)
    states = get_registry().snapshot(user_ids)
    # After the registry: a user who went offline in between is stored by now, or in `states`.
    seen = _last_seen(chat)
    members = [_presence_of(row, states[row.user_id], seen.get(row.user_id)) for row in rows]
    members.sort(key=member_order)
    return ChatPresence(is_enabled=True, is_known=True, members=members)


def show_presence(chat: Chat) -> ChatPresence:
    """Return the presence of the chat's members for a page; `is_online` is None if it is switched off or unknown."""
    if settings.FLOWRA_PRESENCE_ENABLED:
        try:
            return read_presence(chat)
        except RegistryUnavailable:
            pass
    members = sorted((MemberPresence(row, None, None, 0) for row in _read_members(chat)), key=member_order)
    return ChatPresence(is_enabled=settings.FLOWRA_PRESENCE_ENABLED, is_known=False, members=members)


def find_members(chat: Chat, presence: ChatPresence, search: str) -> Sequence[MemberPresence]:
    """Return the members whose names have the words of `search`, in the order of `presence`; without words all."""
    if not search.strip():
        return presence.members
    found = list_members(chat, search).order_by().values_list("user_id", flat=True)
    return presence.among(frozenset(found))


def read_states(chat_id: UUID) -> dict[UUID, UserState]:
    """Return the state of each of the chat's members, by user; raises RegistryUnavailable."""
    user_ids = list(ChatMember.objects.filter(chat_id=chat_id).values_list("user_id", flat=True))
    if len(user_ids) == PAIR and is_blocked_within(Chat.objects.only("kind").get(pk=chat_id)):
        return {}
    return get_registry().snapshot(user_ids) if user_ids else {}


@dataclasses.dataclass(frozen=True, slots=True)
class Watched:
    """Those of some people whom a user may watch, as they are now, and the chats that the user is in."""

    people: list[PresenceEntry]
    chats: frozenset[UUID]


def read_watched(user_id: UUID, wanted: Sequence[UUID]) -> Watched:
    """Return who of `wanted` shares a chat with the user, each once; raises RegistryUnavailable.

    A direct chat in which one blocks the other does not count. Four queries, and one command of the registry.
    """
    chats = read_chats_of([user_id]).get(user_id, frozenset())
    shared = ChatMember.objects.order_by().filter(user_id__in=wanted, chat__memberships__user_id=user_id)
    blocked = blocked_pairs([user_id])
    if blocked:
        shared = shared.exclude(chat__direct_key__in=blocked)
    people = shared.values_list("user_id", "user__username", "user__display_name").distinct()
    names = {person_id: display_name or username for person_id, username, display_name in people}
    states = get_registry().snapshot(list(names)) if names else {}
    # After the registry, as in `read_presence`.
    seen = dict(LastSeen.objects.order_by().filter(user_id__in=list(names)).values_list("user_id", "at"))
    found = [
        PresenceEntry(
            user_id=person_id,
            display_name=name,
            is_online=states[person_id].is_online,
            last_seen=optional_time_text(_seen_at(states[person_id], seen.get(person_id))),
            version=states[person_id].version,
        )
        for person_id, name in names.items()
    ]
    return Watched(found, chats)


def read_chats_of(user_ids: Collection[UUID]) -> dict[UUID, frozenset[UUID]]:
    """Return the chats of each of these users who is in any."""
    chats: dict[UUID, set[UUID]] = {}
    for user_id, chat_id in (
        ChatMember.objects.order_by().filter(user_id__in=user_ids).values_list("user_id", "chat_id")
    ):
        chats.setdefault(user_id, set()).add(chat_id)
    return {user_id: frozenset(some) for user_id, some in chats.items()}


def presence_payload(member: MemberPresence) -> MemberPresencePayload:
    """Return a member's presence as REST gives it."""
    return {
        "user_id": str(member.user_id),
        "display_name": member.display_name,
        "is_online": member.is_online is True,
        "last_seen": optional_time_text(member.last_seen),
        "version": member.version,
    }


def _read_members(chat: Chat) -> list[Member]:
    rows = list_members(chat).order_by()  # sorted later, by who is online
    names = rows.values_list("id", "user_id", "user__username", "user__display_name", "user__name_key")
    return [Member(chat.pk, *row) for row in names]


def _last_seen(chat: Chat) -> Mapping[UUID, datetime.datetime]:
    members = ChatMember.objects.filter(chat_id=chat.pk).values("user_id")
    return dict(LastSeen.objects.order_by().filter(user_id__in=members).values_list("user_id", "at"))


def _presence_of(row: Member, state: UserState, stored: datetime.datetime | None) -> MemberPresence:
    return MemberPresence(row, state.is_online, _seen_at(state, stored), state.version)


def _seen_at(state: UserState, stored: datetime.datetime | None) -> datetime.datetime | None:
    """Return when somebody went offline; None while they are online, and for somebody never seen."""
    if state.is_online:
        return None
    # The edge may not be stored yet; the registry has it.
    known = None if state.at is None else datetime.datetime.fromtimestamp(state.at, datetime.UTC)
    return max((at for at in (stored, known) if at is not None), default=None)


def member_order(member: MemberPresence) -> tuple[bool, str, UUID]:
    """Return a sort key: online first, then by name; static/js/presence/presence.js sorts the same."""
    return not member.is_online, member.member.name_key, member.user_id
