"""Invitations by name and blocks: what somebody is asked, whom they want nothing from."""

from __future__ import annotations

from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chats import services
from chats.exceptions import NotFound
from chats.selectors.blocks import list_blocks
from chats.selectors.invitations import list_invitations, list_own_invitations
from chats.services.blocks import find_acquaintance
from chats.views.base import PageRequest, Question, ask, attempt, member_page, render_in_shell

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
@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: PageRequest, workspace_id: UUID, invitation_id: UUID) -> HttpResponse:
    """Ask, then take an invitation back."""
    back = f"{reverse('chats:workspace_settings', args=[workspace_id])}#invitations"
    if request.method != "POST":
        invitation = list_invitations(request.user, workspace_id).filter(pk=invitation_id).first()
        if invitation is None:
            raise NotFound(_("There is no such invitation."))
        question = Question(
            title=_("Take back the invitation of @%(name)s?") % {"name": invitation.username},
            text=_("They cannot accept it any more. You can invite them again."),
            submit=_("Take back"),
            back=back,
        )
        return ask(request, question, workspace_id=workspace_id)
    attempt(
        request,
        lambda: services.cancel_invitation(user=request.user, workspace_id=workspace_id, invitation_id=invitation_id),
        _("The invitation was taken back."),
    )
    return redirect(back)


@member_page
@require_safe
def blocks(request: PageRequest) -> HttpResponse:
    """Show whom the reader blocks."""
    page = Paginator(list_blocks(request.user), PER_PAGE).get_page(request.GET.get("page"))
    return render_in_shell(request, "workspaces/blocks.html", {"page": page})


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def block(request: PageRequest, user_id: UUID) -> HttpResponse:
    """Ask, then block somebody."""
    if request.method != "POST":
        person = find_acquaintance(request.user, user_id)
        name = {"name": person.get_full_name()}
        question = Question(
            title=_("Block %(name)s?") % name,
            text=_("They cannot invite you or write to you alone, and are not told. You can unblock them."),
            submit=_("Block %(name)s") % name,
            back=reverse("chats:home"),
        )
        return ask(request, question)
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
