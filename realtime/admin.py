"""The admin site of realtime: notices, which reach all open pages within a second or so."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from chats.admin.base import ServiceAdmin
from realtime.models import Notice


@admin.register(Notice)
class NoticeAdmin(ServiceAdmin):
    """Notices are shown when they are created, so they cannot be changed later."""

    list_display = ("text", "level", "workspace", "created_at")
    list_select_related = ("workspace",)
    list_filter = ("level", "created_at")
    search_fields = ("text", "workspace__name")
    autocomplete_fields = ("workspace",)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """Show the time once there is one."""
        return ("level", "text", "workspace", "created_at") if obj else ("level", "text", "workspace")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody may."""
        return False
