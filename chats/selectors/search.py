"""Search for messages: hits of the index, joined with the live messages of the reader's chats.

With SQLite, FTS5 gives hits newest first and stops when there are enough. A GIN index gives all of them in no order, so
with PostgreSQL the newest messages are searched first, then more: a common word is found among the first ones, and a
rare one has few hits. A query that still takes long ends at FLOWRA_STATEMENT_TIMEOUT.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Left

from chats.lib.sql import run_all, with_tables
from chats.markdown.plain_text import plain_text
from chats.models import WORDS_TABLE, ChatMember, Message, SearchEntry, SearchProgress
from chats.search.folding import fold
from chats.search.tokens import TokenQuery, chat_token, parse_query, workspace_token

if TYPE_CHECKING:
    from flowra.accounts.models import User

MOST_HITS = 20
_CHATS_NAMED = 100  # in a query; members of more search by workspace, and the join leaves out the other chats
_CHECKED_AT_ONCE, _CHECKS = 50, 10  # hits whose text is checked at once, and how often
_UNINDEXED, _UNINDEXED_LENGTH = 500, 2_000  # messages without an entry that are searched, and characters of each
_WINDOWS = (5_000, 50_000)  # sizes of the parts that are searched before all other messages

_HITS_ON_POSTGRESQL = with_tables(
    """
    WITH hits AS MATERIALIZED (
        SELECT message_id FROM {entries}
        WHERE tokens @@ %s::tsquery AND message_id < %s AND message_id >= %s
    )
    SELECT hits.message_id FROM hits
    JOIN {messages} AS message ON message.id = hits.message_id AND message.deleted_at IS NULL
    JOIN {members} AS mine ON mine.chat_id = message.chat_id AND mine.user_id = %s
    ORDER BY hits.message_id DESC LIMIT %s
""",
    entries=SearchEntry,
    members=ChatMember,
    messages=Message,
)
_WINDOW = with_tables(
    "SELECT message_id FROM {entries} WHERE message_id < %s ORDER BY message_id DESC OFFSET %s LIMIT 1",
    entries=SearchEntry,
)
# CROSS JOIN makes SQLite read the full-text table first, in its order.
_HITS_ON_SQLITE = with_tables(
    """
    SELECT entry.message_id FROM {words} AS words
    CROSS JOIN {entries} AS entry ON entry.number = words.rowid
    CROSS JOIN {messages} AS message ON message.id = entry.message_id AND message.deleted_at IS NULL
    CROSS JOIN {members} AS mine ON mine.chat_id = message.chat_id AND mine.user_id = %s
    WHERE {words} MATCH %s
    AND words.rowid < COALESCE((SELECT number FROM {entries} WHERE message_id = %s), 9223372036854775807)
    ORDER BY words.rowid DESC LIMIT %s
