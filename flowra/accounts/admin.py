"""The admin site of accounts: users, groups and tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm, UsernameField
from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from rest_framework_simplejwt.token_blacklist.admin import BlacklistedTokenAdmin, OutstandingTokenAdmin
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from flowra.accounts.forms import DisplayNameMixin
from flowra.accounts.mail import tell_password_changed
from flowra.accounts.models import User, new_security_stamp
from flowra.accounts.security.lockout import forget_name
from flowra.accounts.security.throttle import limited
from flowra.accounts.services import deactivate_user, reactivate_user, sign_out_everywhere

admin.site.site_header = admin.site.site_title = _("Flowra administration")

# Generic for the type checker only.
if TYPE_CHECKING:
    CreationForm = AdminUserCreationForm[User]
    ChangeForm = UserChangeForm[User]
    BaseUserAdmin = UserAdmin[User]
else:
    CreationForm, ChangeForm, BaseUserAdmin = AdminUserCreationForm, UserChangeForm, UserAdmin


class NewUserForm(DisplayNameMixin, CreationForm):
    class Meta:
        model = User
        fields = ("username", "display_name", "email")
        field_classes: ClassVar = {"username": UsernameField}


class UserForm(DisplayNameMixin, ChangeForm):
    class Meta:
        model = User
        fields = "__all__"
        field_classes: ClassVar = {"username": UsernameField}


@admin.register(User)
class FlowraUserAdmin(BaseUserAdmin):
    """Users are deactivated, not deleted, so that their messages stay.

    Only superusers change staff users and the staff flag: otherwise anybody who may change users could give themselves
    every right.
    """

    form = UserForm
    add_form = NewUserForm
    list_display = ("username", "display_name", "email", "is_active", "is_staff", "last_login", "date_joined")
    list_filter = ("is_active", "is_staff", "is_superuser", "date_joined", "last_login")
    search_fields = ("username", "display_name", "email", "=id")
    ordering = ("username",)
    list_per_page = 50
    show_full_result_count = False
    actions = ("deactivate", "reactivate", "sign_out")
    readonly_fields = ("id", "last_login", "date_joined", "security_changed_at")
    _power_fields = ("is_staff", "is_superuser", "groups", "user_permissions")
    fieldsets = (
        (None, {"fields": ("id", "username", "password")}),
        (_("Profile"), {"fields": ("display_name", "email")}),
        (_("Permissions"), {"fields": ("is_active", *_power_fields)}),
        (_("Times"), {"fields": ("last_login", "date_joined", "security_changed_at")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("username", "display_name", "email", "usable_password", "password1", "password2"),
            },
        ),
    )

    @method_decorator([sensitive_post_parameters(), limited])
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> Any:
        """Add a user; computes a hash."""
        return super().add_view(request, form_url, extra_context)

    @method_decorator([sensitive_post_parameters(), limited])
    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:
        """Set a user's password, which ends the delay after failed attempts and sends the user a mail."""
        before = self.get_object(request, unquote(id))
        response = super().user_change_password(request, id, form_url)
        after = self.get_object(request, unquote(id))
        if before is not None and after is not None and after.password != before.password:
            forget_name(after.username)
            tell_password_changed(request, after)
        return response

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Make fields that grant rights read-only, except for superusers."""
        fixed = tuple(super().get_readonly_fields(request, obj))
        return fixed if _is_superuser(request) else (*fixed, *self._power_fields)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Return whether the caller may change users, and this one."""
        may = super().has_change_permission(request, obj)
        return may and (obj is None or _may_change(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Return False: users are deactivated."""
        return False

    def save_model(self, request: HttpRequest, obj: User, form: forms.Form, change: bool) -> None:
        """Save; deactivating a user ends all their sessions and tokens."""
        if change and "is_active" in form.changed_data and not obj.is_active:
            obj.security_stamp = new_security_stamp()
        super().save_model(request, obj, form, change)

    @admin.action(description=_("Deactivate the selected users"), permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """End the sessions of these users and refuse new ones; never one's own."""
        rows = [user for user in queryset.filter(is_active=True) if user.pk != request.user.pk]
        count = self._apply(request, rows, deactivate_user, "Deactivated.")
        self.message_user(request, ngettext("%d user was deactivated.", "%d users were deactivated.", count) % count)

    @admin.action(description=_("Reactivate the selected users"), permissions=["change"])
    def reactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Let these users sign in again."""
        count = self._apply(request, queryset.filter(is_active=False), reactivate_user, "Reactivated.")
        self.message_user(request, ngettext("%d user was reactivated.", "%d users were reactivated.", count) % count)

    @admin.action(description=_("Sign the selected users out everywhere"), permissions=["change"])
    def sign_out(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """End all sessions and tokens of these users, including one's own if selected."""
        count = self._apply(request, queryset, sign_out_everywhere, "Signed out everywhere.")
        self.message_user(request, ngettext("%d user was signed out.", "%d users were signed out.", count) % count)

    def _apply(self, request: HttpRequest, rows: Iterable[User], service: Callable[[User], None], change: str) -> int:
        """Apply an action to the users that the caller may change, with a log entry each; return their number."""
        count = 0
        for user in rows:
            if not _may_change(request, user):
                text = _("%(user)s is staff: only superusers may do this.") % {"user": user.username}
                self.message_user(request, text, messages.WARNING)
                continue
            service(user)
            self.log_change(request, user, change)
            count += 1
        return count


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


def _may_change(request: HttpRequest, user: User) -> bool:
    return _is_superuser(request) or not (user.is_staff or user.is_superuser)


# --- Groups: what a group may do, its members may ------------------------------------------------

admin.site.unregister(Group)


@admin.register(Group)
class FlowraGroupAdmin(GroupAdmin):
    """Only superusers change groups: others could extend a group that they belong to."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whether the caller may add groups."""
        return _is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whether the caller may change groups."""
        return _is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whether the caller may delete groups."""
        return _is_superuser(request)


# --- Tokens: simplejwt's pages show refresh tokens in full; ours do not --------------------------

admin.site.unregister([OutstandingToken, BlacklistedToken])


@admin.register(OutstandingToken)
class RefreshTokenAdmin(OutstandingTokenAdmin):
    fields = ("user", "jti", "created_at", "expires_at")
    search_fields = ("user__username", "jti")
    ordering = ("-id",)


@admin.register(BlacklistedToken)
class RevokedTokenAdmin(BlacklistedTokenAdmin):
    fields = ("token_user", "token_jti", "token_expires_at", "blacklisted_at")
    readonly_fields = fields
    search_fields = ("token__user__username", "token__jti")
    ordering = ("-id",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody may: tokens are revoked over REST, or by signing their user out."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody may."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody may: the token would be good again."""
        return False
