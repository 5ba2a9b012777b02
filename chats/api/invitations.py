"""Endpoints of who comes into a workspace: invitations by name, and links."""

from __future__ import annotations

import re
from uuid import UUID

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from chats import services
from chats.api.base import ApiView
from chats.api.document.schema import reads, writes
from chats.api.input import requests
from chats.api.input.pagination import PageQuery, by_id, by_time
from chats.exceptions import NotFound
from chats.payload_types import (
    InvitationPagePayload,
    InvitePagePayload,
    InvitePayload,
    SentInvitationPagePayload,
    SentInvitationPayload,
    WorkspacePayload,
)
from chats.payloads import (
    invitation_payload,
    invite_payload,
    sent_invitation_payload,
    workspace_payload,
)
from chats.selectors.invitations import list_invitations, list_invites, list_own_invitations

_NEWEST = (by_time("-created_at"), by_id("-id"))
_WORKSPACE = ("workspace_id",)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,43}")  # as models.new_invite_token makes them


class WorkspaceInvitations(ApiView):
    @reads(
        "listWorkspaceInvitations",
        SentInvitationPagePayload,
        ids=_WORKSPACE,
        query=PageQuery,
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
    @reads("listMyInvitations", InvitationPagePayload, query=PageQuery)
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


class Invites(ApiView):
    @reads(
        "listInvites",
        InvitePagePayload,
        ids=_WORKSPACE,
        query=PageQuery,
        refuses=[403],
    )
    def get(self, request: Request, workspace_id: UUID) -> Response:
        """A workspace's invites, newest first (owners and admins)."""
        query = self.page_query()
        return self.page(list_invites(self.user, workspace_id), _NEWEST, invite_payload, query)

    @writes(
        "createInvite",
        {201: InvitePayload},
        ids=_WORKSPACE,
        body=requests.InviteCreate,
    )
    def post(self, request: Request, workspace_id: UUID) -> Response:
        """Make an invite link (owners and admins)."""
        body = self.read_body(requests.InviteCreate)
        return Response(
            invite_payload(services.create_invite(user=self.user, workspace_id=workspace_id, **body)), status=201
        )

    @writes("deleteInvites", {204: None}, ids=_WORKSPACE)
    def delete(self, request: Request, workspace_id: UUID) -> Response:
        """Delete all invites of a workspace (owners and admins)."""
        services.revoke_all_invites(user=self.user, workspace_id=workspace_id)
        return Response(status=204)


class InviteDetail(ApiView):
    @writes("deleteInvite", {204: None}, ids=("workspace_id", "invite_id"))
    def delete(self, request: Request, workspace_id: UUID, invite_id: UUID) -> Response:
        """Delete an invite (owners and admins)."""
        services.revoke_invite(user=self.user, workspace_id=workspace_id, invite_id=invite_id)
        return Response(status=204)


@extend_schema(parameters=[OpenApiParameter("token", OpenApiTypes.STR, OpenApiParameter.PATH)])
class InviteAccept(ApiView):
    @writes("acceptInvite", {200: WorkspacePayload}, refuses=[404])
    def post(self, request: Request, token: str) -> Response:
        """Join the workspace of an invite."""
        if not _TOKEN.fullmatch(token):
            raise NotFound(_("This invite does not exist, has expired or is used up."))
        return Response(workspace_payload(services.accept_invite(user=self.user, token=token)))
