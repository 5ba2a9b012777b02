"""Folded names that are missing or out of date, of rows that an earlier version wrote."""

from __future__ import annotations

from typing import Any

from django.db.models import Model

from chats.search.fields import key_of

BATCH = 500  # rows that are read at once


def fill_keys(model: type[Model], of: str, key: str) -> int:
    """Set the column `key` of all rows to the key of their column `of`; returns how many were changed.

    One statement a row, which changes nothing if the name has changed meanwhile: safe beside running servers.
    """
    rows: Any = model._base_manager.order_by("pk")
    changed, last = 0, None
    while True:
        batch = list((rows if last is None else rows.filter(pk__gt=last)).values_list("pk", of, key)[:BATCH])
        for pk, name, now in batch:
            if now != key_of(name):
                changed += rows.order_by().filter(**{"pk": pk, of: name}).update(**{key: key_of(name)})
        if len(batch) < BATCH:
            return changed
        last = batch[-1][0]
