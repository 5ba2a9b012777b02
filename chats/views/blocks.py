"""The reader's blocks of other users."""

from __future__ import annotations

from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chats import services
from chats.selectors.blocks import list_blocks
from chats.services.blocks import find_acquaintance
from chats.views.base import PageRequest, Question, ask, attempt, member_page, render_in_shell

PER_PAGE = 50


@member_page
@require_safe
def blocks(request: PageRequest) -> HttpResponse:
    """List the users whom the reader blocks."""
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
            text=_("They cannot invite you or write to you directly, and they are not told. You can unblock them."),
            submit=_("Block %(name)s") % name,
            back=reverse("chats:home"),
        )
        return ask(request, question)
    attempt(
        request,
        lambda: services.block_user(user=request.user, user_id=user_id),
        _("Blocked. They cannot invite you or write to you directly."),
    )
    return redirect("chats:blocks")


@member_page
@require_POST
def unblock(request: PageRequest, user_id: UUID) -> HttpResponse:
    """End a block."""
    attempt(request, lambda: services.unblock_user(user=request.user, user_id=user_id), _("No longer blocked."))
    return redirect("chats:blocks")
