"""The chat's page and the parts of it that are fetched again."""

from __future__ import annotations

import dataclasses
import uuid
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from chats.lib.static_version import static_version
from chats.models import ChatKind, ChatMember, Message, Role
from chats.payloads import user_payload
from chats.selectors.access import access_chat, may_manage_chat
from chats.selectors.chats import list_authors
from chats.selectors.unread import find_first_unread, unread_count
from chats.views import timeline
from chats.views.base import PageRequest, last_chat_id, member_page, render_in_shell, shell_for
from chats.views.forms import MembersQueryForm, WindowForm
from chats.views.room_list import ChatEntry
from chats.views.shell import Shell, build_entry

NAMES_AT_ONCE = 200


@dataclasses.dataclass(frozen=True, slots=True)
class Composer:
    """What the composer shows: nothing, or what could not be sent, with the reason."""

    client_id: UUID = dataclasses.field(default_factory=uuid.uuid4)
    body: str = ""
    reply_to: Message | None = None
    error: str = ""
    preview: str = ""  # safe HTML


@member_page
@require_safe
def home(request: PageRequest) -> HttpResponse:
    """Redirect to the chat the reader was in last, or the first one; without any, show what to do."""
    shell = shell_for(request)
    last = last_chat_id(request)
    rooms = shell.open_rooms
    room = next((room for room in rooms if room.membership.chat_id == last), rooms[0] if rooms else None)
    if room is not None:
        return redirect("chats:detail", room.membership.chat_id)
    return render(request, "chats/empty.html", {"shell": shell})


@member_page
@require_safe
def detail(request: PageRequest, chat_id: UUID) -> HttpResponse:
    """Show a chat at its first unread message, or at its end; `?before=`, `?after=` and `?at=` as in `lines`.

    To scripts (X-Requested-With) only the chat, without the frame around it.
    """
    membership = access_chat(request.user, chat_id)
    window = _window(request)
    if window.get("before") and request.headers.get("X-Requested-With"):
        return _render_lines(request, membership, window)  # a page of the version before asks here
    answered = timeline.answered_in(membership.chat, window.get("reply_to"))
    return render_chat(request, membership, window=window, composer=Composer(reply_to=answered))


@member_page
@require_safe
def lines(request: PageRequest, chat_id: UUID) -> HttpResponse:
    """Return messages for scripts: those before, after or around a `seq`, and without one the last ones.

    Where there are more, #older and #newer stand at the ends: with `?before=` only above, with `?after=` only below.
    #lines-state has the chat's `seq` and `revision`, read before the messages.
    """
    return _render_lines(request, access_chat(request.user, chat_id), _window(request))


def _render_lines(request: PageRequest, membership: ChatMember, window: dict[str, Any]) -> HttpResponse:
    may_manage = may_manage_chat(membership)
    shown = _shown(membership, window, may_manage=may_manage) or timeline.latest(membership, may_manage=may_manage)
    context = {
        "timeline": shown,
        "chat": membership.chat,
        "joins_above": window.get("after") is not None,
        "joins_below": window.get("before") is not None,
        "state": {"seq": membership.chat.seq, "revision": membership.chat.revision},
    }
    return render(request, "chats/_more_lines.html", context)


def _window(request: PageRequest) -> dict[str, Any]:
    form = WindowForm(request.GET)
    return form.cleaned_data if form.is_valid() else {}


def _shown(membership: ChatMember, window: dict[str, Any], *, may_manage: bool) -> timeline.Timeline | None:
    """Return the messages that the address asks for; None where it names none."""
    for name, select in (("before", timeline.before), ("after", timeline.after), ("at", timeline.around)):
        if window.get(name) is not None:
            return select(membership, window[name], may_manage=may_manage)
    return None


