"""Keyset pagination: `cursor` names the row before or after the page.

So no row is shown twice or left out if rows are added or deleted between two pages, and the last page costs as much as
the first one.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from chats.api.input.fields import QueryInteger, TextField
from chats.exceptions import Invalid, NotFound
from chats.lib.text import clean_text

PAGE_SIZE = 50
PAGE_SIZE_MAX = 100  # docs/api.md, "Lists"
CURSOR_MAX_LENGTH = 2_000
_CURSOR_LENGTH = 1_000

Row = TypeVar("Row", bound=Model)


class PageQuery(serializers.Serializer[Any]):
    limit = QueryInteger(required=False, min_value=1, help_text="Rows on a page; more than 100 are cut to 100.")
    cursor = TextField(
        longest=CURSOR_MAX_LENGTH, required_text=False, required=False, help_text="Taken from `next` or `previous`."
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Key:
    """A column to order by: its path as in `order_by`, and the function that reads its text in a cursor."""

    path: str
    read: Callable[[str], object]

    @property
    def column(self) -> str:
        """The path without its direction."""
        return self.path.removeprefix("-")

    def value_of(self, row: Model) -> str:
        """Return the row's value as the text that `read` takes."""
        value: Any = row
        for name in self.column.split("__"):
            value = getattr(value, name)
        return value.isoformat() if isinstance(value, datetime) else str(value)


def by_text(path: str) -> Key:
    """Order by a text column."""
    return Key(path, lambda text: clean_text(text, field="cursor", max_length=_CURSOR_LENGTH, required=False))


def by_id(path: str) -> Key:
    """Order by a UUID column."""
    return Key(path, UUID)


def by_time(path: str) -> Key:
    """Order by a time column."""
    return Key(path, datetime.fromisoformat)


@dataclasses.dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows of a list in its order, and the cursors of the pages beside it."""

    rows: Sequence[Row]
    next: str | None
    previous: str | None

    def payload(self, request: Request, results: Sequence[object]) -> dict[str, object]:
        """Return the page's JSON with these `results`, made of its rows."""
        here = request.build_absolute_uri()
        return {
            "results": list(results),
            "next": None if self.next is None else replace_query_param(here, "cursor", self.next),
            "previous": None if self.previous is None else replace_query_param(here, "cursor", self.previous),
        }


def load_page(rows: QuerySet[Row], keys: Sequence[Key], *, limit: int | None, cursor: str | None) -> Page[Row]:
    """Return up to `limit` rows in the order of `keys`, whose values together must be unique.

    Raises NotFound if the cursor is not one of this list.
    """
    limit = PAGE_SIZE if limit is None else min(limit, PAGE_SIZE_MAX)
    backwards, values = (False, None) if cursor is None else _read_cursor(cursor, keys)
    if values is not None:
        rows = rows.filter(_beyond(keys, values, backwards=backwards))
    ordered = rows.order_by(*(key.path for key in keys))
    found = list((ordered.reverse() if backwards else ordered)[: limit + 1])
    more, found = len(found) > limit, found[:limit]
    if backwards:
        found.reverse()
    if not found:
        return Page([], None, None)
    # Before a cursor there is at least the row that it was made of.
    after = _make_cursor("n", keys, found[-1]) if more or backwards else None
    before = _make_cursor("p", keys, found[0]) if (more if backwards else values is not None) else None
    return Page(found, after, before)


def _beyond(keys: Sequence[Key], values: Sequence[object], *, backwards: bool) -> Q:
    """Return the condition for rows after (or before) `values`: (a > x) or (a = x and b > y)."""
    condition, equal = Q(), Q()
    for key, value in zip(keys, values, strict=True):
        operator = "lt" if key.path.startswith("-") != backwards else "gt"
        condition |= equal & Q(**{f"{key.column}__{operator}": value})
        equal &= Q(**{key.column: value})
    return condition


def _make_cursor(direction: str, keys: Sequence[Key], row: Model) -> str:
    text = json.dumps([direction, *(key.value_of(row) for key in keys)], ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _read_cursor(cursor: str, keys: Sequence[Key]) -> tuple[bool, list[object]]:
    try:
        direction, *texts = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii") + b"=="))
        if direction not in ("n", "p") or not all(isinstance(text, str) for text in texts):
            raise ValueError
        return direction == "p", [key.read(text) for key, text in zip(keys, texts, strict=True)]
    except (ValueError, TypeError, RecursionError, binascii.Error, Invalid):
        raise NotFound(_("There is no such page: take cursors from next and previous.")) from None
