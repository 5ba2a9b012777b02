"""The admin page "Who is online": processes and connected users, with a button that disconnects a user."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from presence.exceptions import RegistryUnavailable
from presence.models import OnlineUser
from presence.overview import read_overview, started_at
from presence.registry.current import get_registry

USERS_PER_PAGE = 100

# Generic for the type checker only.
if TYPE_CHECKING:
    RowAdmin = admin.ModelAdmin[OnlineUser]
else:
    RowAdmin = admin.ModelAdmin


@admin.register(OnlineUser)
class OnlineUserAdmin(RowAdmin):
    """A page that lists, and an address that disconnects; permissions are those of LastSeen."""

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whether the caller may see the page."""
        return request.user.has_perm("presence.view_lastseen") or self.has_change_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whether the caller may disconnect people."""
        return request.user.has_perm("presence.change_lastseen")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody may: people add themselves."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody may."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """Leave out the pages of single rows."""
        view: Callable[..., Any] = self.admin_site.admin_view
        return [
            path("", view(require_safe(self.changelist_view)), name="presence_onlineuser_changelist"),
            path(
                "<uuid:user_id>/disconnect/",
                view(require_POST(self.disconnect_view)),
                name="presence_onlineuser_disconnect",
            ),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the processes, and one page of the users who are connected to them."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        search = request.GET.get("q", "")
        context = {
            **self.admin_site.each_context(request),
            "title": OnlineUser._meta.verbose_name_plural,
            "opts": OnlineUser._meta,
            "search": search,
            "is_enabled": settings.FLOWRA_PRESENCE_ENABLED,
            "may_disconnect": self.has_change_permission(request),
            "users_url": _users_url(request),
            **(extra_context or {}),
        }
        if settings.FLOWRA_PRESENCE_ENABLED:
            try:
                overview = read_overview(search)
            except RegistryUnavailable:
                context["is_unavailable"] = True
            else:
                page = Paginator(overview.users, USERS_PER_PAGE).get_page(request.GET.get("p"))
                processes = [(process, started_at(process.info)) for process in overview.processes]
                context.update(processes=processes, page=page)
        return TemplateResponse(request, "admin/presence/who_is_online.html", context)

    def disconnect_view(self, request: HttpRequest, user_id: UUID) -> HttpResponse:
        """Have every process that holds the user close their connections, and go back to the page."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        user = get_object_or_404(get_user_model(), pk=user_id)
        if settings.FLOWRA_PRESENCE_ENABLED:
            try:
                self._report(request, user, get_registry().kick(user_id))
            except RegistryUnavailable:
                self.message_user(request, _("The registry does not answer; nobody was disconnected."), messages.ERROR)
        else:
            self.message_user(request, _("Presence is switched off; nobody was disconnected."), messages.ERROR)
        page = reverse("admin:presence_onlineuser_changelist", current_app=self.admin_site.name)
        query = request.GET.urlencode()
        return HttpResponseRedirect(f"{page}?{query}" if query else page)

    def _report(self, request: HttpRequest, user: Model, told: int) -> None:
        if not told:
            text = _("%(user)s has no connections any more.") % {"user": user}
            self.message_user(request, text, messages.WARNING)
            return
        # In the user's history, because OnlineUser has no row of its own.
        self.log_change(request, user, "Disconnected.")  # type: ignore[arg-type]  # any model will do
        text = ngettext(
            "%(count)d process was told to disconnect %(user)s.",
            "%(count)d processes were told to disconnect %(user)s.",
            told,
        )
        self.message_user(request, text % {"count": told, "user": user}, messages.SUCCESS)


def _users_url(request: HttpRequest) -> str:
    """Return the address of the list of users, or "" for callers who may not see it."""
    meta = get_user_model()._meta
    may = request.user.has_perm(f"{meta.app_label}.view_{meta.model_name}")
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist") if may else ""
