"""Columns for searching and sorting."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from django.db import models

from chats.search.folding import name_key

Row = TypeVar("Row", bound=models.Model)

KEY_LENGTH = 400  # characters; folding can lengthen a name, but no real one to more


class TokensField(models.Field):  # type: ignore[type-arg]  # set as a list of tokens, and never read
    """Tokens of a text: `tsvector` on PostgreSQL, with spaces between them on SQLite, where FTS5 splits them again."""

    def db_type(self, connection: Any) -> str:
        """Return the column's type."""
        return "tsvector" if connection.vendor == "postgresql" else "text"


class NameKeyField(models.CharField):  # type: ignore[type-arg]  # the types of what is set and got are the base's
    """The folded form of another field of the row, by which it is found and sorted; computed at each save.

    Sorted by code points on both databases, as in the page's scripts.
    """

    def __init__(self, of: str, **kwargs: Any) -> None:
        """Take the name of the field that it is made of."""
        self.of = of
        super().__init__(
            **{"max_length": KEY_LENGTH, "default": "", "db_default": "", "editable": False, "blank": True, **kwargs}
        )

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        """Set and return the key of the field's present value."""
        key = key_of(getattr(model_instance, self.of))
        setattr(model_instance, self.attname, key)
        return key

    def db_parameters(self, connection: Any) -> Any:
        """Return type and collation of the column."""
        parameters = super().db_parameters(connection)
        return {**parameters, "collation": "C"} if connection.vendor == "postgresql" else parameters

    def deconstruct(self) -> Any:
        """Describe the field to migrations, with `of`."""
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "of": self.of}


def key_of(name: str) -> str:
    """Return the key of `name`; empty only for an empty name, so that rows without a key can be found."""
    return name_key(name)[:KEY_LENGTH] or name[:1]


def _key_fields(model: type[models.Model], names: Iterable[str]) -> list[NameKeyField]:
    """Return the key fields of those of the fields `names` that have one."""
    wanted = set(names)
    fields = model._meta.concrete_fields
    return [field for field in fields if isinstance(field, NameKeyField) and field.of in wanted]


class KeyedQuerySet(models.QuerySet[Row]):
    """Updates keys when rows are changed without `save`."""

    def update(self, **values: Any) -> int:
        """Update, with the key of each name that is set."""
        for field in _key_fields(self.model, values):
            if isinstance(values[field.of], str):
                values[field.name] = key_of(values[field.of])
        return super().update(**values)

    def bulk_update(self, objs: Iterable[Row], fields: Iterable[str], batch_size: int | None = None) -> int:
        """Update, with the key of each name that is set."""
        objs, names = tuple(objs), list(fields)
        for field in _key_fields(self.model, names):
            names.append(field.name)
            for one in objs:
                field.pre_save(one, add=False)
        return super().bulk_update(objs, names, batch_size)


class KeyedModel(models.Model):
    """A row with a name and its key."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; a name among `update_fields` brings its key."""
        names = kwargs.get("update_fields")
        if names is not None:
            kwargs["update_fields"] = {*names, *(field.name for field in _key_fields(type(self), names))}
        super().save(*args, **kwargs)
