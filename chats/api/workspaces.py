"""Endpoints of workspaces and their members."""

from __future__ import annotations

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from chats import services
from chats.api.base import ApiView
from chats.api.document.schema import reads, writes
from chats.api.input import requests
from chats.api.input.pagination import PageQuery, by_id, by_text, by_time
from chats.models import WorkspaceInvitation
from chats.payload_types import (
    SentInvitationPayload,
    WorkspaceMemberPagePayload,
    WorkspaceMemberPayload,
    WorkspacePagePayload,
    WorkspacePayload,
)
from chats.payloads import sent_invitation_payload, workspace_member_payload, workspace_payload
from chats.selectors.access import access_workspace
from chats.selectors.workspaces import list_workspace_members, list_workspaces

_BY_NAME = (by_text("workspace__name_key"), by_id("id"))
_BY_PERSON = (by_text("user__name_key"), by_id("user_id"))
_NEWEST = (by_time("-created_at"), by_id("-id"))
_WORKSPACE = ("workspace_id",)


class Workspaces(ApiView):
    @reads("listWorkspaces", WorkspacePagePayload, query=PageQuery)
    def get(self, request: Request) -> Response:
        """The caller's workspaces, by name."""
        return self.page(list_workspaces(self.user), _BY_NAME, workspace_payload, self.page_query())

    @writes("createWorkspace", {201: WorkspacePayload}, body=requests.WorkspaceWrite)
    def post(self, request: Request) -> Response:
        """Create a workspace and own it."""
        membership = services.create_workspace(user=self.user, **self.read_body(requests.WorkspaceWrite))
        return Response(workspace_payload(membership), status=201)


class WorkspaceDetail(ApiView):
    @reads("getWorkspace", WorkspacePayload, ids=_WORKSPACE)
    def get(self, request: Request, workspace_id: UUID) -> Response:
        """A workspace."""
        return Response(workspace_payload(access_workspace(self.user, workspace_id)))

    @writes(
        "renameWorkspace",
        {200: WorkspacePayload},
        ids=_WORKSPACE,
        body=requests.WorkspaceWrite,
    )
    def patch(self, request: Request, workspace_id: UUID) -> Response:
        """Rename a workspace (owners and admins)."""
        body = self.read_body(requests.WorkspaceWrite)
        membership = services.rename_workspace(user=self.user, workspace_id=workspace_id, name=body["name"])
        return Response(workspace_payload(membership))

    @writes("deleteWorkspace", {204: None}, ids=_WORKSPACE)
    def delete(self, request: Request, workspace_id: UUID) -> Response:
        """Delete a workspace with all its chats (owners)."""
        services.delete_workspace(user=self.user, workspace_id=workspace_id)
        return Response(status=204)


class WorkspaceMembers(ApiView):
    @reads(
        "listWorkspaceMembers",
        WorkspaceMemberPagePayload,
        ids=_WORKSPACE,
        query=PageQuery,
    )
    def get(self, request: Request, workspace_id: UUID) -> Response:
        """A workspace's members, by name."""
        query = self.page_query()
        workspace = access_workspace(self.user, workspace_id).workspace
        return self.page(list_workspace_members(workspace), _BY_PERSON, workspace_member_payload, query)

    @writes(
        "addWorkspaceMember",
        {201: WorkspaceMemberPayload, 200: WorkspaceMemberPayload, 202: SentInvitationPayload},
        ids=_WORKSPACE,
        body=requests.WorkspaceMemberCreate,
        refuses=[409],
    )
    def post(self, request: Request, workspace_id: UUID) -> Response:
        """Add somebody who has an account, or invite them (owners and admins).

        202 with an invitation where they have to accept it, 201 where they are a member now, 200 where they were one.
        """
        body = self.read_body(requests.WorkspaceMemberCreate)
        added, created = services.add_workspace_member(
            user=self.user,
            workspace_id=workspace_id,
            member_id=body.get("user_id"),
            username=body.get("username", ""),
            role=body["role"],
        )
        if isinstance(added, WorkspaceInvitation):
            return Response(sent_invitation_payload(added), status=202)
        return Response(workspace_member_payload(added), status=201 if created else 200)


class WorkspaceMemberDetail(ApiView):
    @writes(
        "changeRole",
        {200: WorkspaceMemberPayload},
        ids=("workspace_id", "user_id"),
        body=requests.RoleWrite,
        refuses=[409],
    )
    def patch(self, request: Request, workspace_id: UUID, user_id: UUID) -> Response:
        """Change a member's role (owners and admins; only owners make or unmake owners)."""
        body = self.read_body(requests.RoleWrite)
        member = services.change_role(user=self.user, workspace_id=workspace_id, member_id=user_id, role=body["role"])
        return Response(workspace_member_payload(member))

    @writes(
        "removeWorkspaceMember",
        {204: None},
        ids=("workspace_id", "user_id"),
        refuses=[409],
    )
    def delete(self, request: Request, workspace_id: UUID, user_id: UUID) -> Response:
        """Remove a member (owners and admins), or leave; the last owner cannot."""
        services.remove_workspace_member(user=self.user, workspace_id=workspace_id, member_id=user_id)
        return Response(status=204)
