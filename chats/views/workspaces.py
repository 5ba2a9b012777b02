"""Workspaces: making them, their name, members and roles."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Page, Paginator
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
from chats.selectors.invitations import list_invitations, list_invites
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
from chats.views.forms import SEARCH_MAX_LENGTH, InviteForm, RoleForm, WorkspaceForm, WorkspaceMemberForm

if TYPE_CHECKING:
    from django.db.models import Model, QuerySet

    T = TypeVar("T", bound=Model)

PER_PAGE = 50
PAGES = ("page", "invitations", "links")  # parameters of an address: numbers of pages of the settings' lists


class SettingsTab(enum.Enum):
    """A part of a workspace's settings; members see the first one only."""

    MEMBERS = "members"
    LINKS = "links"
    GENERAL = "general"

    @classmethod
    def of(cls, value: str) -> SettingsTab:
        """Return the tab with this name; the first one where there is none."""
        return cls(value) if value in {tab.value for tab in cls} else cls.MEMBERS


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
    for room in shell.open_rooms:
        return redirect("chats:detail", room.membership.chat_id)
    return render_in_shell(request, "chats/empty.html", {}, workspace_id=workspace_id)


@member_page
@require_safe
def settings(request: PageRequest, workspace_id: UUID) -> HttpResponse:
    """Show members with their roles and the open invitations, invite links, or the name: a tab each."""
    return _render_settings(request, workspace_id, SettingsTab.of(request.GET.get("tab", "")))


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
        return redirect(settings_url(request, workspace_id, SettingsTab.GENERAL))
    return _render_settings(request, workspace_id, SettingsTab.GENERAL, name_form=form)


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
        return redirect(settings_url(request, workspace_id))
    return _render_settings(request, workspace_id, SettingsTab.MEMBERS, member_form=form)


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
            back=settings_url(request, workspace_id),
            kept={"role": role, "confirmed": "1"},
        )
        return ask(request, question, workspace_id=workspace_id)
    attempt(
        request,
        lambda: services.change_role(user=request.user, workspace_id=workspace_id, member_id=user_id, role=role),
        _("The role was changed."),
    )
    return redirect(settings_url(request, workspace_id))


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def remove_member(request: PageRequest, workspace_id: UUID, user_id: UUID) -> HttpResponse:
    """Ask, then remove a member (or the reader, who leaves) from the workspace and all its chats."""
    if request.method != "POST":
        workspace = access_workspace(request.user, workspace_id).workspace
        return ask(request, _ask_about(request, workspace, user_id), workspace_id=workspace_id)
    removed = attempt(
        request,
        lambda: services.remove_workspace_member(user=request.user, workspace_id=workspace_id, member_id=user_id),
    )
    if removed and user_id == request.user.pk:
        return redirect("chats:home")
    return redirect(settings_url(request, workspace_id))


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
        back=settings_url(request, workspace_id, SettingsTab.GENERAL),
    )
    return ask(request, question, workspace_id=workspace_id)


def settings_url(
    request: PageRequest, workspace_id: UUID, tab: SettingsTab = SettingsTab.MEMBERS, anchor: str = ""
) -> str:
    """Return the address of a tab of the settings, at the pages and the search that the request's address names."""
    query = urlencode({"tab": tab.value} if tab is not SettingsTab.MEMBERS else {})
    parts = [part for part in (query, _place(request)) if part]
    path = reverse("chats:workspace_settings", args=[workspace_id])
    return f"{path}{'?' if parts else ''}{'&'.join(parts)}{anchor}"


def _place(request: PageRequest) -> str:
    """Return the parameters that say where in the settings' lists the reader is."""
    return urlencode({name: request.GET[name] for name in (*PAGES, "search") if request.GET.get(name)})


def _ask_about(request: PageRequest, workspace: Workspace, user_id: UUID) -> Question:
    """Return the question before removing a member or leaving; raises NotFound if they are no member."""
    membership = list_workspace_members(workspace).filter(user_id=user_id).first()
    if membership is None:
        raise NotFound(_("There is no such member."))
    name = membership.user.get_full_name()
    back = settings_url(request, workspace.pk)
    if user_id == request.user.pk:
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
    tab: SettingsTab,
    *,
    name_form: WorkspaceForm | None = None,
    member_form: WorkspaceMemberForm | None = None,
) -> HttpResponse:
    membership = access_workspace(request.user, workspace_id)
    workspace = membership.workspace
    may_manage = may_manage_workspace(membership)
    search = request.GET.get("search", "").strip()[:SEARCH_MAX_LENGTH]
    context: dict[str, Any] = {
        "membership": membership,
        "workspace": workspace,
        "may_manage": may_manage,
        "is_owner": membership.role == Role.OWNER,
        "tab": tab.value if may_manage else SettingsTab.MEMBERS.value,
        "kept": f"?{_place(request)}" if _place(request) else "",
        "search": search,
        "member_count": workspace.memberships.count(),
    }
    if tab is SettingsTab.MEMBERS or not may_manage:
        context |= {
            "members": _page_of(request, "page", list_workspace_members(workspace, search)),
            "roles": [(r.value, r.label) for r in Role if membership.role == Role.OWNER or r != Role.OWNER],
            "member_form": member_form or WorkspaceMemberForm(),
        }
    if tab is SettingsTab.MEMBERS and may_manage:
        context["invitations"] = _page_of(request, "invitations", list_invitations(request.user, workspace_id))
    elif tab is SettingsTab.LINKS and may_manage:
        context |= {
            "invites": _page_of(request, "links", list_invites(request.user, workspace_id)),
            "invite_form": InviteForm(),
        }
    elif may_manage:
        context["name_form"] = name_form or WorkspaceForm(initial={"name": workspace.name})
    failed = name_form is not None or member_form is not None
    status = UNPROCESSABLE if failed else 200
    return render_in_shell(request, "workspaces/settings.html", context, workspace_id=workspace_id, status=status)


def _page_of(request: PageRequest, parameter: str, rows: QuerySet[T]) -> Page[T]:
    return Paginator(rows, PER_PAGE).get_page(request.GET.get(parameter))
