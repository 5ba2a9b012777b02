"""Invitations to a workspace by name, and links that anybody can open."""

from __future__ import annotations

from typing import cast
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chats import services
from chats.exceptions import ChatError, NotFound
from chats.lib.direction import isolate
from chats.selectors.invitations import find_invite, list_invitations, list_invites, list_own_invitations
from chats.views.base import PageRequest, Question, ask, attempt, member_page, render_in_shell
from chats.views.forms import InviteForm
from chats.views.workspaces import SettingsTab, settings_url

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
    """Ask, then cancel an invitation."""
    back = settings_url(request, workspace_id, anchor="#invitations")
    if request.method != "POST":
        invitation = list_invitations(request.user, workspace_id).filter(pk=invitation_id).first()
        if invitation is None:
            raise NotFound(_("There is no such invitation."))
        question = Question(
            title=_("Withdraw the invitation of @%(name)s?") % {"name": invitation.username},
            text=_("They cannot accept it any more. You can invite them again."),
            submit=_("Withdraw"),
            back=back,
        )
        return ask(request, question, workspace_id=workspace_id)
    attempt(
        request,
        lambda: services.cancel_invitation(user=request.user, workspace_id=workspace_id, invitation_id=invitation_id),
        _("The invitation was withdrawn."),
    )
    return redirect(back)


@member_page
@require_POST
def create_link(request: PageRequest, workspace_id: UUID) -> HttpResponse:
    """Create an invite link."""
    form = InviteForm(request.POST)
    if form.is_valid():
        attempt(
            request,
            lambda: services.create_invite(user=request.user, workspace_id=workspace_id, **form.cleaned_data),
            _("The link is ready: copy it from the list below."),
        )
    else:
        messages.error(request, _("Days must be 1 to 90, uses 1 to 1,000 or empty."))
    return redirect(settings_url(request, workspace_id, SettingsTab.LINKS, "#invites"))


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def revoke_link(request: PageRequest, workspace_id: UUID, invite_id: UUID) -> HttpResponse:
    """Ask, then delete an invite link."""
    if request.method != "POST":
        invite = list_invites(request.user, workspace_id).filter(pk=invite_id).select_related("workspace").first()
        if invite is None:
            raise NotFound(_("There is no such invite link."))
        question = Question(
            title=_("Revoke this invite link to “%(name)s”?") % {"name": isolate(invite.workspace)},
            text=_("Nobody can join with it any more. This cannot be undone, but you can create a new one."),
            submit=_("Revoke link"),
            back=settings_url(request, workspace_id, SettingsTab.LINKS, "#invites"),
        )
        return ask(request, question, workspace_id=workspace_id)
    attempt(
        request,
        lambda: services.revoke_invite(user=request.user, workspace_id=workspace_id, invite_id=invite_id),
        _("The link is no longer valid."),
    )
    return redirect(settings_url(request, workspace_id, SettingsTab.LINKS, "#invites"))


@never_cache
@require_safe
def show_link(request: HttpRequest, token: str) -> HttpResponse:
    """Show the invited workspace; people without an account can sign up and come back here."""
    try:
        invite = find_invite(token)
    except NotFound:
        return render(request, "workspaces/invite_gone.html", status=404)
    here = urlencode({"next": reverse("chats:invite", args=[token])})
    return render(request, "workspaces/invite.html", {"invite": invite, "next_query": here})


@never_cache
@require_POST
@login_required
def accept_link(request: HttpRequest, token: str) -> HttpResponse:
    """Join the workspace."""
    try:
        membership = services.accept_invite(user=cast("PageRequest", request).user, token=token)
    except ChatError:
        return render(request, "workspaces/invite_gone.html", status=404)
    return redirect("chats:workspace", membership.workspace_id)
