"""Creating, renaming, closing, leaving and deleting chats, and their members."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models.functions import Lower
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from chats import services
from chats.exceptions import Forbidden, NotFound
from chats.lib.direction import isolate
from chats.models import Chat, ChatKind, ChatMember
from chats.selectors.access import access_chat, access_workspace, may_manage_chat
from chats.selectors.workspaces import list_workspace_members, shared_workspaces
from chats.views.base import (
    PageRequest,
    Question,
    ask,
    attempt,
    carry_out,
    go_to,
    member_page,
    render_form,
    shell_for,
)
from chats.views.forms import ChatForm, DirectForm, MembersForm, People, TitleForm

if TYPE_CHECKING:
    from django.db.models import QuerySet

PEOPLE_SHOWN = 100  # in a form; others are given by username


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: PageRequest, workspace_id: UUID) -> HttpResponse:
    """Create a discussion, task, bug or epic."""
    people = _colleagues(request, workspace_id)
    form = ChatForm(request.POST or None, people=people, initial={"kind": request.GET.get("kind", "discussion")})
    made = carry_out(
        form, lambda: services.create_chat(user=request.user, workspace_id=workspace_id, **form.cleaned_data)
    )
    if made is not None:
        return go_to(request, _chat_url(made[0]))
    return render_form(request, form, title=_("New chat"), submit=_("Create chat"), workspace_id=workspace_id)


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def create_direct(request: PageRequest, workspace_id: UUID) -> HttpResponse:
    """Create a direct chat, or open the existing one."""
    form = DirectForm(request.POST or None, people=_colleagues(request, workspace_id))
    made = carry_out(
        form,
        lambda: services.create_chat(
            user=request.user,
            workspace_id=workspace_id,
            kind=ChatKind.DIRECT,
            member_ids=form.cleaned_data["member_ids"],
        ),
    )
    if made is not None:
        return go_to(request, _chat_url(made[0]))
    return render_form(request, form, title=_("New direct chat"), submit=_("Open chat"), workspace_id=workspace_id)


@member_page
@require_POST
def direct_with(request: PageRequest, user_id: UUID) -> HttpResponse:
    """Open the direct chat with somebody: in the reader's current workspace, or else in another one of both."""
    shell = shell_for(request)
    entries = sorted(shell.workspaces, key=lambda entry: not entry.is_current)
    shared = shared_workspaces(request.user, user_id)
    workspace_id = next((e.membership.workspace_id for e in entries if e.membership.workspace_id in shared), None)
    if workspace_id is None:
        raise NotFound(_("There is no such person."))
    membership, _created = services.create_chat(
        user=request.user, workspace_id=workspace_id, kind=ChatKind.DIRECT, member_ids=[user_id]
    )
    return go_to(request, _chat_url(membership))


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def rename(request: PageRequest, chat_id: UUID) -> HttpResponse:
    """Give a chat another title."""
    membership = _managed(request, chat_id)
    form = TitleForm(request.POST or None, initial={"title": membership.chat.title})
    done = carry_out(
        form, lambda: services.rename_chat(user=request.user, chat_id=chat_id, title=form.cleaned_data["title"])
    )
    if done is not None:
        return go_to(request, _chat_url(membership))
    return render_form(
        request,
        form,
        title=_("Rename chat"),
        submit=_("Rename"),
        workspace_id=membership.chat.workspace_id,
        extra={"back": _chat_url(membership)},
    )


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def add_members(request: PageRequest, chat_id: UUID) -> HttpResponse:
    """Add people of the workspace to a chat."""
    membership = access_chat(request.user, chat_id)
    people = _colleagues(request, membership.chat.workspace_id, outside=membership.chat)
    form = MembersForm(request.POST or None, people=people)
    done = carry_out(
        form,
        lambda: services.add_chat_members(user=request.user, chat_id=chat_id, user_ids=form.cleaned_data["user_ids"]),
    )
    if done is not None:
        return go_to(request, _chat_url(membership))
    extra = {"back": _chat_url(membership), "nobody_left": not people.shown}
    return render_form(
        request,
        form,
        title=_("Add people"),
        submit=_("Add"),
        workspace_id=membership.chat.workspace_id,
        extra=extra,
    )


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def remove_member(request: PageRequest, chat_id: UUID, user_id: UUID) -> HttpResponse:
    """Ask, then remove somebody from a chat."""
    if request.method == "POST":
        attempt(request, lambda: services.remove_chat_member(user=request.user, chat_id=chat_id, user_id=user_id))
        return redirect("chats:detail", chat_id)
    membership = _managed(request, chat_id)
    name = _name_of(membership.chat.memberships.filter(user_id=user_id))
    question = Question(
        title=_("Remove %(name)s from “%(chat)s”?") % {"name": isolate(name), "chat": isolate(membership.chat)},
        text=_("They do not see its messages any more. A member can add them again."),
        submit=_("Remove %(name)s") % {"name": isolate(name)},
        back=_chat_url(membership),
    )
    return ask(request, question, workspace_id=membership.chat.workspace_id)


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def close(request: PageRequest, chat_id: UUID) -> HttpResponse:
    """Ask, then close a chat to new messages."""
    if request.method == "POST":
        attempt(request, lambda: services.close_chat(user=request.user, chat_id=chat_id))
        return redirect("chats:detail", chat_id)
    membership = _managed(request, chat_id)
    question = Question(
        title=_("Archive “%(chat)s”?") % {"chat": membership.chat},
        text=_("Its members can still read it, but nobody can write. You can unarchive it."),
        submit=_("Archive chat"),
        back=_chat_url(membership),
    )
    return ask(request, question, workspace_id=membership.chat.workspace_id)


