"""Admin pages of workspaces, chats and members, which write through services.

Counters, times and ids are read-only.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from chats import services
from chats.admin.base import ServiceAdmin, ViewOnlyAdmin
from chats.models import (
    Chat,
    ChatKind,
    ChatMember,
    Message,
    Notification,
    Workspace,
    WorkspaceInvite,
    WorkspaceMember,
)

if TYPE_CHECKING:
    from flowra.accounts.models import User

    Deleted = tuple[list[Any], dict[str, int], set[str], list[Any]]


def _list_link(model: str, label: object, **filters: object) -> SafeString:
    """Return a link to the list of `model` with these filters, which may have thousands of rows."""
    query = {key: str(value) for key, value in filters.items()}
    return format_html('<a href="{}">{}</a>', reverse(f"admin:chats_{model}_changelist", query=query), label)


@admin.register(Workspace)
class WorkspaceAdmin(ServiceAdmin):
    list_display = ("name", "created_by", "created_at")
    list_select_related = ("created_by",)
    list_filter = ("created_at",)
    search_fields = ("name", "=id")
    autocomplete_fields = ("created_by",)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """Ask for the name and the first owner; show the rest once it is there."""
        return ("id", "name", "created_by", "created_at", "more") if obj else ("name", "created_by")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """Leave only the name open once the workspace is there."""
        return ("id", "created_by", "created_at", "more") if obj else ()

    def get_form(self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any) -> Any:
        """Ask for the owner by that name: a workspace without one could be managed by nobody."""
        return super().get_form(request, obj, change=change, labels={"created_by": _("Owner")}, **kwargs)

    @admin.display(description=_("more"))
    def more(self, workspace: Workspace) -> SafeString:
        """Link to what is in it."""
        members = _list_link("workspacemember", _("Members"), workspace=workspace.pk)
        return format_html("{} · {}", members, _list_link("chat", _("Chats"), workspace=workspace.pk))

    def save_model(self, request: HttpRequest, obj: Model, form: forms.Form, change: bool) -> None:
        """Create it with its owner, or rename it."""
        workspace = cast(Workspace, obj)
        if change:
            services.moderate_rename_workspace(workspace_id=workspace.pk, name=workspace.name)
            obj.refresh_from_db()
        else:
            owner = cast("User", workspace.created_by)
            _become(obj, services.create_workspace(user=owner, name=workspace.name).workspace)

    def get_deleted_objects(self, objs: Iterable[Any], request: HttpRequest) -> Deleted:
        """Count what goes with it; listing it all could be a page of any length."""
        ids = [workspace.pk for workspace in objs]
        counts = {
            str(_("workspaces")): len(ids),
            str(_("chats")): Chat.objects.filter(workspace__in=ids).count(),
            str(_("messages")): Message.objects.filter(chat__in=Chat.objects.filter(workspace__in=ids)).count(),
        }
        return [str(workspace) for workspace in objs], counts, set(), []

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        """Delete it through the service, so that open pages follow."""
        services.moderate_delete_workspace(workspace_id=obj.pk)


@admin.register(WorkspaceMember)
class WorkspaceMemberAdmin(ServiceAdmin):
    list_display = ("user", "workspace", "role", "created_at")
    list_select_related = ("user", "workspace")
    list_filter = ("role", "created_at")
    search_fields = ("user__username", "user__display_name", "workspace__name")
    autocomplete_fields = ("workspace", "user")
    fields = ("workspace", "user", "role")
    delete_order = ("workspace_id", "pk")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """Leave only the role open once the member is there."""
        return ("workspace", "user") if obj else ()

    def save_model(self, request: HttpRequest, obj: Model, form: forms.Form, change: bool) -> None:
        """Add the member, or change their role."""
        member = cast(WorkspaceMember, obj)
        where = {"workspace_id": member.workspace_id, "user_id": member.user_id}
        if change:
            services.moderate_change_role(**where, role=member.role)
        else:
            _become(obj, services.moderate_add_workspace_member(**where, role=member.role))

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        """Remove the member, from all chats too."""
        member = cast(WorkspaceMember, obj)
        services.moderate_remove_workspace_member(workspace_id=member.workspace_id, user_id=member.user_id)


@admin.register(Chat)
class ChatAdmin(ServiceAdmin):
    list_display = ("__str__", "kind", "workspace", "seq", "last_message_at", "closed_at")
    list_select_related = ("workspace",)
    list_filter = ("kind", ("closed_at", admin.EmptyFieldListFilter), "created_at")
    search_fields = ("title", "workspace__name", "=id")
    ordering = ("-id",)
    fields = (
        "id", "workspace", "kind", "title", "more", "seq", "revision", "access_version", "created_by", "created_at",
        "last_message_at", "closed_at",
    )  # fmt: skip
    actions = ("close_chats", "reopen_chats")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Chats are made by those who talk in them."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """Leave only the title open, if it is of a kind that has one."""
        direct = isinstance(obj, Chat) and obj.kind == ChatKind.DIRECT
        return tuple(name for name in self.fields if name != "title" or direct)

    @admin.display(description=_("more"))
    def more(self, chat: Chat) -> SafeString:
        """Link to who and what is in it."""
        members = _list_link("chatmember", _("Members"), chat=chat.pk)
        return format_html("{} · {}", members, _list_link("message", _("Messages"), chat=chat.pk))

    def save_model(self, request: HttpRequest, obj: Model, form: forms.Form, change: bool) -> None:
        """Rename the chat."""
        if "title" in form.changed_data:
            services.moderate_rename_chat(chat_id=obj.pk, title=form.cleaned_data["title"])
            obj.refresh_from_db()

    def get_deleted_objects(self, objs: Iterable[Any], request: HttpRequest) -> Deleted:
        """Count what goes with it; listing it all could be a page of any length."""
        ids = [chat.pk for chat in objs]
        counts = {
            str(_("chats")): len(ids),
            str(_("messages")): Message.objects.filter(chat__in=ids).count(),
        }
        return [str(chat) for chat in objs], counts, set(), []

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        """Delete it through the service, so that open pages follow."""
        services.moderate_delete_chat(chat_id=obj.pk)

    @admin.action(description=_("Archive the selected chats"), permissions=["change"])
    def close_chats(self, request: HttpRequest, queryset: QuerySet[Chat]) -> None:
        """Take no more messages in these chats."""
        rows = queryset.filter(closed_at__isnull=True)
        count = self.moderate(request, rows, lambda chat: services.moderate_close_chat(chat_id=chat.pk), "Closed.")
        self.message_user(request, ngettext("%d chat was archived.", "%d chats were archived.", count) % count)

    @admin.action(description=_("Unarchive the selected chats"), permissions=["change"])
    def reopen_chats(self, request: HttpRequest, queryset: QuerySet[Chat]) -> None:
        """Take messages in these chats again."""
        rows = queryset.filter(closed_at__isnull=False)
        count = self.moderate(request, rows, lambda chat: services.moderate_reopen_chat(chat_id=chat.pk), "Reopened.")
        self.message_user(request, ngettext("%d chat was unarchived.", "%d chats were unarchived.", count) % count)


@admin.register(ChatMember)
class ChatMemberAdmin(ServiceAdmin):
    list_display = ("user", "chat", "last_read_seq", "mention_count", "created_at")
    list_select_related = ("user", "chat")
    list_filter = ("created_at",)
    search_fields = ("user__username", "user__display_name", "chat__title")
    autocomplete_fields = ("chat", "user")
    delete_order = ("chat_id", "pk")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """Show the counters once the member is there."""
        counters = ("last_read_seq", "mention_count", "is_favourite", "created_at")
        return ("chat", "user", *counters) if obj else ("chat", "user")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """There is nothing to change: people read for themselves."""
        return False

    def save_model(self, request: HttpRequest, obj: Model, form: forms.Form, change: bool) -> None:
        """Add the member in the name of who is signed in."""
        member = cast(ChatMember, obj)
        actor = cast("User", request.user)
        _become(obj, services.moderate_add_chat_member(actor=actor, chat_id=member.chat_id, user_id=member.user_id))

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        """Remove the member, who receives nothing more after the commit."""
        member = cast(ChatMember, obj)
        services.moderate_remove_chat_member(chat_id=member.chat_id, user_id=member.user_id)


@admin.register(Notification)
class NotificationAdmin(ViewOnlyAdmin):
    deleted_by = "chat__deleted_at"
    list_display = ("user", "kind", "actor", "chat", "created_at", "read_at")
    list_select_related = ("user", "actor", "chat")
    list_filter = ("kind", ("read_at", admin.EmptyFieldListFilter), "created_at")
    search_fields = ("user__username", "user__display_name", "actor__username", "chat__title")


@admin.register(WorkspaceInvite)
class WorkspaceInviteAdmin(ViewOnlyAdmin):
    """Invites without their tokens, which are secret; deleting one revokes it."""

    list_display = ("workspace", "role", "created_by", "created_at", "expires_at", "use_count", "max_uses")
    list_select_related = ("workspace", "created_by")
    list_filter = ("role", "expires_at")
    search_fields = ("workspace__name", "created_by__username")
    fields = ("workspace", "role", "created_by", "created_at", "expires_at", "max_uses", "use_count")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whether the caller may revoke invites."""
        return request.user.has_perm("chats.delete_workspaceinvite")


def _become(obj: Model, stored: Model) -> None:
    """Let the admin go on with the row that a service has stored instead of the one its form has made."""
    obj.pk = stored.pk
    obj.refresh_from_db()
