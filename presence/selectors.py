"""Reads: who of a chat's members is online. One registry command and a constant number of queries, however large."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Collection, Mapping, Sequence
from typing import TypedDict
from uuid import UUID

from django.conf import settings

from chats.models import Chat, ChatMember
from chats.payloads import optional_time_text
from chats.selectors import list_members
from presence.exceptions import RegistryAway
from presence.models import LastSeen
from presence.registry import State, get_registry


class PresencePayload(TypedDict):
    user_id: str
    display_name: str
    is_online: bool
    last_seen: str | None
    version: int


@dataclasses.dataclass(frozen=True, slots=True)
class MemberPresence:
    """A member and what is known of their presence: `is_online` is None where nobody can say."""

    membership: ChatMember
    is_online: bool | None
    last_seen: datetime.datetime | None  # None while online, and for somebody never seen
    version: int

    @property
    def user_id(self) -> UUID:
        """Whose it is."""
        return self.membership.user_id


@dataclasses.dataclass(frozen=True, slots=True)
class ChatPresence:
    """A chat's members: online ones first, then by name. `is_known` is False while the registry is away."""

    is_enabled: bool
    is_known: bool
    members: Sequence[MemberPresence]

    @property
    def online_count(self) -> int:
        """How many are online."""
        return sum(member.is_online is True for member in self.members)


def read_presence(chat: Chat) -> ChatPresence:
    """Return the presence of the chat's members; raises RegistryAway. The caller has checked who is asking."""
    rows = list(list_members(chat))
    user_ids = [row.user_id for row in rows]
    states = get_registry().snapshot(user_ids)
    # After the registry, and not before: whoever went offline in between has been stored by now, or is in `states`.
    seen = _last_seen(chat)
    members = [_presence_of(row, states[row.user_id], seen.get(row.user_id)) for row in rows]
    members.sort(key=lambda member: (not member.is_online, _sort_name(member), str(member.user_id)))
    return ChatPresence(is_enabled=True, is_known=True, members=members)


def show_presence(chat: Chat) -> ChatPresence:
    """Return the presence of the chat's members for a page: without it where it is switched off or unknown."""
    if settings.FLOWRA_PRESENCE_ENABLED:
        try:
            return read_presence(chat)
        except RegistryAway:
            pass
    rows = [MemberPresence(row, None, None, 0) for row in list_members(chat)]
    rows.sort(key=lambda member: (_sort_name(member), str(member.user_id)))
    return ChatPresence(is_enabled=settings.FLOWRA_PRESENCE_ENABLED, is_known=False, members=rows)


def read_states(chat_id: UUID) -> dict[UUID, State]:
    """Return the state of each of the chat's members, for the process that fans out to it; raises RegistryAway."""
    user_ids = list(ChatMember.objects.filter(chat_id=chat_id).values_list("user_id", flat=True))
    return get_registry().snapshot(user_ids) if user_ids else {}


def presence_payload(member: MemberPresence) -> PresencePayload:
    """Return a member's presence as REST gives it."""
    return {
        "user_id": str(member.user_id),
        "display_name": member.membership.user.get_full_name(),
        "is_online": member.is_online is True,
        "last_seen": optional_time_text(member.last_seen),
        "version": member.version,
    }


def last_seen_of(user_ids: Collection[UUID]) -> Mapping[UUID, datetime.datetime]:
    """Return when these users were last seen, of those who were."""
    return dict(LastSeen.objects.filter(user_id__in=user_ids).values_list("user_id", "at"))


def _last_seen(chat: Chat) -> Mapping[UUID, datetime.datetime]:
    members = ChatMember.objects.filter(chat_id=chat.pk).values("user_id")
    return dict(LastSeen.objects.filter(user_id__in=members).values_list("user_id", "at"))


def _presence_of(row: ChatMember, state: State, stored: datetime.datetime | None) -> MemberPresence:
    last_seen = None
    if not state.is_online:
        # The edge may not have been stored yet; the registry knows of it.
        known = None if state.at is None else datetime.datetime.fromtimestamp(state.at, datetime.UTC)
        last_seen = max((at for at in (stored, known) if at is not None), default=None)
    return MemberPresence(row, state.is_online, last_seen, state.version)


def _sort_name(member: MemberPresence) -> str:
    return member.membership.user.get_full_name().casefold()