def render_chat(
    request: PageRequest,
    membership: ChatMember,
    *,
    window: dict[str, Any] | None = None,
    composer: Composer | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render the whole page of a chat, or to scripts its part; `window` as WindowForm has it."""
    chat = membership.chat
    is_part = bool(request.headers.get("X-Requested-With"))
    # A part is also fetched before it is opened: nothing is remembered of it.
    shell = None if is_part else shell_for(request, chat_id=chat.pk)
    room = build_entry(membership) if shell is None else shell.room(chat.pk)
    may_manage = may_manage_chat(membership) if shell is None else _may_manage(membership, shell)
    shown = _shown(membership, window or {}, may_manage=may_manage)
    if shown is None:
        shown, first_unread = timeline.opening(membership, may_manage=may_manage)
    else:
        first_unread = find_first_unread(membership)
    context = {
        "shell": shell,
        **_header_context(membership, room, may_manage=may_manage),
        "timeline": shown,
        "composer": composer or Composer(),
        "bootstrap": {
            **_bootstrap(request, membership, may_manage=may_manage),
            "is_live": shown.is_live,
            "unread_count": unread_count(room.membership if room is not None else membership),
            "first_unread_seq": None if first_unread is None else first_unread.seq,
            "first_unread_at": None if first_unread is None else first_unread.created_at.isoformat(),
        },
    }
    return render(request, "chats/_part.html" if is_part else "chats/detail.html", context, status=status)


@member_page
@require_safe
def header(request: PageRequest, chat_id: UUID) -> HttpResponse:
    """Return the chat's header, fetched again after the chat was renamed, closed or reopened."""
    membership = access_chat(request.user, chat_id)
    context = _header_context(membership, build_entry(membership), may_manage=may_manage_chat(membership))
    return render(request, "chats/_header.html", context)


@member_page
@require_safe
def members(request: PageRequest, chat_id: UUID) -> HttpResponse:
    """Return the list of members, in pages and searched: a part of the chat's page, or a page of its own."""
    membership = access_chat(request.user, chat_id)
    context = {
        "chat": membership.chat,
        "may_manage": may_manage_chat(membership),
        "is_direct": membership.chat.kind == ChatKind.DIRECT,
    }
    form = MembersQueryForm(request.GET)
    form.is_valid()  # what is not valid is not asked for
    context["member_query"] = form.cleaned_data
    if request.headers.get("X-Requested-With"):
        return render(request, "chats/_members.html", context)
    context["is_page"] = True
    return render_in_shell(request, "chats/members.html", context, workspace_id=membership.chat.workspace_id)


@member_page
@require_safe
def names(request: PageRequest, chat_id: UUID) -> JsonResponse:
    """Return by id the names of those of `?ids=` who have posted in the chat."""
    chat = access_chat(request.user, chat_id).chat
    ids = [found for found in map(_id, request.GET.get("ids", "").split(",")[:NAMES_AT_ONCE]) if found is not None]
    return JsonResponse({str(user.pk): user.get_full_name() for user in list_authors(chat, ids)})


@member_page
@require_safe
def sidebar(request: PageRequest) -> HttpResponse:
    """Return the list of chats and the menu of workspaces; `?chat=` and `?workspace=` are the open ones.

    With `?part=menu` only the menu: with it the counts of the other workspaces.
    """
    shell = shell_for(
        request, workspace_id=_id(request.GET.get("workspace", "")), chat_id=_id(request.GET.get("chat", ""))
    )
    context = {"shell": shell, "menu_only": request.GET.get("part") == "menu"}
    return render(request, "layout/_sidebar_fresh.html", context)


def _id(value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        return None


def _may_manage(membership: ChatMember, shell: Shell) -> bool:
    """Whether the viewer may rename, close and delete: `may_manage_chat` without its query."""
    if membership.chat.kind == ChatKind.DIRECT:
        return False
    if membership.chat.created_by_id == membership.user_id:
        return True
    here = shell.workspace
    return (
        here is not None and here.workspace_id == membership.chat.workspace_id and here.role in (Role.OWNER, Role.ADMIN)
    )


def _header_context(membership: ChatMember, room: ChatEntry | None, *, may_manage: bool) -> dict[str, Any]:
    chat = membership.chat
    return {
        "chat": chat,
        "membership": membership,
        "label": room.label if room is not None else str(chat),
        "peer": room.peer if room is not None else None,
        "is_direct": chat.kind == ChatKind.DIRECT,
        "may_manage": may_manage,
    }


def _bootstrap(request: PageRequest, membership: ChatMember, *, may_manage: bool) -> dict[str, Any]:
    """Return the data for the page's scripts, above all the revision at which the page was rendered.

    Messages are read after the chat's row, so the page may have later ones than `revision`; the socket then sends a
    change again, which is harmless, and leaves none out.
    """
    chat = membership.chat
    return {
        "chat_id": str(chat.pk),
        "workspace_id": str(chat.workspace_id),
        "kind": chat.kind,
        "revision": chat.revision,
        "seq": chat.seq,
        "last_read_seq": membership.last_read_seq,
        "is_closed": chat.is_closed,
        "may_manage": may_manage,
        "user": user_payload(request.user),
        "version": static_version(),
        "typing_enabled": settings.FLOWRA_TYPING_ENABLED,
        "presence_enabled": settings.FLOWRA_PRESENCE_ENABLED,
    }
