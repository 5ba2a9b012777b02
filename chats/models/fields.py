"""Columns, choices and managers that several models share."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from chats.markdown.html import MAX_HTML_BYTES
from chats.search.fields import KeyedQuerySet

SHOWN_HTML_BYTES = 2 * MAX_HTML_BYTES  # what was rendered a little larger by an earlier version is shown as it is


class Role(models.TextChoices):
    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Admin")
    MEMBER = "member", _("Member")


class HtmlField(models.TextField):  # type: ignore[type-arg]  # the types of what is set and got are the base's
    """Rendered HTML. What an earlier version made without a bound is not read: it comes as the empty text.

    Such rows stay until `manage.py render_messages` was run, and one of them may have 70 MB.
    """

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        """Return the expression that is read in the place of the column."""
        length = "OCTET_LENGTH({})" if compiler.connection.vendor == "postgresql" else "LENGTH(CAST({} AS BLOB))"
        return f"CASE WHEN {length.format(sql)} <= {SHOWN_HTML_BYTES} THEN {sql} ELSE '' END", [*params, *params]

    def deconstruct(self) -> Any:
        """Be a TextField to migrations."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs


Row = TypeVar("Row", bound=models.Model)


class LiveManager(models.Manager[Row]):
    """Leaves out what was deleted and is not purged yet; only services/deletion.py wants that, `with_deleted`."""

    def get_queryset(self) -> KeyedQuerySet[Row]:
        """Return all rows that are still there for anybody."""
        return KeyedQuerySet(self.model, using=self._db).filter(deleted_at__isnull=True)
