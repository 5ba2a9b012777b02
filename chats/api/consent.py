"""Endpoints of consent: invitations by name, and blocks."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from chats import services
from chats.api.base import ApiView
from chats.api.document.schema import reads, writes
from chats.api.input import requests
from chats.api.input.pagination import by_id, by_time
from chats.exceptions import NotFound
from chats.payload_types import (
    BlockPagePayload,
    InvitationPagePayload,
    SentInvitationPagePayload,
    SentInvitationPayload,
    WorkspacePayload,
)
from chats.payloads import (
    block_payload,
    invitation_payload,
    sent_invitation_payload,
    workspace_payload,
)
from chats.selectors.blocks import list_blocks
from chats.selectors.invitations import list_invitations, list_own_invitations

_NEWEST = (by_time("-created_at"), by_id("-id"))
_WORKSPACE = ("workspace_id",)


class WorkspaceInvitations(ApiView):
    @reads(
        "listWorkspaceInvitations",
        SentInvitationPagePayload,
        ids=_WORKSPACE,
        query=requests.PageQuery,
        refuses=[403],
    )
    def get(self, request: Request, workspace_id: UUID) -> Response:
        """A workspace's open invitations, newest first (owners and admins)."""
        query = self.page_query()
        rows = list_invitations(self.user, workspace_id)
        return self.page(rows, _NEWEST, sent_invitation_payload, query)

    @writes("cancelWorkspaceInvitations", {204: None}, ids=_WORKSPACE)
    def delete(self, request: Request, workspace_id: UUID) -> Response:
        """Take all open invitations of a workspace back (owners and admins)."""
        services.cancel_all_invitations(user=self.user, workspace_id=workspace_id)
        return Response(status=204)


class WorkspaceInvitationDetail(ApiView):
    @reads(
        "getWorkspaceInvitation",
        SentInvitationPayload,
        ids=("workspace_id", "invitation_id"),
        refuses=[403],
    )
    def get(self, request: Request, workspace_id: UUID, invitation_id: UUID) -> Response:
        """An open invitation of a workspace (owners and admins)."""
        found = list_invitations(self.user, workspace_id).filter(pk=invitation_id).first()
        if found is None:
            raise NotFound(_("There is no such invitation."))
        return Response(sent_invitation_payload(found))

    @writes("cancelWorkspaceInvitation", {204: None}, ids=("workspace_id", "invitation_id"))
    def delete(self, request: Request, workspace_id: UUID, invitation_id: UUID) -> Response:
        """Take an open invitation back (owners and admins)."""
        services.cancel_invitation(user=self.user, workspace_id=workspace_id, invitation_id=invitation_id)
        return Response(status=204)


class OwnInvitations(ApiView):
    @reads("listMyInvitations", InvitationPagePayload, query=requests.PageQuery)
    def get(self, request: Request) -> Response:
        """The open invitations to the caller, newest first."""
        return self.page(list_own_invitations(self.user), _NEWEST, invitation_payload, self.page_query())


class InvitationAccept(ApiView):
    @writes("acceptInvitation", {200: WorkspacePayload}, ids=("invitation_id",))
    def post(self, request: Request, invitation_id: UUID) -> Response:
        """Join the workspace of an invitation."""
        membership = services.accept_invitation(user=self.user, invitation_id=invitation_id)
        return Response(workspace_payload(membership))


class InvitationDecline(ApiView):
    @writes("declineInvitation", {204: None}, ids=("invitation_id",))
    def post(self, request: Request, invitation_id: UUID) -> Response:
        """Decline an invitation: the workspace cannot invite the caller again for 30 days."""
        services.decline_invitation(user=self.user, invitation_id=invitation_id)
        return Response(status=204)


class Blocks(ApiView):
    @reads("listBlocks", BlockPagePayload, query=requests.PageQuery)
    def get(self, request: Request) -> Response:
        """Whom the caller blocks, the last one first."""
        return self.page(list_blocks(self.user), _NEWEST, block_payload, self.page_query())


class BlockDetail(ApiView):
    @writes("blockUser", {204: None}, ids=("user_id",), refuses=[409])
    def put(self, request: Request, user_id: UUID) -> Response:
        """Block somebody whom the caller shares a workspace or a direct chat with, or who invited them."""
        services.block_user(user=self.user, user_id=user_id)
        return Response(status=204)

    @writes("unblockUser", {204: None}, ids=("user_id",))
    def delete(self, request: Request, user_id: UUID) -> Response:
        """Block somebody no more."""
        services.unblock_user(user=self.user, user_id=user_id)
        return Response(status=204)
