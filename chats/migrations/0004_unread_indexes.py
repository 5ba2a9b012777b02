"""Indexes that unread counts are read from: of deleted messages, and of those that still stand."""

from typing import ClassVar

from django.db import migrations, models
from django.db.models import Q

from chats.lib.migration_operations import AddIndexBesideWrites


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL builds no index CONCURRENTLY within a transaction

    dependencies: ClassVar = [("chats", "0003_deleted_at")]

    operations: ClassVar = [
        AddIndexBesideWrites(
            "message",
            models.Index(fields=["chat", "seq"], condition=Q(deleted_at__isnull=False), name="message_deleted"),
        ),
        AddIndexBesideWrites(
            "message",
            models.Index(fields=["chat", "seq"], condition=Q(deleted_at__isnull=True), name="message_standing"),
        ),
    ]
