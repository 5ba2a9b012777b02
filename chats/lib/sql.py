"""SQL written by hand, for both databases, where the ORM would cost more than the statement itself.

Django's ORM takes 0.2 to 0.5 ms to build a statement that the database answers in 0.02 ms. Only statements of every
post and every new connection are written by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.utils import CursorWrapper
from django.db.models import Model

Row = TypeVar("Row", bound=Model)


def run(statement: str, *values: object) -> Sequence[Any] | None:
    """Run a statement that gives at most one row, and return it."""
    rows = run_all(statement, *values)
    return rows[0] if rows else None


def run_all(statement: str, *values: object) -> list[Sequence[Any]]:
    """Run a statement that gives rows, and return them."""
    with _executed(statement, values) as cursor:
        rows: list[Sequence[Any]] = cursor.fetchall()  # to the end: SQLite has not finished a statement before
    return rows


def with_tables(statement: str, **tables: type[Model] | str) -> str:
    """Return `statement` with each `{keyword}` replaced by that table's name: a model's, or one without a model."""
    return statement.format(
        **{name: table if isinstance(table, str) else table._meta.db_table for name, table in tables.items()}
    )


def execute(statement: str, *values: object) -> None:
    """Run a statement that gives no rows."""
    _executed(statement, values).close()


def _executed(statement: str, values: Sequence[Any]) -> CursorWrapper:
    database = connections[DEFAULT_DB_ALIAS]  # `connection` would look this thread's up for each attribute
    cursor = database.cursor()
    is_sqlite = not database.features.has_native_uuid_field
    cursor.execute(statement, [_as_text(value) for value in values] if is_sqlite else values)
    return cursor


def load(model: type[Row], names: list[str], row: Sequence[Any]) -> Row:
    """Return a row of which only the columns `names`, in the model's order, were read."""
    values: list[Any] = list(row)
    if not connection.features.has_native_uuid_field:
        for index, name in enumerate(names):
            if name.endswith("id"):
                values[index] = UUID(values[index])
    return model.from_db(connection.alias, names, values)


def _as_text(value: object) -> Any:
    """Return a value as SQLite takes it, which keeps ids and times as text."""
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return value
