"""Messages, and who is mentioned in them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chats.lib.ids import new_id
from chats.markdown.html import as_text
from chats.markdown.plain_text import excerpt
from chats.models.fields import HtmlField

BODY_MAX_LENGTH = 10_000  # characters; docs/api.md, "Messages"


class Message(models.Model):
    """A message. Deleting it empties the body; its `seq` stays."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    chat = models.ForeignKey("chats.Chat", on_delete=models.CASCADE, related_name="messages")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="messages")
    seq = models.PositiveBigIntegerField(editable=False)
    revision = models.PositiveBigIntegerField(editable=False)  # of its last change
    posted_revision = models.PositiveBigIntegerField(editable=False)  # of its post
    client_id = models.UUIDField(editable=False)  # the author's idempotency key
    reply_to = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="replies")
    body = models.TextField(_("body"), max_length=BODY_MAX_LENGTH, blank=True)
    html = HtmlField(blank=True, editable=False)  # `body` rendered by chats/markdown/html.py; see shown_html
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    edited_at = models.DateTimeField(_("edited at"), null=True, blank=True, editable=False)
    deleted_at = models.DateTimeField(_("deleted at"), null=True, blank=True, editable=False)

    # Of those whom it mentions outside of quotes, in order; None until it is found (selectors/mentions.py). No column.
    mention_ids: Sequence[UUID] | None = None

    class Meta:
        ordering: ClassVar = ["chat", "seq"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["chat", "seq"], name="message_seq_once"),
            models.UniqueConstraint(fields=["chat", "revision"], name="message_revision_once"),
            models.UniqueConstraint(fields=["chat", "author", "client_id"], name="message_client_id_once"),
            models.CheckConstraint(
                condition=Q(seq__gte=1) & Q(posted_revision__gte=F("seq")) & Q(revision__gte=F("posted_revision")),
                name="message_counters_in_order",
            ),
            models.CheckConstraint(
                condition=(Q(deleted_at__isnull=True) & ~Q(body="")) | (Q(deleted_at__isnull=False) & Q(body="")),
                name="message_has_body_unless_deleted",
            ),
        ]
        # For unread counts (chats/selectors/unread.py).
        indexes: ClassVar = [
            models.Index(fields=["chat", "seq"], condition=Q(deleted_at__isnull=False), name="message_deleted"),
            models.Index(fields=["chat", "seq"], condition=Q(deleted_at__isnull=True), name="message_standing"),
        ]

    def __str__(self) -> str:
        return f"#{self.seq}"  # without its text, because the admin's log keeps this of direct messages too

    @property
    def shown_html(self) -> str:
        """The HTML to show: `html`, or the body as text if `html` is too large to be read."""
        return self.html or (as_text(self.body) if self.body else "")

    @functools.cached_property
    def excerpt(self) -> str:
        """The excerpt of the body, or of the annotated `beginning` if only that was read."""
        beginning: str | None = getattr(self, "beginning", None)
        return excerpt(self.body if beginning is None else beginning)


class Mention(models.Model):
    """A member mentioned by `@username` in a message."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="mentions")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mentions")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["message", "user"], name="mention_once")]

    def __str__(self) -> str:
        return f"@{self.user} in {self.message}"
