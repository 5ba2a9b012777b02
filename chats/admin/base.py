"""Base of all packages' admin pages: services write, and their refusals are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from chats.exceptions import ChatError

Row = TypeVar("Row", bound=models.Model)

# Generic for the type checker only.
if TYPE_CHECKING:
    RowAdmin = admin.ModelAdmin[models.Model]
else:
    RowAdmin = admin.ModelAdmin


class ServiceAdmin(RowAdmin):
    """Shows a service's refusal as a message instead of an error page; nothing is saved then."""

    list_per_page = 50
    show_full_result_count = False  # counting a large table twice for one page is not worth it
    delete_order: tuple[str, ...] = ("pk",)  # the order in which services take their locks
    deleted_by = ""  # the look-up of the `deleted_at` that is set on what was deleted and is not purged yet

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        """Return the rows that are not deleted."""
        rows = super().get_queryset(request)
        return rows.filter(**{f"{self.deleted_by}__isnull": True}) if self.deleted_by else rows

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Add or change one row."""
        return self._explained(request, super().changeform_view, *args, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Return the initial values in the address without malformed ids, on which the form would fail."""
        initial: dict[str, Any] = dict(super().get_changeform_initial_data(request))
        for field in self.model._meta.get_fields():
            if isinstance(field, models.ForeignKey) and field.name in initial:
                try:
                    field.target_field.to_python(initial[field.name])
                except ValidationError:
                    del initial[field.name]
        return initial

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Delete one row."""
        return self._explained(request, super().delete_view, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """List rows, and run actions on them; deleting several is all or nothing, with its log."""
        view = super().changelist_view
        if request.POST.get("action") == "delete_selected":  # the other views for writing are atomic already
            view = transaction.atomic(view)
        return self._explained(request, view, *args, **kwargs)

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[models.Model]) -> None:
        """Delete each row as it would be deleted alone."""
        for row in queryset.order_by(*self.delete_order):
            self.delete_model(request, row)

    def moderate(self, request: HttpRequest, rows: Iterable[Row], service: Callable[[Row], None], change: str) -> int:
        """Have `service` do something to each row, with an entry in the admin's log; returns how many it did.

        What it refuses is shown as a message and leaves the others alone.
        """
        count = 0
        for row in rows:
            try:
                service(row)
            except ChatError as error:
                self.message_user(request, f"{row}: {error.message}", messages.ERROR)
                continue
            self.log_change(request, row, change)
            count += 1
        return count

    def _explained(
        self, request: HttpRequest, view: Callable[..., HttpResponse], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except ChatError as error:
            self.message_user(request, error.message, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())


class ViewOnlyAdmin(ServiceAdmin):
    """Read-only pages of rows that only services write."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody may."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nobody may."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nobody may."""
        return False
