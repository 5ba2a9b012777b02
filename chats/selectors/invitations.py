"""Invite links and invitations by name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from chats.exceptions import Forbidden, NotFound
from chats.models import (
    Block,
    Role,
    WorkspaceInvitation,
    WorkspaceInvite,
    WorkspaceMember,
)
from chats.selectors.access import access_workspace, may_manage_workspace

if TYPE_CHECKING:
    from flowra.accounts.models import User


def list_invites(user: User, workspace_id: UUID) -> QuerySet[WorkspaceInvite]:
    """Return the workspace's invites, newest first; raises NotFound, and Forbidden to plain members."""
    membership = access_workspace(user, workspace_id)
    if not may_manage_workspace(membership):
        raise Forbidden(_("Only owners and admins see the invites."))
    return membership.workspace.invites.order_by("-created_at", "-id")


def invites_by_token(token: str) -> QuerySet[WorkspaceInvite]:
    """Return a query of the invite with this token, of one row or none; a malformed token is not looked up."""
    looks_right = re.fullmatch(r"[A-Za-z0-9_-]+", token) is not None
    return WorkspaceInvite.objects.filter(token=token) if looks_right else WorkspaceInvite.objects.none()


def find_invite(token: str) -> WorkspaceInvite:
    """Return a usable invite with its `workspace` and `created_by`; anybody with the link may see it.

    Raises NotFound if it has expired, is used up or does not exist.
    """
    invite = invites_by_token(token).select_related("workspace", "created_by").first()
    if invite is None or not invite.is_usable or not _may_its_maker_invite(invite):
        raise NotFound(_("This invite does not exist, has expired or is used up."))
    return invite


def _may_its_maker_invite(invite: WorkspaceInvite) -> bool:
    return (
        invite.created_by_id is not None
        and WorkspaceMember.objects.filter(
            workspace_id=invite.workspace_id,
            user_id=invite.created_by_id,
            user__is_active=True,
            role__in=(Role.OWNER, Role.ADMIN),
        ).exists()
    )


def list_own_invitations(user: User) -> QuerySet[WorkspaceInvitation]:
    """Return the open invitations to `user`, newest first, with `workspace` and `invited_by`.

    Those of users whom `user` blocks are left out.
    """
    return (
        WorkspaceInvitation.objects.filter(user_id=user.pk, invited_by__is_active=True, **open_invitations())
        .exclude(invited_by__in=Block.objects.filter(blocker_id=user.pk).values("blocked_id"))
        .select_related("workspace", "invited_by")
        .order_by("-created_at", "-id")
    )


def list_invitations(user: User, workspace_id: UUID) -> QuerySet[WorkspaceInvitation]:
    """Return the workspace's open invitations, newest first; raises NotFound, and Forbidden to plain members."""
    if not may_manage_workspace(access_workspace(user, workspace_id)):
        raise Forbidden(_("Only owners and admins see the invitations."))
    rows = WorkspaceInvitation.objects.filter(workspace_id=workspace_id, **open_invitations())
    return rows.select_related("workspace", "invited_by").order_by("-created_at", "-id")


def open_invitations(prefix: str = "") -> dict[str, Any]:
    return {f"{prefix}ended_at__isnull": True, f"{prefix}expires_at__gt": timezone.now()}
