"""Notifications."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chats.lib.ids import new_id
from chats.markdown.plain_text import excerpt


class Notification(models.Model):
    """An entry in a user's list of notifications."""

    class Kind(models.TextChoices):
        MENTION = "mention", _("Mention")
        REPLY = "reply", _("Reply")
        ADDED = "added", _("Added to a chat")
        INVITED = "invited", _("Invited to a workspace")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    # Null for an invitation, which has no chat; the invitation refers to its notification.
    chat = models.ForeignKey("chats.Chat", null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    message = models.ForeignKey("chats.Message", null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    read_at = models.DateTimeField(_("read at"), null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "message", "kind"], name="notification_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "-created_at"], name="notification_by_user"),
            models.Index(fields=["user"], condition=Q(read_at__isnull=True), name="notification_unread"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.user}"

    @property
    def excerpt(self) -> str:
        """The excerpt of the message, if there is one, or of its annotated `beginning` if only that was read."""
        if self.message is None:
            return ""
        beginning: str | None = getattr(self, "beginning", None)
        return self.message.excerpt if beginning is None else excerpt(beginning)
