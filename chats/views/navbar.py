"""The bell, the quick switcher, favourites."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from chats import services
from chats.selectors.chats import list_chats, peers_of, search_chats
from chats.selectors.messages import excerpts
from chats.selectors.notifications import count_unread_notifications, list_notifications
from chats.selectors.search import search_messages
from chats.selectors.workspaces import list_people
from chats.views.base import PageRequest, member_page, render_in_shell
from chats.views.forms import SearchForm
from chats.views.room_list import ChatEntry

IN_MENU, PER_PAGE = 12, 50
JUMP_CHATS, JUMP_PEOPLE, JUMP_MESSAGES = 8, 6, 8
MESSAGES_FROM = 2  # letters; one would match nearly every message, except in scripts like Chinese


@member_page
@require_safe
def notifications(request: PageRequest) -> HttpResponse:
    """Show the notifications: the latest ones in the bell's menu, all of them on a page."""
    if request.htmx:
        return _menu(request)
    page = Paginator(list_notifications(request.user), PER_PAGE).get_page(request.GET.get("page"))
    return render_in_shell(request, "chats/notifications.html", {"page": page, "notifications": page.object_list})


def _menu(request: PageRequest) -> HttpResponse:
    rows = list_notifications(request.user)[:IN_MENU]
    return render(request, "chats/_notifications.html", {"notifications": rows})


@member_page
@require_safe
def bell(request: PageRequest) -> HttpResponse:
    """Return the bell's badge."""
    return render(request, "layout/_bell_badge.html", {"bell_count": count_unread_notifications(request.user)})


@member_page
@require_POST
def read_notifications(request: PageRequest) -> HttpResponse:
    """Mark all notifications as read."""
    services.mark_notifications_read(user=request.user, ids=None)
    if not request.htmx:
        return redirect("chats:notifications")
    response = _menu(request)
    response["HX-Trigger"] = "bell.refresh"
    return response


@member_page
@require_POST
def open_notification(request: PageRequest, notification_id: UUID) -> HttpResponse:
    """Mark a notification as read and redirect to its subject."""
    services.mark_notifications_read(user=request.user, ids=[notification_id])
    row = list_notifications(request.user).filter(pk=notification_id).first()
    if row is None:
        return redirect("chats:notifications")
    if row.chat_id is None:
        return redirect("chats:invitations")
    url = reverse("chats:detail", args=[row.chat_id])
    if row.message is not None:
        url += f"?{urlencode({'at': row.message.seq})}#message-{row.message.seq}"
    return redirect(url)


@member_page
@require_POST
def favourite(request: PageRequest, chat_id: UUID) -> HttpResponse:
    """Make a chat a favourite of the reader, or none any more, for browsers without scripts."""
    services.change_own_settings(
        user=request.user, chat_id=chat_id, is_favourite=request.POST.get("is_favourite") == "true"
    )
    return redirect("chats:detail", chat_id)


@member_page
@require_safe
def search(request: PageRequest) -> HttpResponse:
    """Find chats, people and messages to open; without a query, the latest chats."""
    form = SearchForm(request.GET)
    query = form.cleaned_data["q"].strip() if form.is_valid() else ""
    user = request.user
    chats = list(
        search_chats(user, query)[:JUMP_CHATS]
        if query
        else list_chats(user).order_by("-chat__last_message_at", "chat_id")[:JUMP_CHATS]
    )
    peers = peers_of(chats)
    context = {
        "query": query,
        "chats": [ChatEntry(row, peers.get(row.chat_id), is_current=False) for row in chats],
        "people": list_people(user, query).exclude(pk=user.pk)[:JUMP_PEOPLE] if query else (),
        "found": excerpts(search_messages(user, query, limit=JUMP_MESSAGES))
        if len(query) >= MESSAGES_FROM or not query.isascii()
        else (),
    }
    if request.headers.get("X-Requested-With"):
        return render(request, "chats/_jump.html", context)
    return render_in_shell(request, "chats/search.html", context)
