"""The search index of messages."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from chats.search.fields import TokensField

WORDS_TABLE = "chats_searchwords"  # made by a migration, on SQLite only


class SearchEntry(models.Model):
    """The tokens of one message that is not deleted, as it was at its `revision`.

    With SQLite, triggers keep the FTS5 table WORDS_TABLE like this one, and `number` is its rowid: it rises with the
    time of the message, so that hits are read newest first. A migration that makes this table again must make the
    triggers again.
    """

    number = models.BigAutoField(primary_key=True)
    # The database deletes an entry with its message, because earlier versions do not know this table.
    message = models.OneToOneField("chats.Message", on_delete=models.CASCADE, related_name="+", db_constraint=False)
    revision = models.PositiveBigIntegerField()
    tokens = TokensField()

    class Meta:
        app_label = "chats"
        default_permissions: ClassVar = ()

    def __str__(self) -> str:
        return f"entry of {self.message_id}"


class SearchProgress(models.Model):
    """How far the backfill of entries has come. One row, with the key 1."""

    before = models.UUIDField(null=True)  # messages with smaller ids are not indexed yet; null: none are
    is_done = models.BooleanField(default=False, db_default=False)

    class Meta:
        app_label = "chats"
        default_permissions: ClassVar = ()

    def __str__(self) -> str:
        return "done" if self.is_done else f"before {self.before}"
