"""Invitations by name and blocks: what somebody is asked, whom they want nothing from."""

from __future__ import annotations

from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from chats import services
from chats.selectors import list_blocks, list_own_invitations
from chats.views.base import PageRequest, attempt, member_page, render_in_shell

PER_PAGE = 50


@member_page
@require_safe
def invitations(request: PageRequest) -> HttpResponse:
    """Show the open invitations to the reader."""
    page = Paginator(list_own_invitations(request.user), PER_PAGE).get_page(request.GET.get("page"))
    return render_in_shell(request, "workspaces/invitations.html", {"page": page})


@member_page
@require_POST
def accept(request: PageRequest, invitation_id: UUID) -> HttpResponse:
    """Join the workspace of an invitation."""
    membership = services.accept_invitation(user=request.user, invitation_id=invitation_id)
    return redirect("chats:workspace", membership.workspace_id)


@member_page
@require_POST
def decline(request: PageRequest, invitation_id: UUID) -> HttpResponse:
    """Decline an invitation."""
    attempt(
        request,
        lambda: services.decline_invitation(user=request.user, invitation_id=invitation_id),
        _("Declined. This workspace cannot invite you again for 30 days."),
    )
    return redirect("chats:invitations")


@member_page
@require_POST
def cancel(request: PageRequest, workspace_id: UUID, invitation_id: UUID) -> HttpResponse:
    """Take an invitation back."""
    attempt(
        request,
        lambda: services.cancel_invitation(user=request.user, workspace_id=workspace_id, invitation_id=invitation_id),
        _("The invitation was taken back."),
    )
    return redirect(f"{reverse('chats:workspace_settings', args=[workspace_id])}#invitations")


@member_page
@require_safe
def blocks(request: PageRequest) -> HttpResponse:
    """Show whom the reader blocks."""
    page = Paginator(list_blocks(request.user), PER_PAGE).get_page(request.GET.get("page"))
    return render_in_shell(request, "workspaces/blocks.html", {"page": page})


@member_page
@require_POST
def block(request: PageRequest, user_id: UUID) -> HttpResponse:
    """Block somebody."""
    attempt(
        request,
        lambda: services.block_user(user=request.user, user_id=user_id),
        _("Blocked. They cannot invite you or write to you alone."),
    )
    return redirect("chats:blocks")


@member_page
@require_POST
def unblock(request: PageRequest, user_id: UUID) -> HttpResponse:
    """Block somebody no more."""
    attempt(request, lambda: services.unblock_user(user=request.user, user_id=user_id), _("No longer blocked."))
    return redirect("chats:blocks")
