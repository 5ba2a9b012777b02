"""Index entries, written and deleted in the transaction of their message."""

from __future__ import annotations

from uuid import UUID

from django.db import connection

from chats.lib.ids import number_of
from chats.lib.sql import execute, with_tables
from chats.models import Message, SearchEntry
from chats.search.tokens import chat_token, workspace_token

_STORE_ON_POSTGRESQL = with_tables(
    """
    INSERT INTO {entries} (message_id, revision, tokens) VALUES (%s, %s, array_to_tsvector(%s::text[]))
    ON CONFLICT (message_id) DO UPDATE SET revision = EXCLUDED.revision, tokens = EXCLUDED.tokens
""",
    entries=SearchEntry,
)
# Two messages of one moment get two numbers: a later one the next higher, an earlier one the next lower.
_STORE_ON_SQLITE = with_tables(
    """
    WITH RECURSIVE free (number) AS (
        SELECT %s UNION ALL
        SELECT number + %s FROM free WHERE EXISTS (SELECT 1 FROM {entries} AS e WHERE e.number = free.number)
    )
    INSERT INTO {entries} (number, message_id, revision, tokens)
    SELECT number, %s, %s, %s FROM free
    WHERE NOT EXISTS (SELECT 1 FROM {entries} AS e WHERE e.number = free.number)
    ON CONFLICT (message_id) DO UPDATE SET revision = excluded.revision, tokens = excluded.tokens
""",
    entries=SearchEntry,
)


def store_entry(message: Message, workspace_id: UUID, tokens: list[str], *, is_latest: bool = True) -> None:
    """Store `tokens` as the entry of `message`, in the transaction that stores the message.

    `is_latest` is False if later messages may have entries already.
    """
    tokens = [*tokens, chat_token(message.chat_id), workspace_token(workspace_id)]
    if connection.vendor == "postgresql":
        execute(_STORE_ON_POSTGRESQL, message.pk, message.revision, tokens)
    else:
        step = 1 if is_latest else -1
        execute(_STORE_ON_SQLITE, number_of(message.pk), step, message.pk, message.revision, " ".join(tokens))


def drop_entry(message: Message) -> None:
    """Delete the entry of `message`."""
    SearchEntry.objects.filter(message_id=message.pk).delete()
