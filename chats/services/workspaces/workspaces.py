"""Workspaces and who is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from chats import events
from chats.exceptions import Conflict, Forbidden, Invalid, NotFound
from chats.lib.text import clean_line
from chats.models import NAME_MAX_LENGTH, Chat, ChatMember, Role, Workspace, WorkspaceInvitation, WorkspaceMember
from chats.payloads import workspace_name_payload
from chats.selectors.access import access_workspace, may_manage_workspace
from chats.services import publish
from chats.services.chats import drop_members, request_recheck
from chats.services.deletion import drop_workspace
from chats.services.workspaces.departures import end_invitations, end_offers_beyond_role, record_refusal, record_removal

if TYPE_CHECKING:
    from flowra.accounts.models import User


@transaction.atomic
def create_workspace(*, user: User, name: str) -> WorkspaceMember:
    """Create a workspace owned by `user`; returns their membership. Raises Invalid."""
    workspace = Workspace.objects.create(
        name=clean_line(name, field="name", max_length=NAME_MAX_LENGTH), created_by=user
    )
    membership = WorkspaceMember.objects.create(workspace=workspace, user=user, role=Role.OWNER)
    publish.workspace_member_changed(events.WorkspaceMemberAdded, workspace, membership)
    return membership


@transaction.atomic
def rename_workspace(*, user: User, workspace_id: UUID, name: str) -> WorkspaceMember:
    """Rename the workspace; returns the caller's membership. Raises NotFound, Forbidden, Invalid."""
    membership = manage_workspace(user, workspace_id)
    set_name(membership.workspace, name)
    return membership


def set_name(workspace: Workspace, name: str) -> None:
    """Rename a workspace whose row the caller holds. Raises Invalid."""
    name = clean_line(name, field="name", max_length=NAME_MAX_LENGTH)
    if name == workspace.name:
        return
    workspace.name = name
    workspace.save(update_fields=["name"])
    events.publish_on_commit(events.WorkspaceRenamed(workspace_id=workspace.pk, data=workspace_name_payload(workspace)))


@transaction.atomic
def delete_workspace(*, user: User, workspace_id: UUID) -> None:
    """Delete the workspace with all its chats; owners only. Raises NotFound, Forbidden."""
    membership = access_workspace(user, workspace_id, lock=True)
    if membership.role != Role.OWNER:
        raise Forbidden(_("Only an owner can delete a workspace."))
    drop_workspace(membership.workspace)


def ensure_workspace_member(*, workspace: Workspace, person: User, role: str) -> tuple[WorkspaceMember, bool]:
    """Make `person` a member unless they are one; returns (membership, whether it is new).

    The caller holds the workspace's row, as for removing members.
    """
    membership, created = WorkspaceMember.objects.select_related("user", "workspace").get_or_create(
        workspace=workspace, user=person, defaults={"role": role}
    )
    if created:
        end_invitations(WorkspaceInvitation.objects.filter(workspace=workspace, user=person))
        publish.workspace_member_changed(events.WorkspaceMemberAdded, workspace, membership)
    return membership, created


@transaction.atomic
def change_role(*, user: User, workspace_id: UUID, member_id: UUID, role: str) -> WorkspaceMember:
    """Give a member another role. Raises NotFound, Forbidden, Invalid; Conflict for the last owner."""
    manager = manage_workspace(user, workspace_id)
    member = lock_member(manager.workspace, member_id)
    check_role(manager, role)
    if member.role == Role.OWNER and manager.role != Role.OWNER:
        raise Forbidden(_("Only an owner can change an owner's role."))
    return set_role(manager.workspace, member, role)


def set_role(workspace: Workspace, member: WorkspaceMember, role: str) -> WorkspaceMember:
    """Give a member another role; the caller holds both rows. Raises Conflict for the last owner."""
    if member.role == role:
        return member
    if member.role == Role.OWNER:
        _keep_an_owner(workspace)
    member.role = role
    member.save(update_fields=["role"])
    publish.workspace_member_changed(events.WorkspaceRoleChanged, workspace, member)
    end_offers_beyond_role(workspace.pk, member.user_id, role)
    return member


@transaction.atomic
def remove_workspace_member(*, user: User, workspace_id: UUID, member_id: UUID) -> None:
    """Remove a member, or leave, and with it all chats of the workspace.

    Raises NotFound, Forbidden; Conflict for the last owner.
    """
    caller = access_workspace(user, workspace_id, lock=True)
    member = lock_member(caller.workspace, member_id)
    if member.user_id != user.pk:
        if not may_manage_workspace(caller):
            raise Forbidden(_("Only owners and admins can remove members."))
        if member.role == Role.OWNER and caller.role != Role.OWNER:
            raise Forbidden(_("Only an owner can remove an owner."))
    drop_workspace_member(caller.workspace, member, has_left=member.user_id == user.pk)


def drop_workspace_member(workspace: Workspace, member: WorkspaceMember, *, has_left: bool = False) -> None:
    """Remove a member, from all chats too; the caller holds both rows. Raises Conflict for the last owner.

    `has_left`: they left by themselves; they may come back by any link but cannot be invited for REFUSAL_DAYS.
    """
    if member.role == Role.OWNER:
        _keep_an_owner(workspace)
    user_id = member.user_id
    member.delete()
    end_offers_beyond_role(workspace.pk, user_id, None)
    if has_left:
        record_refusal(workspace.pk, user_id)
    else:
        record_removal(workspace.pk, user_id)
    in_chats = ChatMember.objects.filter(user_id=user_id, chat__workspace_id=workspace.pk).values("chat_id")
    for chat in Chat.objects.filter(pk__in=in_chats).select_for_update(no_key=True).order_by("pk"):
        drop_members(chat, user_id=user_id)
    request_recheck(user_id)
    publish.workspace_member_changed(events.WorkspaceMemberRemoved, workspace, member)


def manage_workspace(user: User, workspace_id: UUID) -> WorkspaceMember:
    """Return the membership of an owner or admin, with the workspace's row locked. Raises NotFound, Forbidden."""
    membership = access_workspace(user, workspace_id, lock=True)
    if not may_manage_workspace(membership):
        raise Forbidden(_("Only owners and admins of the workspace can do this."))
    return membership


def lock_workspace(workspace_id: UUID) -> Workspace:
    """Return a workspace with its row locked until the transaction ends. Raises NotFound."""
    workspace = Workspace.objects.select_for_update(no_key=True).filter(pk=workspace_id).first()
    if workspace is None:
        raise NotFound(_("There is no such workspace."))
    return workspace


def lock_member(workspace: Workspace, user_id: UUID) -> WorkspaceMember:
    """Return a member with their row locked until the transaction ends; raises NotFound."""
    # The lock makes `add_chat_members` wait for this member.
    member = (
        workspace.memberships.select_for_update(of=("self",)).select_related("user").filter(user_id=user_id).first()
    )
    if member is None:
        raise NotFound(_("There is no such member."))
    return member


def check_role(manager: WorkspaceMember, role: str) -> None:
    """Raise Invalid or Forbidden unless this manager may make somebody `role`."""
    if role not in Role.values:
        raise Invalid(f"role must be one of {', '.join(Role.values)}.", field="role")
    if role == Role.OWNER and manager.role != Role.OWNER:
        raise Forbidden(_("Only an owner can make owners."))


def _keep_an_owner(workspace: Workspace) -> None:
    # Exact, because removing an owner or their role needs the workspace's row.
    if workspace.memberships.filter(role=Role.OWNER).count() < 2:
        raise Conflict(_("A workspace needs an owner: make somebody else an owner first."))
