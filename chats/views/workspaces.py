"""Workspaces: making them, their name, members and roles."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chats import services
from chats.exceptions import NotFound
from chats.lib.direction import isolate
from chats.models import Role, Workspace, WorkspaceInvitation
from chats.selectors.access import access_workspace, may_manage_workspace
from chats.selectors.invitations import list_invitations
from chats.selectors.workspaces import list_workspace_members
from chats.views.base import (
    UNPROCESSABLE,
    PageRequest,
    Question,
    ask,
    attempt,
    carry_out,
    go_to,
    member_page,
    render_form,
    render_in_shell,
    shell_for,
)
from chats.views.forms import InviteForm, RoleForm, WorkspaceForm, WorkspaceMemberForm

MEMBERS_PER_PAGE = 50
INVITATIONS_SHOWN = 200  # the latest ones; REST has them all


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: PageRequest) -> HttpResponse:
    """Create a workspace."""
    form = WorkspaceForm(request.POST or None)
    membership = carry_out(form, lambda: services.create_workspace(user=request.user, name=form.cleaned_data["name"]))
    if membership is not None:
        return go_to(request, reverse("chats:workspace", args=[membership.workspace_id]))
    return render_form(request, form, title=_("New workspace"), submit=_("Create workspace"))


@member_page
@require_safe
def detail(request: PageRequest, workspace_id: UUID) -> HttpResponse:
    """Redirect to the workspace's first chat; without one, show what to do."""
    access_workspace(request.user, workspace_id)
    shell = shell_for(request, workspace_id=workspace_id)
    for room in [*shell.discussions, *shell.work, *shell.directs]:
        return redirect("chats:detail", room.membership.chat_id)
    return render_in_shell(request, "chats/empty.html", {}, workspace_id=workspace_id)


@member_page
@require_safe
def settings(request: PageRequest, workspace_id: UUID) -> HttpResponse:
    """Show name, members, roles and invites."""
    return _render_settings(request, workspace_id)


@member_page
@require_POST
def rename(request: PageRequest, workspace_id: UUID) -> HttpResponse:
    """Give the workspace another name."""
    form = WorkspaceForm(request.POST)
    done = carry_out(
        form,
        lambda: services.rename_workspace(user=request.user, workspace_id=workspace_id, name=form.cleaned_data["name"]),
    )
    if done is not None:
        return redirect("chats:workspace_settings", workspace_id)
    return _render_settings(request, workspace_id, name_form=form)


@member_page
@require_POST
def add_member(request: PageRequest, workspace_id: UUID) -> HttpResponse:
    """Add somebody who has an account, by username; a stranger is invited."""
    form = WorkspaceMemberForm(request.POST)
    done = carry_out(
        form,
        lambda: services.add_workspace_member(
            user=request.user, workspace_id=workspace_id, username=form.cleaned_data["username"].strip("@ ")
        ),
    )
    if done is not None:
        if isinstance(done[0], WorkspaceInvitation):
            messages.success(request, _("Invited. They join when they accept."))
        return redirect("chats:workspace_settings", workspace_id)
    return _render_settings(request, workspace_id, member_form=form)


