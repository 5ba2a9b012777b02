"""Invitations to a workspace by name, which strangers have to accept, and links."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils.translation import gettext as _

from chats import events
from chats.exceptions import Conflict, Forbidden, Invalid, NotFound, TooFast
from chats.lib.clock import database_now
from chats.models import (
    INVITE_DAYS,
    INVITE_DAYS_MAX,
    INVITE_USES_MAX,
    Block,
    Notification,
    Role,
    WorkspaceInvitation,
    WorkspaceInvite,
    WorkspaceMember,
)
from chats.payloads import notification_payload
from chats.selectors.access import access_workspace, may_manage_workspace
from chats.selectors.invitations import invites_by_token, list_own_invitations
from chats.selectors.workspaces import shared_workspaces
from chats.services.workspaces.departures import end_invitations, has_refused, record_refusal, was_removed_since
from chats.services.workspaces.workspaces import check_role, ensure_workspace_member, lock_workspace, manage_workspace

if TYPE_CHECKING:
    from flowra.accounts.models import User

INVITATION_DAYS = 14
SENT_PER_HOUR = 30  # invitations of one user, over all workspaces
OPEN_PER_PERSON = 20


@transaction.atomic
def add_workspace_member(
    *, user: User, workspace_id: UUID, member_id: UUID | None = None, username: str = "", role: str = Role.MEMBER
) -> tuple[WorkspaceMember | WorkspaceInvitation, bool]:
    """Add an active user, named by id or username, or invite them.

    Returns (their membership, or the invitation that they have to accept, and whether it is new). They are added at
    once by staff, if sign-up is disabled, and if they share a workspace with the caller. Raises NotFound, Invalid if
    there is no such user or role, Forbidden (also if they declined, left or block the caller), Conflict, TooFast.
    """
    manager = manage_workspace(user, workspace_id)
    check_role(manager, role)
    person = _find_person(member_id, username)
    memberships = WorkspaceMember.objects.select_related("user", "workspace")
    found = memberships.filter(workspace_id=workspace_id, user=person).first()
    if found is not None:
        return found, False
    if not user.is_staff:
        if has_refused(workspace_id, person.pk) or Block.objects.filter(blocker=person, blocked=user).exists():
            # One answer for all reasons, so that nobody learns that they are blocked.
            raise Forbidden(_("This person cannot be invited to this workspace."))
        if settings.FLOWRA_SIGNUP_ENABLED and not shared_workspaces(user, person.pk):
            return _invite(manager, user, person, username, role)
    return ensure_workspace_member(workspace=manager.workspace, person=person, role=role)


@transaction.atomic
def accept_invitation(*, user: User, invitation_id: UUID) -> WorkspaceMember:
    """Join the workspace of an open invitation to `user`; returns the membership. Raises NotFound.

    The role is at most one that the inviter could give now.
    """
    invitation = _own(user, invitation_id)
    workspace = lock_workspace(invitation.workspace_id)
    invitation = _own(user, invitation_id)  # read again under the lock
    if was_removed_since(workspace.pk, user.pk, invitation.created_at):
        raise NotFound(_("There is no such invitation."))
    role = role_given_by(workspace.pk, invitation.invited_by_id, invitation.role)
    if role is None:
        raise NotFound(_("There is no such invitation."))
    return ensure_workspace_member(workspace=workspace, person=user, role=role)[0]


@transaction.atomic
def decline_invitation(*, user: User, invitation_id: UUID) -> None:
    """Decline an open invitation to `user`, who cannot be invited again for REFUSAL_DAYS. Raises NotFound."""
    lock_workspace(_own(user, invitation_id).workspace_id)
    invitation = _own(user, invitation_id)
    _end(invitation)
    record_refusal(invitation.workspace_id, user.pk)


@transaction.atomic
def cancel_invitation(*, user: User, workspace_id: UUID, invitation_id: UUID) -> None:
    """Cancel an open invitation. Raises NotFound, Forbidden."""
    manage_workspace(user, workspace_id)
    invitation = WorkspaceInvitation.objects.filter(
        pk=invitation_id, workspace_id=workspace_id, ended_at__isnull=True
    ).first()
    if invitation is None:
        raise NotFound(_("There is no such invitation."))
    _end(invitation)


@transaction.atomic
def cancel_all_invitations(*, user: User, workspace_id: UUID) -> int:
    """Cancel all open invitations of a workspace; returns how many. Raises NotFound, Forbidden."""
    manage_workspace(user, workspace_id)
    return end_invitations(WorkspaceInvitation.objects.filter(workspace_id=workspace_id))


@transaction.atomic
def create_invite(
    *,
    user: User,
    workspace_id: UUID,
    role: str = Role.MEMBER,
    days: int = INVITE_DAYS,
    max_uses: int | None = None,
) -> WorkspaceInvite:
    """Create a link for joining as `role`, valid for `days` days and `max_uses` uses (None: any number).

    Raises NotFound, Forbidden, Invalid.
    """
    membership = _manage_invites(user, workspace_id)
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
    _manage_invites(user, workspace_id)
    deleted, _models = WorkspaceInvite.objects.filter(workspace_id=workspace_id, pk=invite_id).delete()
    if not deleted:
        raise NotFound(_("There is no such invite."))


@transaction.atomic
def revoke_all_invites(*, user: User, workspace_id: UUID) -> int:
    """Delete all invites of a workspace; returns how many. Raises NotFound, Forbidden."""
    _manage_invites(user, workspace_id)
    deleted, _models = WorkspaceInvite.objects.filter(workspace_id=workspace_id).delete()
    return deleted


@transaction.atomic
def accept_invite(*, user: User, token: str) -> WorkspaceMember:
    """Join the workspace; returns the membership. For a member it changes nothing. Raises NotFound.

    Also if the invite has expired, is used up, is older than the user's removal, or its maker may no longer invite. The
    role is at most its maker's.
    """
    rows = invites_by_token(token)
    invite = rows.first()
    if invite is None:
        raise _no_such_invite()
    workspace = lock_workspace(invite.workspace_id)
    invite = rows.select_for_update(of=("self",)).first()  # read again under the lock
    member = WorkspaceMember.objects.select_related("user", "workspace").filter(workspace=workspace, user=user).first()
    if invite is None:
        raise _no_such_invite()
    if member is not None:
        return member
    role = role_given_by(workspace.pk, invite.created_by_id, invite.role)
    if role is None or not invite.is_usable or was_removed_since(workspace.pk, user.pk, invite.created_at):
        raise _no_such_invite()
    membership, _created = ensure_workspace_member(workspace=workspace, person=user, role=role)
    invite.use_count += 1
    invite.save(update_fields=["use_count"])
    return membership


def role_given_by(workspace_id: UUID, maker_id: UUID | None, role: str) -> str | None:
    """Return the role that an invitation or link of this maker gives now, at most their own; None if they may not."""
    if maker_id is None:  # the account was deleted
        return None
    maker = WorkspaceMember.objects.filter(workspace_id=workspace_id, user_id=maker_id, user__is_active=True).first()
    if maker is None or not may_manage_workspace(maker):
        return None
    return maker.role if role == Role.OWNER and maker.role != Role.OWNER else role


def _find_person(member_id: UUID | None, username: str) -> User:
    if member_id is None and not username:
        raise Invalid(_("Name the user by user_id or username."), field="user_id")
    people = get_user_model().objects.filter(is_active=True)
    person = people.filter(pk=member_id) if member_id is not None else people.filter(username__iexact=username)
    found = person.first()
    if found is None:
        raise Invalid(_("There is no such user."), field="user_id" if member_id is not None else "username")
    return found


def _invite(
    manager: WorkspaceMember, user: User, person: User, username: str, role: str
) -> tuple[WorkspaceInvitation, bool]:
    """Return (the open invitation of `person`, created if there is none, and whether it is new)."""
    now = database_now()
    rows = WorkspaceInvitation.objects.filter(workspace=manager.workspace, user=person, ended_at__isnull=True)
    rows.filter(expires_at__lte=now).update(ended_at=now)
    found = rows.select_related("workspace", "invited_by").first()
    if found is not None:
        return found, False
    # Both users' rows are locked, so that calls for other workspaces are counted one after the other.
    both = get_user_model().objects.select_for_update(no_key=True).filter(pk__in={user.pk, person.pk})
    list(both.order_by("pk").values_list("pk"))
    hour_ago = now - datetime.timedelta(hours=1)
    sent = WorkspaceInvitation.objects.filter(invited_by=user, created_at__gt=hour_ago).order_by("created_at")
    times = list(sent.values_list("created_at", flat=True)[:SENT_PER_HOUR])
    if len(times) >= SENT_PER_HOUR:
        wait = (times[0] - hour_ago).total_seconds()
        raise TooFast(_("You have sent too many invitations; wait a while."), retry_after=max(wait, 1.0))
    if list_own_invitations(person).count() >= OPEN_PER_PERSON:
        raise Conflict(_("This person has too many open invitations."))
    notification = Notification.objects.create(user=person, kind=Notification.Kind.INVITED, actor=user)
    invitation = WorkspaceInvitation.objects.create(
        workspace=manager.workspace,
        user=person,
        username=username,
        role=role,
        invited_by=user,
        created_at=now,
        expires_at=now + datetime.timedelta(days=INVITATION_DAYS),
        notification=notification,
    )
    events.publish_on_commit(events.NotificationCreated(user_id=person.pk, data=notification_payload(notification)))
    return invitation, True


def _own(user: User, invitation_id: UUID) -> WorkspaceInvitation:
    invitation = list_own_invitations(user).filter(pk=invitation_id).first()
    if invitation is None:
        raise NotFound(_("There is no such invitation."))
    return invitation


def _end(invitation: WorkspaceInvitation) -> None:
    end_invitations(WorkspaceInvitation.objects.filter(pk=invitation.pk))


def _manage_invites(user: User, workspace_id: UUID) -> WorkspaceMember:
    membership = access_workspace(user, workspace_id, lock=True)
    if not may_manage_workspace(membership):
        raise Forbidden(_("Only owners and admins can invite."))
    return membership


def _no_such_invite() -> NotFound:
    return NotFound(_("This invite does not exist, has expired or is used up."))
