"""What is stored to find messages by."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from chats.search.fields import TokensField

WORDS_TABLE = "chats_searchwords"  # made by a migration, on SQLite only


class SearchEntry(models.Model):
    """The tokens of one message that is not deleted, as it was at its `revision`.

    With SQLite triggers keep the FTS5 table WORDS_TABLE like this one, and `number` is its rowid: it rises with
    the time of the message, so that hits are read newest first. Whoever makes this table anew makes the triggers anew.
    """

    number = models.BigAutoField(primary_key=True)
    # The database deletes an entry with its message by itself, because earlier versions do not know of it.
    message = models.OneToOneField("chats.Message", on_delete=models.CASCADE, related_name="+", db_constraint=False)
    revision = models.PositiveBigIntegerField()
    tokens = TokensField()

    class Meta:
        app_label = "chats"
        default_permissions: ClassVar = ()

    def __str__(self) -> str:
        return f"entry of {self.message_id}"


class SearchProgress(models.Model):
    """How far back messages from before there were entries have been looked at. One row, with the key 1."""

    before = models.UUIDField(null=True)  # those with smaller ids are still to be looked at; null: all
    is_done = models.BooleanField(default=False, db_default=False)

    class Meta:
        app_label = "chats"
        default_permissions: ClassVar = ()

    def __str__(self) -> str:
        return "done" if self.is_done else f"before {self.before}"
