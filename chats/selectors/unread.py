"""How many messages of a chat a member has not read, without deleted ones; exact up to UNREAD_MAX.

Everybody's counts are asked for again after each post, at most once a second, so a count costs the same however long
the chat is and however much of it is unread. `seq` less `last_read_seq` says how many were posted since. What was
deleted of them is taken from an index that holds only deleted messages, and of which at most _LOOK entries are looked
at. Where as many were deleted, those that stand are counted instead, in an index of these, and no more than UNREAD_MAX.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.models import F, Func, IntegerField, QuerySet

from chats.models import ChatMember, Message

UNREAD_MAX = 999  # means "999 or more"; docs/api.md, "Unread"
_LOOK = 1_000  # deleted messages

# `first` is the first message after what was read that has not been removed from the database. The orders,
# and the upper bounds, which exclude nothing, tell PostgreSQL's planner that it is a short stretch of the index: else
# it expects a third of the chat, reads all of it, and compiles the statement first, which takes 150 ms.
_COUNT = """
    CASE WHEN {seq} <= {read} THEN 0 ELSE (
        SELECT CASE
            WHEN first.seq IS NULL THEN 0
            WHEN deleted.number >= {look} THEN (
                SELECT COUNT(*) FROM (
                    SELECT 1 FROM {messages} AS one
                    WHERE one.chat_id = {chat} AND one.seq > {read} AND one.seq <= {seq} AND one.deleted_at IS NULL
                    ORDER BY one.seq LIMIT {most}
                ) AS standing
            )
            WHEN {seq} - first.seq + 1 - deleted.number > {most} THEN {most}
            WHEN {seq} - first.seq + 1 - deleted.number < 0 THEN 0
            ELSE {seq} - first.seq + 1 - deleted.number
        END
        FROM (
            SELECT COUNT(*) AS number FROM (
                SELECT 1 FROM {messages} AS one
                WHERE one.chat_id = {chat} AND one.seq > {read} AND one.seq <= {seq} AND one.deleted_at IS NOT NULL
                ORDER BY one.seq LIMIT {look}
            ) AS looked_at
        ) AS deleted, (
            SELECT MIN(one.seq) AS seq FROM {messages} AS one
            WHERE one.chat_id = {chat} AND one.seq > {read} AND one.seq <= {seq}
        ) AS first
    ) END
"""


class UnreadCount(Func):
    """The unread count of a chat (its id) whose last message is `seq`, for a member who has read up to `read`."""

    output_field = IntegerField()

    def __init__(self, chat: str = "chat_id", seq: str = "chat__seq", read: str = "last_read_seq") -> None:
        super().__init__(F(chat), F(seq), F(read))

    def as_sql(
        self,
        compiler: Any,
        connection: Any,
        function: str | None = None,
        template: str | None = None,
        arg_joiner: str | None = None,
        **extra_context: Any,
    ) -> Any:
        """Return the SQL; the three expressions are columns and have no parameters."""
        chat, seq, read = (compiler.compile(column)[0] for column in self.source_expressions)
        return _COUNT.format(
            messages=Message._meta.db_table, chat=chat, seq=seq, read=read, look=_LOOK, most=UNREAD_MAX
        ), []


def with_unread_counts(memberships: QuerySet[ChatMember]) -> QuerySet[ChatMember]:
    """Annotate the memberships with their counts, which `unread_count` then returns without a query."""
    return memberships.annotate(counted_unread=UnreadCount())


def unread_count(membership: ChatMember) -> int:
    """Return the count of a membership whose `chat` is loaded; a query unless all is read or the count is annotated."""
    if membership.chat.seq <= membership.last_read_seq:
        return 0
    counted: int | None = getattr(membership, "counted_unread", None)
    if counted is None:
        rows = ChatMember.objects.filter(pk=membership.pk).order_by().values_list(UnreadCount(), flat=True)
        counted = rows.first() or 0
    return counted


@dataclasses.dataclass(frozen=True, slots=True)
class FirstUnread:
    """Where the unread messages of a chat begin, and since when they wait."""

    seq: int
    created_at: datetime.datetime


def find_first_unread(membership: ChatMember) -> FirstUnread | None:
    """Return the first message of others that a member, whose `chat` is loaded, has not read; one query."""
    rows = Message.objects.filter(chat=membership.chat_id, seq__gt=membership.last_read_seq, deleted_at__isnull=True)
    row = rows.exclude(author=membership.user_id).order_by("seq").values_list("seq", "created_at").first()
    return None if row is None else FirstUnread(*row)


@dataclasses.dataclass(frozen=True, slots=True)
class UnreadState:
    """How much of one chat one user has not read."""

    user_id: UUID
    chat_id: UUID
    last_read_seq: int
    unread_count: int
    mention_count: int


def unread_counts(chat_ids: Collection[UUID], user_ids: Collection[UUID]) -> list[UnreadState]:
    """Return the counts of these users in these chats, where they are members."""
    rows = ChatMember.objects.filter(chat_id__in=chat_ids, user_id__in=user_ids)
    return [
        UnreadState(*row)
        for row in rows.order_by().values_list("user_id", "chat_id", "last_read_seq", UnreadCount(), "mention_count")
    ]
