"""Workspaces and their members."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chats.lib.ids import new_id
from chats.models.fields import LiveManager, Role
from chats.search.fields import KeyedModel, NameKeyField

NAME_MAX_LENGTH = 80


class Workspace(KeyedModel):
    """A team: people who can find and invite each other, and their chats."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(_("name"), max_length=NAME_MAX_LENGTH)
    name_key = NameKeyField(of="name")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("created by")
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = LiveManager["Workspace"]()
    with_deleted = models.Manager["Workspace"]()

    class Meta:
        ordering: ClassVar = ["name_key", "id"]
        constraints: ClassVar = [models.CheckConstraint(condition=~Q(name=""), name="workspace_has_name")]

    def __str__(self) -> str:
        return self.name


class WorkspaceMember(models.Model):
    """A user's membership in a workspace."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="workspace_memberships")
    role = models.CharField(_("role"), max_length=8, choices=Role.choices, default=Role.MEMBER)
    created_at = models.DateTimeField(_("joined at"), default=timezone.now, editable=False)

    class Meta:
        ordering: ClassVar = ["workspace", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "user"], name="workspace_member_once"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="workspace_member_role"),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.role}) in {self.workspace}"
