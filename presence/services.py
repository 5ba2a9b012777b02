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

# One statement, for SQLite and PostgreSQL. Rows are in the order of their keys, so that two processes that store the
# same users cannot deadlock. The join leaves out deleted users. SQLite needs the WHERE to parse ON CONFLICT.
_STORE = """
WITH seen (user_id, at) AS (VALUES {rows})
INSERT INTO {table} AS stored (user_id, at)
SELECT seen.user_id, seen.at FROM seen, {users} WHERE {users}.id = seen.user_id ORDER BY seen.user_id
ON CONFLICT (user_id) DO UPDATE SET at = excluded.at WHERE stored.at < excluded.at
"""


def store_last_seen(seen: Mapping[UUID, datetime.datetime]) -> None:
    """Store when these users were last seen, unless a later moment is stored. May be repeated.

    Deleted users are left out. One query for each 500 users.
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
            # A user was deleted while the statement ran; the next attempt leaves them out.
            if not left:
                raise