""",
    words=WORDS_TABLE,
    entries=SearchEntry,
    members=ChatMember,
    messages=Message,
)
_LAST, _FIRST = UUID(int=2**128 - 1), UUID(int=0)


def search_messages(
    user: User, query: str, *, workspace_id: UUID | None = None, limit: int = MOST_HITS
) -> QuerySet[Message]:
    """Return up to `limit` messages that have all words of `query`, each by its beginning, in chats that `user` is in.

    The newest ones, newest first, with author and chat. Empty if `query` has no word.
    """
    token_query = parse_query(query)
    scope = _scope(user, workspace_id) if token_query.terms else ()
    ids = _find(user, token_query, scope, limit) if scope else []
    if scope and len(ids) < limit:
        ids += _among_unindexed(user, token_query, workspace_id)
        ids = sorted(ids, reverse=True)[:limit]
    return Message.objects.filter(pk__in=ids, deleted_at__isnull=True).select_related("author", "chat").order_by("-id")


def _scope(user: User, workspace_id: UUID | None) -> Sequence[str]:
    """Return tokens of which every message that `user` may see has at least one."""
    rows = ChatMember.objects.filter(user_id=user.pk).order_by()
    if workspace_id is not None:
        rows = rows.filter(chat__workspace_id=workspace_id)
    chats = list(rows.values_list("chat_id", flat=True)[: _CHATS_NAMED + 1])
    if len(chats) <= _CHATS_NAMED:
        return [chat_token(chat_id) for chat_id in chats]
    return [workspace_token(each) for each in rows.values_list("chat__workspace_id", flat=True).distinct()]


def _find(user: User, token_query: TokenQuery, scope: Sequence[str], limit: int) -> list[UUID]:
    if not token_query.parts:
        return _next_hits(user, token_query, scope, _LAST, limit)
    found: list[UUID] = []
    before = _LAST
    for _ in range(_CHECKS):
        hits = _next_hits(user, token_query, scope, before, _CHECKED_AT_ONCE)
        found += _with_parts(hits, token_query.parts)
        if len(found) >= limit or len(hits) < _CHECKED_AT_ONCE:
            break
        before = hits[-1]
    return found[:limit]


def _among_unindexed(user: User, token_query: TokenQuery, workspace_id: UUID | None) -> list[UUID]:
    """Return the matches among the newest messages without an entry, as after an update; only their beginnings count.

    No message is read once the backfill is done.
    """
    all_have_one = SearchProgress.objects.filter(is_done=True)
    has_entry = SearchEntry.objects.filter(message_id=OuterRef("pk"))
    rows = Message.objects.filter(~Exists(has_entry), chat__memberships__user_id=user.pk, deleted_at__isnull=True)
    if workspace_id is not None:
        rows = rows.filter(chat__workspace_id=workspace_id)
    rows = rows.filter(~Exists(all_have_one))
    texts = rows.order_by("-pk").values_list("pk", Left("body", _UNINDEXED_LENGTH))[:_UNINDEXED]
    return [message_id for message_id, text in texts if token_query.is_met_by(text)]


def _with_parts(hits: Sequence[UUID], parts: Sequence[str]) -> list[UUID]:
    """Return those of `hits` whose text contains all `parts`."""
    bodies = dict(Message.objects.filter(pk__in=hits).order_by().values_list("pk", "body"))
    texts = {message_id: fold(plain_text(body)) for message_id, body in bodies.items()}
    return [hit for hit in hits if hit in texts and all(part in texts[hit] for part in parts)]


def _next_hits(user: User, token_query: TokenQuery, scope: Sequence[str], before: UUID, limit: int) -> list[UUID]:
    """Return the ids of the newest messages with smaller ids than `before` that match, newest first."""
    if connection.vendor != "postgresql":
        rows = run_all(_HITS_ON_SQLITE, user.pk, _for_sqlite(token_query, scope), before, limit)
        return [UUID(message_id) for (message_id,) in rows]
    hits: list[UUID] = []
    for first in _windows(before):
        wanted = limit - len(hits)
        rows = run_all(_HITS_ON_POSTGRESQL, _for_postgresql(token_query, scope), before, first, user.pk, wanted)
        hits += [message_id for (message_id,) in rows]
        if len(hits) == limit:
            break
        before = first
    return hits


def _windows(before: UUID) -> Iterator[UUID]:
    """Yield the first id of each part of the messages before `before`, the newest and smallest part first."""
    for size in _WINDOWS:
        row = run_all(_WINDOW, before, size)
        if not row:
            break
        ((before,),) = row
        yield before
    yield _FIRST


def _for_sqlite(token_query: TokenQuery, scope: Sequence[str]) -> str:
    """Return the query in FTS5's syntax; tokens have no quotes."""
    words = [f'"{term.text}"{" *" if term.is_beginning else ""}' for term in token_query.terms]
    return " AND ".join([*words, "(" + " OR ".join(f'"{token}"' for token in scope) + ")"])


def _for_postgresql(token_query: TokenQuery, scope: Sequence[str]) -> str:
    """Return the query as a tsquery; tokens have neither quotes nor backslashes."""
    words = [f"'{term.text}'{':*' if term.is_beginning else ''}" for term in token_query.terms]
    return " & ".join([*words, "(" + " | ".join(f"'{token}'" for token in scope) + ")"])
