"""What follows when somebody declines, leaves, is removed or loses a role. Callers hold the workspace's row."""

from __future__ import annotations

import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from chats.lib.clock import database_now
from chats.models import Role, WorkspaceDeparture, WorkspaceInvitation, WorkspaceInvite
from chats.services.messages.notifications import publish_gone

REFUSAL_DAYS = 30  # after declining or leaving nobody can invite the user again for so long


def record_refusal(workspace_id: UUID, user_id: UUID) -> None:
    """Store that a user declined an invitation or left."""
    _record(workspace_id, user_id, refused_at=database_now())


def record_removal(workspace_id: UUID, user_id: UUID) -> None:
    """Store that a user was removed, so that links and invitations from before no longer admit them."""
    _record(workspace_id, user_id, removed_at=database_now())


def has_refused(workspace_id: UUID, user_id: UUID) -> bool:
    """Whether the user declined or left within REFUSAL_DAYS."""
    since = database_now() - datetime.timedelta(days=REFUSAL_DAYS)
    return WorkspaceDeparture.objects.filter(workspace_id=workspace_id, user_id=user_id, refused_at__gt=since).exists()


def was_removed_since(workspace_id: UUID, user_id: UUID, moment: datetime.datetime) -> bool:
    """Whether the user was removed at `moment` or later."""
    return WorkspaceDeparture.objects.filter(
        workspace_id=workspace_id, user_id=user_id, removed_at__gte=moment
    ).exists()


def end_offers_beyond_role(workspace_id: UUID, maker_id: UUID, role: str | None) -> None:
    """End a user's links and invitations that they could no longer make in this role; None: they are no member."""
    links = WorkspaceInvite.objects.filter(workspace_id=workspace_id, created_by_id=maker_id)
    invitations = WorkspaceInvitation.objects.filter(
        workspace_id=workspace_id, invited_by_id=maker_id, ended_at__isnull=True
    )
    if role == Role.OWNER:
        return
    if role == Role.ADMIN:
        links, invitations = links.none(), invitations.filter(role=Role.OWNER)
    links.delete()
    end_invitations(invitations)


def end_invitations(invitations: QuerySet[WorkspaceInvitation]) -> int:
    """End the open ones of these invitations and delete their notifications; returns how many were open."""
    still_open = invitations.filter(ended_at__isnull=True)
    gone: dict[UUID, list[UUID]] = {}
    for user_id, notification_id in still_open.order_by().values_list("user_id", "notification_id"):
        if notification_id is not None:
            gone.setdefault(user_id, []).append(notification_id)
    publish_gone(gone)
    return still_open.update(ended_at=database_now())


def _record(workspace_id: UUID, user_id: UUID, **moment: Any) -> None:
    WorkspaceDeparture.objects.update_or_create(workspace_id=workspace_id, user_id=user_id, defaults=moment)
