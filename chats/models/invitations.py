"""Invite links, invitations by name, and who has left a workspace."""

from __future__ import annotations

import secrets
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chats.lib.ids import new_id
from chats.models.fields import Role

INVITE_DAYS = 7  # for which a link is good unless said otherwise
INVITE_DAYS_MAX = 90
INVITE_USES_MAX = 1_000


def new_invite_token() -> str:
    """Return 192 random bits, safe in a URL."""
    return secrets.token_urlsafe(24)


class WorkspaceInvite(models.Model):
    """A link with which anybody can join a workspace, until it expires or is used up."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey("chats.Workspace", on_delete=models.CASCADE, related_name="invites")
    token = models.CharField(max_length=43, unique=True, default=new_invite_token, editable=False)
    role = models.CharField(_("role"), max_length=8, choices=Role.choices, default=Role.MEMBER)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("created by")
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires at"))
    max_uses = models.PositiveIntegerField(_("most uses"), null=True, blank=True)
    use_count = models.PositiveIntegerField(_("uses"), default=0, editable=False)

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(role__in=["admin", "member"]), name="invite_role"),
            models.CheckConstraint(
                condition=Q(max_uses__isnull=True) | Q(use_count__lte=F("max_uses")), name="invite_not_overused"
            ),
        ]

    def __str__(self) -> str:
        return f"Invite to {self.workspace}"

    @property
    def is_usable(self) -> bool:
        """Whether it has neither expired nor been used up."""
        return self.expires_at > timezone.now() and (self.max_uses is None or self.use_count < self.max_uses)


class WorkspaceInvitation(models.Model):
    """An invitation of one user to a workspace, open until it is accepted, declined, cancelled or expires."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey("chats.Workspace", on_delete=models.CASCADE, related_name="invitations")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="invitations")
    username = models.CharField(
        _("username"), max_length=150, blank=True
    )  # as the inviter typed it; all that they see of the user
    role = models.CharField(_("role"), max_length=8, choices=Role.choices, default=Role.MEMBER)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", verbose_name=_("invited by")
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True, editable=False)
    notification = models.OneToOneField(
        "chats.Notification", null=True, editable=False, on_delete=models.SET_NULL, related_name="invitation"
    )

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "user"], condition=Q(ended_at__isnull=True), name="invitation_open_once"
            ),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="invitation_role"),
        ]
        indexes: ClassVar = [models.Index(fields=["invited_by", "created_at"], name="invitation_by_maker")]

    def __str__(self) -> str:
        return f"Invitation of {self.user} to {self.workspace}"


class WorkspaceDeparture(models.Model):
    """When a user last declined, left or was removed, for the rules about inviting them again."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey("chats.Workspace", on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    refused_at = models.DateTimeField(null=True, blank=True)  # when they last declined or left
    removed_at = models.DateTimeField(null=True, blank=True)  # when they were last removed

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["workspace", "user"], name="departure_once")]

    def __str__(self) -> str:
        return f"{self.user} and {self.workspace}"
