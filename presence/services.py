"""Writes: when people were last seen."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection

from presence.models import LastSeen

USERS_PER_STATEMENT = 500  # two parameters each
_ATTEMPTS = 3

# One statement, on SQLite and PostgreSQL. In the order of the keys, so that two processes that store the same users
# wait for each other instead of one of them for ever. Joined with the users, so that the others are stored where one
# is gone. (SQLite needs the WHERE to tell the conflict clause from a join's.)
_STORE = """
WITH seen (user_id, at) AS (VALUES {rows})
INSERT INTO {table} AS stored (user_id, at)
SELECT seen.user_id, seen.at FROM seen, {users} WHERE {users}.id = seen.user_id ORDER BY seen.user_id
ON CONFLICT (user_id) DO UPDATE SET at = excluded.at WHERE stored.at < excluded.at
"""


def store_last_seen(seen: Mapping[UUID, datetime.datetime]) -> None:
    """Store when these users were last seen; a later moment that is stored already stays.

    May be repeated. Users that are gone are left out. One query for each 500.
    """
    rows = sorted(seen.items(), key=lambda row: row[0].bytes)
    for start in range(0, len(rows), USERS_PER_STATEMENT):
        _store(rows[start : start + USERS_PER_STATEMENT])


def _store(rows: Sequence[tuple[UUID, datetime.datetime]]) -> None:
    user_id, at = LastSeen._meta.get_field("user"), LastSeen._meta.get_field("at")
    parameters = [
        value
        for row in rows
        for value in (user_id.get_db_prep_value(row[0], connection), at.get_db_prep_value(row[1], connection))
    ]
    statement = _STORE.format(
        rows=", ".join(["(%s, %s)"] * len(rows)),
        table=connection.ops.quote_name(LastSeen._meta.db_table),
        users=connection.ops.quote_name(get_user_model()._meta.db_table),
    )
    for left in reversed(range(_ATTEMPTS)):
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters)
            return
        except IntegrityError:
            # Somebody was deleted after the statement had found them; looked for once more, they are gone.
            if not left:
                raise