@member_page
@require_POST
def change_role(request: PageRequest, workspace_id: UUID, user_id: UUID) -> HttpResponse:
    """Give a member another role; asks first if the reader would give up their own, which they cannot undo."""
    form = RoleForm(request.POST)
    role = form.cleaned_data["role"] if form.is_valid() else ""
    membership = access_workspace(request.user, workspace_id)
    gives_up = user_id == request.user.pk and may_manage_workspace(membership) and role not in ("", membership.role)
    if gives_up and "confirmed" not in request.POST:
        question = Question(
            title=_("Give up your role in “%(name)s”?") % {"name": isolate(membership.workspace)},
            text=_("You will be “%(new)s” afterwards, and only others can change that.") % {"new": Role(role).label},
            submit=_("Give up my role"),
            back=reverse("chats:workspace_settings", args=[workspace_id]),
            kept={"role": role, "confirmed": "1"},
        )
        return ask(request, question, workspace_id=workspace_id)
    attempt(
        request,
        lambda: services.change_role(user=request.user, workspace_id=workspace_id, member_id=user_id, role=role),
        _("The role was changed."),
    )
    return redirect("chats:workspace_settings", workspace_id)


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def remove_member(request: PageRequest, workspace_id: UUID, user_id: UUID) -> HttpResponse:
    """Ask, then remove a member (or the reader, who leaves) from the workspace and all its chats."""
    if request.method != "POST":
        workspace = access_workspace(request.user, workspace_id).workspace
        return ask(
            request, _ask_about(workspace, user_id, is_self=user_id == request.user.pk), workspace_id=workspace_id
        )
    removed = attempt(
        request,
        lambda: services.remove_workspace_member(user=request.user, workspace_id=workspace_id, member_id=user_id),
    )
    if removed and user_id == request.user.pk:
        return redirect("chats:home")
    return redirect("chats:workspace_settings", workspace_id)


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: PageRequest, workspace_id: UUID) -> HttpResponse:
    """Ask, then delete the workspace with all its chats; owners only."""
    membership = access_workspace(request.user, workspace_id)
    if request.method == "POST":
        attempt(request, lambda: services.delete_workspace(user=request.user, workspace_id=workspace_id))
        return redirect("chats:home")
    question = Question(
        title=_("Delete the workspace “%(name)s”?") % {"name": isolate(membership.workspace)},
        text=_("All its chats and messages are deleted, for everybody. This cannot be undone."),
        submit=_("Delete workspace"),
        back=reverse("chats:workspace_settings", args=[workspace_id]),
    )
    return ask(request, question, workspace_id=workspace_id)


def _ask_about(workspace: Workspace, user_id: UUID, *, is_self: bool) -> Question:
    """Return the question before removing a member or leaving; raises NotFound if they are no member."""
    membership = list_workspace_members(workspace).filter(user_id=user_id).first()
    if membership is None:
        raise NotFound(_("There is no such member."))
    name = membership.user.get_full_name()
    back = reverse("chats:workspace_settings", args=[workspace.pk])
    if is_self:
        return Question(
            title=_("Leave the workspace “%(name)s”?") % {"name": isolate(workspace)},
            text=_("You leave all its chats. For 30 days nobody there can invite you again."),
            submit=_("Leave"),
            back=back,
        )
    return Question(
        title=_("Remove %(name)s from the workspace “%(workspace)s”?")
        % {"name": isolate(name), "workspace": isolate(workspace)},
        text=_("They leave all its chats, and can come back only with a new invitation."),
        submit=_("Remove %(name)s") % {"name": isolate(name)},
        back=back,
    )


def _render_settings(
    request: PageRequest,
    workspace_id: UUID,
    *,
    name_form: WorkspaceForm | None = None,
    member_form: WorkspaceMemberForm | None = None,
) -> HttpResponse:
    membership = access_workspace(request.user, workspace_id)
    workspace = membership.workspace
    may_manage = may_manage_workspace(membership)
    context = {
        "membership": membership,
        "workspace": workspace,
        "may_manage": may_manage,
        "is_owner": membership.role == Role.OWNER,
        "members": Paginator(list_workspace_members(workspace), MEMBERS_PER_PAGE).get_page(request.GET.get("page")),
        "roles": [(r.value, r.label) for r in Role if membership.role == Role.OWNER or r != Role.OWNER],
        "name_form": name_form or WorkspaceForm(initial={"name": workspace.name}),
        "member_form": member_form or WorkspaceMemberForm(),
        "invite_form": InviteForm(),
        "invitations": list_invitations(request.user, workspace_id)[:INVITATIONS_SHOWN] if may_manage else (),
        "invites": workspace.invites.all() if may_manage else (),
    }
    failed = name_form is not None or member_form is not None
    status = UNPROCESSABLE if failed else 200
    return render_in_shell(request, "workspaces/settings.html", context, workspace_id=workspace_id, status=status)