@member_page
@require_POST
def reopen(request: PageRequest, chat_id: UUID) -> HttpResponse:
    """Reopen a chat."""
    attempt(request, lambda: services.reopen_chat(user=request.user, chat_id=chat_id))
    return redirect("chats:detail", chat_id)


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: PageRequest, chat_id: UUID) -> HttpResponse:
    """Ask, then leave a chat."""
    membership = access_chat(request.user, chat_id)
    return _confirmed(
        request,
        membership,
        lambda: services.remove_chat_member(user=request.user, chat_id=chat_id, user_id=request.user.pk),
        title=_("Leave “%(chat)s”?") % {"chat": isolate(membership.chat)},
        text=_("You will not see its messages any more. A member can add you again."),
        submit=_("Leave"),
    )


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: PageRequest, chat_id: UUID) -> HttpResponse:
    """Ask, then delete a chat with everything in it, or hide a direct chat from the reader."""
    membership = access_chat(request.user, chat_id)
    if membership.chat.kind == ChatKind.DIRECT:
        return _confirmed(
            request,
            membership,
            lambda: services.delete_chat(user=request.user, chat_id=chat_id),
            title=_("Hide this chat?"),
            text=_("It disappears from your list; nothing is deleted. It comes back with the next message."),
            submit=_("Hide chat"),
        )
    membership = _managed(request, chat_id)
    return _confirmed(
        request,
        membership,
        lambda: services.delete_chat(user=request.user, chat_id=chat_id),
        title=_("Delete “%(chat)s”?") % {"chat": isolate(membership.chat)},
        text=_("It is deleted with all its messages, for everybody. This cannot be undone."),
        submit=_("Delete chat"),
    )


def _confirmed(
    request: PageRequest,
    membership: ChatMember,
    action: Callable[[], None],
    *,
    title: str,
    text: str,
    submit: str,
) -> HttpResponse:
    """Run `action` and go home, or ask first."""
    if request.method == "POST":
        return go_to(request, "chats:home" if attempt(request, action) else _chat_url(membership))
    question = Question(title=title, text=text, submit=submit, back=_chat_url(membership))
    return ask(request, question, workspace_id=membership.chat.workspace_id)


def _name_of(memberships: QuerySet[ChatMember]) -> str:
    """Return the name of the only one of these members; raises NotFound if there is none."""
    membership = memberships.select_related("user").first()
    if membership is None:
        raise NotFound(_("There is no such member."))
    return membership.user.get_full_name()


def _managed(request: PageRequest, chat_id: UUID) -> ChatMember:
    membership = access_chat(request.user, chat_id)
    if not may_manage_chat(membership):
        raise Forbidden(_("Only the chat's creator and workspace admins can do this."))
    return membership


def _colleagues(request: PageRequest, workspace_id: UUID, *, outside: Chat | None = None) -> People:
    """Return the other active members of the workspace, or those outside a chat; raises NotFound for outsiders."""
    workspace = access_workspace(request.user, workspace_id).workspace
    rows = list_workspace_members(workspace).filter(user__is_active=True).exclude(user=request.user)
    if outside is not None:
        rows = rows.exclude(user__in=outside.memberships.values("user_id"))
    shown = [row.user for row in rows[: PEOPLE_SHOWN + 1]]

    def find(names: Collection[str]) -> dict[str, UUID]:
        named = rows.order_by().annotate(name=Lower("user__username")).filter(name__in=names)
        return dict(named.values_list("name", "user_id"))

    return People(shown[:PEOPLE_SHOWN], len(shown) > PEOPLE_SHOWN, find)


def _chat_url(membership: ChatMember) -> str:
    return reverse("chats:detail", args=[membership.chat_id])
