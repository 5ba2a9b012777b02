"""Notices from the operators, shown on every open page; which limits were met; which database this is."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chats.lib.ids import new_id


class Notice(models.Model):
    """A text for everybody, or for the members of one workspace, who has a page open when it is made."""

    class Level(models.TextChoices):
        INFO = "info", _("Info")
        WARNING = "warning", _("Warning")
        ERROR = "error", _("Error")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    level = models.CharField(_("level"), max_length=7, choices=Level.choices, default=Level.INFO)
    text = models.CharField(_("text"), max_length=500)
    workspace = models.ForeignKey(
        "chats.Workspace",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=_("workspace"),
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False, db_index=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(level__in=["info", "warning", "error"]), name="notice_level")
        ]

    def __str__(self) -> str:
        return self.text


class MetLimit(models.Model):
    """A limit that has refused somebody, and when it last did; kept by realtime/limits/refusals.py for the doctor."""

    setting = models.CharField(primary_key=True, max_length=60)
    met_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.setting


class Announcement(models.Model):
    """Something that was announced to sockets; each process finds here what it was not told, for some minutes.

    `groups` are those of the layer, separated by spaces; see realtime/background/announcements.py.
    """

    id = models.BigAutoField(primary_key=True)
    groups = models.TextField()
    chat_id = models.UUIDField(null=True)
    created_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.groups


class DatabaseIdentity(models.Model):
    """The one row that says which database this was at the last look; see realtime/background/failover.py."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    identity = models.CharField(max_length=60)

    def __str__(self) -> str:
        return self.identity
