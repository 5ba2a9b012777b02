"""What is told of somebody whose name or role changed; see chats/payloads.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from chats.payloads import UserPayload, WorkspaceNamePayload, user_payload

if TYPE_CHECKING:
    from chats.models import Workspace, WorkspaceMember
    from flowra.accounts.models import User


class UserStatePayload(UserPayload):
    """Somebody as their colleagues see them; `is_bot` is false for everybody so far."""

    is_bot: bool


class MePayload(TypedDict):
    id: str
    username: str
    display_name: str
    email: str


class RolePayload(TypedDict):
    user_id: str
    username: str
    display_name: str
    role: str


def user_state_payload(user: User) -> UserStatePayload:
    """Return what the frame `user.changed` says of `user`."""
    return {**user_payload(user), "is_bot": False}


def me_payload(user: User) -> MePayload:
    """Return what somebody sees of themselves."""
    return {**user_payload(user), "email": user.email}


def workspace_name_payload(workspace: Workspace) -> WorkspaceNamePayload:
    """Return the workspace without what differs from member to member."""
    return {"id": str(workspace.pk), "name": workspace.name}


def role_payload(membership: WorkspaceMember) -> RolePayload:
    """Return a member of a workspace and their role; needs `user` loaded."""
    user = membership.user
    return {
        "user_id": str(user.pk),
        "username": user.username,
        "display_name": user.get_full_name(),
        "role": membership.role,
    }
