"""Admin pages of messages. Direct messages are shown only by an action, which is logged."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from chats import services
from chats.admin.base import RowAdmin, ViewOnlyAdmin
from chats.models import ChatKind, Mention, Message

# Who did what to whose data: flowra.audit keeps all such lines, see docs/operations.md.
audit_logger = logging.getLogger("flowra.audit")

READ_AT_ONCE = 100
PRIVATE_FIELDS = ("body", "html")


class PrivateBodies(RowAdmin):
    """Searches the text of all messages except direct ones, because finding a word is as good as reading it."""

    private_chat = "chat"  # the look-up from a row to its chat
    private_search_fields: tuple[str, ...] = ()  # for rows of direct chats

    def get_search_fields(self, request: HttpRequest) -> Any:
        """Return the fields for the rows that are being searched."""
        return self.private_search_fields if getattr(request, "searches_direct", False) else self.search_fields

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search direct chats by their own fields, all others by all fields."""
        direct = queryset.filter(**{f"{self.private_chat}__kind": ChatKind.DIRECT})
        others = queryset.exclude(**{f"{self.private_chat}__kind": ChatKind.DIRECT})
        found, may_repeat = super().get_search_results(request, others, search_term)
        request.searches_direct = True  # type: ignore[attr-defined]
        private, private_may_repeat = super().get_search_results(request, direct, search_term)
        request.searches_direct = False  # type: ignore[attr-defined]
        return found | private, may_repeat or private_may_repeat


@admin.register(Message)
class MessageAdmin(PrivateBodies, ViewOnlyAdmin):
    deleted_by = "chat__deleted_at"
    list_display = ("excerpt", "author", "chat", "seq", "created_at", "edited_at", "deleted_at")
    list_select_related = ("author", "chat")
    list_filter = (
        "created_at", ("edited_at", admin.EmptyFieldListFilter), ("deleted_at", admin.EmptyFieldListFilter),
        "chat__kind",
    )  # fmt: skip
    search_fields = ("body", "author__username", "chat__title", "=id")
    private_search_fields = ("author__username", "=id")
    ordering = ("-id",)
    fields = (
        "id", "chat", "author", "body", "html", "reply_to", "seq", "revision", "posted_revision", "client_id",
        "created_at", "edited_at", "deleted_at",
    )  # fmt: skip
    actions = ("read_direct_messages", "delete_messages")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """Leave out the text of direct messages."""
        hidden = PRIVATE_FIELDS if isinstance(obj, Message) and _is_direct(obj) else ()
        return tuple(name for name in self.fields if name not in hidden)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Refuse filters on the text in the address, which would reveal direct messages letter by letter."""
        return lookup.partition("__")[0] not in PRIVATE_FIELDS and super().lookup_allowed(lookup, value, request)

    def has_moderate_permission(self, request: HttpRequest) -> bool:
        """Whether the caller has Django's permission to delete messages."""
        return request.user.has_perm("chats.delete_message")

    @admin.display(description=_("text"), ordering="id")
    def excerpt(self, message: Message) -> str:
        """Return the beginning of the text."""
        if message.deleted_at is not None:
            return str(_("(deleted)"))
        return str(_("(direct message)")) if _is_direct(message) else message.excerpt

    @admin.action(description=_("Read the selected direct messages (each time is logged)"), permissions=["view"])
    def read_direct_messages(self, request: HttpRequest, queryset: QuerySet[Message]) -> HttpResponse:
        """Show the text of direct messages, after an entry for each in the admin's log and a line in flowra.audit."""
        rows = list(queryset.filter(chat__kind=ChatKind.DIRECT).select_related("author", "chat")[:READ_AT_ONCE])
        with transaction.atomic():
            for message in rows:
                self.log_change(request, message, "Read the direct message.")
        for message in rows:
            audit = {"action": "read a direct message", "by": str(request.user.pk), "message": str(message.pk)}
            audit["chat"] = str(message.chat_id)
            text = "User %(by)s read a direct message: chat %(chat)s, message %(message)s"
            audit_logger.info(text, audit, extra={"audit": audit})
        context = {**self.admin_site.each_context(request), "title": _("Direct messages"), "rows": rows}
        return TemplateResponse(request, "admin/chats/direct_messages.html", context)

    @admin.action(description=_("Delete the selected messages (each keeps its place)"), permissions=["moderate"])
    def delete_messages(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        """Empty these messages on everybody's page."""
        rows = queryset.filter(deleted_at__isnull=True)
        count = self.moderate(
            request, rows, lambda message: services.moderate_delete_message(message_id=message.pk), "Text deleted."
        )
        self.message_user(
            request, ngettext("%d message was deleted.", "%d messages were deleted.", count) % count, messages.SUCCESS
        )


@admin.register(Mention)
class MentionAdmin(PrivateBodies, ViewOnlyAdmin):
    private_chat = "message__chat"
    deleted_by = "message__chat__deleted_at"
    list_display = ("user", "message")
    list_select_related = ("user", "message")
    list_filter = ("message__created_at",)
    search_fields = ("user__username", "user__display_name", "message__body")
    private_search_fields = ("user__username", "user__display_name")
    ordering = ("-id",)


def _is_direct(message: Message) -> bool:
    return message.chat.kind == ChatKind.DIRECT
