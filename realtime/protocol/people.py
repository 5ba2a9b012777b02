"""The frames about people, workspaces and what is one's own, as in realtime/protocol/frames.py."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from realtime.protocol.frames import ServerFrame


class UserChanged(ServerFrame, frozen=True, tag="user.changed"):
    """Somebody who shares a workspace has another name."""

    data: Any  # chats.payload_types.UserStatePayload


class MeChanged(ServerFrame, frozen=True, tag="me.changed"):
    data: Any  # chats.payload_types.MePayload


class ChatSettings(ServerFrame, frozen=True, tag="chat.settings"):
    """What one's own is in a chat has changed."""

    chat_id: UUID
    data: Any  # chats.payload_types.ChatSettingsPayload


class WorkspaceChanged(ServerFrame, frozen=True, tag="workspace.changed"):
    data: Any  # chats.payload_types.WorkspaceNamePayload


class WorkspaceDeleted(ServerFrame, frozen=True, tag="workspace.deleted"):
    data: Any  # chats.payload_types.WorkspaceNamePayload


class WorkspaceMemberAdded(ServerFrame, frozen=True, tag="workspace.member_added"):
    workspace_id: UUID
    workspace_name: str
    data: Any  # chats.payload_types.RolePayload


class WorkspaceMemberRemoved(ServerFrame, frozen=True, tag="workspace.member_removed"):
    workspace_id: UUID
    workspace_name: str
    data: Any  # chats.payload_types.RolePayload


class WorkspaceRoleChanged(ServerFrame, frozen=True, tag="workspace.role_changed"):
    workspace_id: UUID
    workspace_name: str
    data: Any  # chats.payload_types.RolePayload
