"""Columns, choices and managers that several models share."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from chats.markdown.html import MAX_HTML_BYTES
from chats.search.fields import KeyedQuerySet

SHOWN_HTML_BYTES = 2 * MAX_HTML_BYTES  # earlier versions rendered some messages a little larger


class Role(models.TextChoices):
    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Admin")
    MEMBER = "member", _("Member")


class HtmlField(models.TextField):  # type: ignore[type-arg]  # the types of what is set and got are the base's
    """Rendered HTML; read as the empty text if it is longer than SHOWN_HTML_BYTES.

    Earlier versions stored up to 70 MB in a row. `manage.py render_messages` renders such rows again.
    """

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        """Return the expression to select instead of the column."""
        length = "OCTET_LENGTH({})" if compiler.connection.vendor == "postgresql" else "LENGTH(CAST({} AS BLOB))"
        return f"CASE WHEN {length.format(sql)} <= {SHOWN_HTML_BYTES} THEN {sql} ELSE '' END", [*params, *params]

    def deconstruct(self) -> Any:
        """Describe the column to migrations as a TextField."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs


Row = TypeVar("Row", bound=models.Model)


class LiveManager(models.Manager[Row]):
    """Leaves out rows that are deleted but not purged yet; services/deletion.py finds those with `with_deleted`."""

    def get_queryset(self) -> KeyedQuerySet[Row]:
        """Return the rows that are not deleted."""
        return KeyedQuerySet(self.model, using=self._db).filter(deleted_at__isnull=True)
