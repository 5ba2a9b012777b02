"""Invite links to a workspace."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from chats.exceptions import Forbidden, Invalid, NotFound
from chats.lib.clock import database_now
from chats.models import Role, WorkspaceInvite, WorkspaceMember
from chats.selectors.access import access_workspace, may_manage_workspace
from chats.selectors.invitations import invites_by_token
from chats.services.workspaces.departures import was_removed_since
from chats.services.workspaces.invitations import role_given_by
from chats.services.workspaces.workspaces import hold_workspace, join_workspace

if TYPE_CHECKING:
    from flowra.accounts.models import User

GONE = "This invite does not exist, has expired or is used up."
INVITE_DAYS = 7
INVITE_DAYS_MAX = 90
INVITE_USES_MAX = 1_000


@transaction.atomic
def create_invite(
    *,
    user: User,
    workspace_id: UUID,
    role: str = Role.MEMBER,
    days: int = INVITE_DAYS,
    max_uses: int | None = None,
) -> WorkspaceInvite:
    """Make a link that lets people join as `role` for `days` days, `max_uses` times.

    Raises NotFound, Forbidden, Invalid.
    """
    membership = _manage(user, workspace_id)
    if role not in (Role.ADMIN, Role.MEMBER):
        raise Invalid(_("role must be admin or member."), field="role")
    if not 1 <= days <= INVITE_DAYS_MAX:
        raise Invalid(f"days must be 1 to {INVITE_DAYS_MAX}.", field="days")
    if max_uses is not None and not 1 <= max_uses <= INVITE_USES_MAX:
        raise Invalid(f"max_uses must be 1 to {INVITE_USES_MAX}.", field="max_uses")
    return WorkspaceInvite.objects.create(
        workspace=membership.workspace,
        role=role,
        created_by=user,
        created_at=(now := database_now()),
        expires_at=now + datetime.timedelta(days=days),
        max_uses=max_uses,
    )


@transaction.atomic
def revoke_invite(*, user: User, workspace_id: UUID, invite_id: UUID) -> None:
    """Delete an invite. Raises NotFound, Forbidden."""
    _manage(user, workspace_id)
    deleted, _models = WorkspaceInvite.objects.filter(workspace_id=workspace_id, pk=invite_id).delete()
    if not deleted:
        raise NotFound(_("There is no such invite."))


@transaction.atomic
def revoke_all_invites(*, user: User, workspace_id: UUID) -> int:
    """Delete all invites of a workspace; returns how many. Raises NotFound, Forbidden."""
    _manage(user, workspace_id)
    deleted, _models = WorkspaceInvite.objects.filter(workspace_id=workspace_id).delete()
    return deleted


@transaction.atomic
def accept_invite(*, user: User, token: str) -> WorkspaceMember:
    """Join the workspace; whoever is a member already stays one and uses nothing up. Raises NotFound.

    An invite that has expired, is used up, whose maker may not invite any more, or that is older than the user's
    removal looks like one that never was. The role is at most its maker's.
    """
    rows = invites_by_token(token)
    invite = rows.first()
    if invite is None:
        raise NotFound(GONE)
    workspace = hold_workspace(invite.workspace_id)
    invite = rows.select_for_update(of=("self",)).first()  # as it is with the workspace's row held
    member = WorkspaceMember.objects.select_related("user", "workspace").filter(workspace=workspace, user=user).first()
    if invite is None:
        raise NotFound(GONE)
    if member is not None:
        return member
    role = role_given_by(workspace.pk, invite.created_by_id, invite.role)
    if role is None or not invite.is_usable or was_removed_since(workspace.pk, user.pk, invite.created_at):
        raise NotFound(GONE)
    membership, _created = join_workspace(workspace=workspace, person=user, role=role)
    invite.use_count += 1
    invite.save(update_fields=["use_count"])
    return membership


def _manage(user: User, workspace_id: UUID) -> WorkspaceMember:
    membership = access_workspace(user, workspace_id, lock=True)
    if not may_manage_workspace(membership):
        raise Forbidden(_("Only owners and admins can invite."))
    return membership
