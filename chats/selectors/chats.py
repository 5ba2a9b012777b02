"""Chats, and the people in them. Whatever is fetched for somebody is fetched through their membership."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, Q, QuerySet

from chats.models import (
    Chat,
    ChatKind,
    ChatMember,
    Message,
)
from chats.search.names import has_words
from chats.selectors.unread import with_unread_counts

if TYPE_CHECKING:
    from flowra.accounts.models import User


def list_chats(
    user: User, *, workspace_id: UUID | None = None, kind: str | None = None, and_hidden: UUID | None = None
) -> QuerySet[ChatMember]:
    """Return `user`'s memberships of chats, oldest chat first, with `chat` loaded; see `peers_of`.

    Without the direct chats that they have hidden, except the one named by `and_hidden`.
    """
    return _memberships(user, workspace_id=workspace_id, kind=kind).filter(
        Q(hidden_at__isnull=True) if and_hidden is None else Q(hidden_at__isnull=True) | Q(chat_id=and_hidden)
    )


def _memberships(user: User, *, workspace_id: UUID | None, kind: str | None = None) -> QuerySet[ChatMember]:
    rows = with_unread_counts(ChatMember.objects.filter(user_id=user.pk).select_related("chat"))
    if workspace_id is not None:
        rows = rows.filter(chat__workspace_id=workspace_id)
    if kind is not None:
        rows = rows.filter(chat__kind=kind)
    return rows.order_by("chat_id")


def peers_of(memberships: Iterable[ChatMember]) -> Mapping[UUID, User]:
    """Return, by chat id, the other person of each direct chat among `memberships`, in one query."""
    wanted: dict[UUID, UUID] = {}
    for membership in memberships:
        if membership.chat.kind == ChatKind.DIRECT and membership.chat.direct_key:
            first, second = (UUID(part) for part in membership.chat.direct_key.split(":"))
            wanted[membership.chat_id] = second if first == membership.user_id else first
    if not wanted:
        return {}
    people = get_user_model().objects.in_bulk(set(wanted.values()))
    return {chat_id: people[user_id] for chat_id, user_id in wanted.items() if user_id in people}


def list_members(chat: Chat, search: str = "") -> QuerySet[ChatMember]:
    """Return the chat's members, or those whose name has the words of `search`, by name, with `user` loaded."""
    members = chat.memberships.select_related("user").order_by("user__name_key", "user_id")
    if not search:
        return members
    named = has_words(search, "user__name_key", "user__username")
    return members.none() if named is None else members.filter(named)


def list_authors(chat: Chat, user_ids: Collection[UUID]) -> QuerySet[User]:
    """Return those of `user_ids` who have posted in the chat, members or not."""
    wrote = Message.objects.filter(chat=chat, author=OuterRef("pk"))
    return get_user_model().objects.order_by().filter(Exists(wrote), pk__in=user_ids)


def members_among(chat_id: UUID, user_ids: Collection[UUID]) -> set[UUID]:
    """Return those of `user_ids` who are members of the chat."""
    return set(ChatMember.objects.filter(chat_id=chat_id, user_id__in=user_ids).values_list("user_id", flat=True))


def chat_versions(chat_ids: Collection[UUID]) -> dict[UUID, tuple[int, int]]:
    """Return (revision, access_version) of each of the chats that still exist."""
    rows = Chat.objects.filter(pk__in=chat_ids).values_list("pk", "revision", "access_version")
    return {chat_id: (revision, access_version) for chat_id, revision, access_version in rows}


def search_chats(user: User, query: str, *, workspace_id: UUID | None = None) -> QuerySet[ChatMember]:
    """Return `user`'s memberships of the chats whose title, or whose other person's name, has all words of `query`."""
    rows = _memberships(user, workspace_id=workspace_id)
    titled, named = has_words(query, "chat__title_key"), has_words(query, "user__name_key", "user__username")
    if titled is None or named is None:
        return rows.none()
    peer = ChatMember.objects.filter(named).exclude(user_id=user.pk).values("chat_id")
    return rows.filter(titled | Q(chat__kind=ChatKind.DIRECT, chat_id__in=peer))
