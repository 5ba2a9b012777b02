"""Pages to sign in, up and out, for passwords, and for the profile."""

from __future__ import annotations

import datetime
import logging
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import authenticate, login, update_session_auth_hash, views
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from django.views.generic.edit import FormView

from chats.demo import seed
from chats.views.base import PLACE_COOKIE
from flowra.accounts.forms import (
    AdminChangePasswordForm,
    ChangePasswordForm,
    ProfileForm,
    ResetForm,
    SignInForm,
    SignUpForm,
)
from flowra.accounts.mail import tell_password_changed
from flowra.accounts.models import User
from flowra.accounts.security.lockout import forget_name
from flowra.accounts.services import sign_out_everywhere

logger = logging.getLogger(__name__)

# Generic for the type checker only.
if TYPE_CHECKING:
    SignUpFormView = FormView[SignUpForm]
    ProfileFormView = FormView[ProfileForm]
else:
    SignUpFormView = ProfileFormView = FormView

SIGNED_OUT_COOKIE = "flowra_signed_out"
MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


class NextMixin(views.RedirectURLMixin):
    """Redirects to `next` if it is on the same host, but not to another account page, which could loop."""

    request: HttpRequest

    def get_redirect_url(self) -> str:  # type: ignore[override]  # the stubs are of a newer Django
        """Return a safe `next`, or ""."""
        url = super().get_redirect_url()
        path = url.partition("?")[0].partition("#")[0]
        return "" if path in (reverse("accounts:login"), reverse("accounts:signup")) else url

    def get_default_redirect_url(self) -> str:
        """Return the target without `next`."""
        return settings.LOGIN_REDIRECT_URL


class SignInView(NextMixin, views.LoginView):
    """Sign in by username and password; in the demo also by a click."""

    form_class = SignInForm
    template_name = "accounts/login.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the demo's accounts, in the demo."""
        return super().get_context_data(demo_accounts=seed.list_accounts() if is_demo() else [], **kwargs)


class DemoSignInView(NextMixin, views.LoginView):
    """Sign in to a demo account by a click, while its password is still the demo's."""

    http_method_names = ["post"]  # noqa: RUF012 (the base class does not know ClassVar)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Sign in as the account named by `account`; 404 outside the demo."""
        username = request.POST.get("account", "")
        if not is_demo() or username not in {account.username for account in seed.ACCOUNTS}:
            raise Http404("No such demo account.")
        user = authenticate(request, username=username, password=seed.PASSWORD)
        if user is None:
            messages.error(request, _("The password of this demo account was changed."))
            return redirect("accounts:login")
        login(request, user)
        return HttpResponseRedirect(self.get_success_url())


class SignOutView(views.LogoutView):
    """Sign out, and let the browser's tabs delete unsent texts (static/js/outbox/sign-out.js)."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Sign out; the cookie is kept until a page has read it."""
        response: HttpResponse = super().post(request, *args, **kwargs)
        secure, days = settings.SESSION_COOKIE_SECURE, datetime.timedelta(days=30)
        response.delete_cookie(PLACE_COOKIE)
        response.set_cookie(SIGNED_OUT_COOKIE, "1", max_age=days, samesite="Lax", secure=secure)
        return response


@method_decorator([sensitive_post_parameters("password"), never_cache], name="dispatch")
class SignUpView(NextMixin, SignUpFormView):
    """Create an account and sign in; `next` may be an invite link."""

    form_class = SignUpForm
    template_name = "accounts/signup.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Redirect signed-in users, and everybody if sign-up is off."""
        if request.user.is_authenticated:
            return HttpResponseRedirect(self.get_success_url())
        if not settings.FLOWRA_SIGNUP_ENABLED:
            return render(request, "accounts/signup_closed.html", {"next": self.get_redirect_url()}, status=404)
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: SignUpForm) -> HttpResponse:
        """Store the account and sign in."""
        try:
            with transaction.atomic():
                user = form.save()
        except IntegrityError:  # the name was taken since it was checked
            form.add_error("username", form.name_taken)
            return self.form_invalid(form)
        login(self.request, user, backend=MODEL_BACKEND)
        return HttpResponseRedirect(self.get_success_url())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add `next`, which the form submits again."""
        return super().get_context_data(next=self.get_redirect_url(), **kwargs)


class ChangePasswordView(views.PasswordChangeView):
    """Change one's password: this session continues, all others end."""

    form_class: type[PasswordChangeForm] = ChangePasswordForm
    template_name = "accounts/password_change.html"
    success_url = reverse_lazy("accounts:profile")

    def get_form_kwargs(self) -> dict[str, Any]:
        """Add the request, whose address counts for wrong passwords."""
        return {**super().get_form_kwargs(), "request": self.request}

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        """Store the password and show a message."""
        messages.success(self.request, _("Your password is changed. Everywhere else you are signed out."))
        with transaction.atomic():  # one transaction: no check in between finds this session with the old hash
            response = super().form_valid(form)
            self.request.session.save()
        tell_password_changed(self.request, form.user)
        return response


class AdminChangePasswordView(ChangePasswordView):
    """The same page with the admin's layout."""

    form_class = AdminChangePasswordForm
    template_name = "registration/password_change_form.html"
    success_url = reverse_lazy("admin:password_change_done")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the variables of the admin's pages."""
        return super().get_context_data(**admin.site.each_context(self.request), **kwargs)


class ResetPasswordView(views.PasswordResetView):
    """Send a link for a new password to an address, if it belongs to an account."""

    form_class = ResetForm
    template_name = "accounts/password_reset.html"
    email_template_name = "accounts/password_reset_mail.txt"
    subject_template_name = "accounts/password_reset_subject.txt"
    success_url = reverse_lazy("accounts:password_reset_done")


class ConfirmResetView(views.PasswordResetConfirmView):
    """Set a new password by a link from a mail; this also ends a lock-out."""

    template_name = "accounts/password_reset_confirm.html"
    success_url = reverse_lazy("accounts:login")

    def form_valid(self, form: SetPasswordForm[User]) -> HttpResponse:
        """Uncount failed attempts, store the password and show a message."""
        forget_name(form.user.username)
        messages.success(self.request, _("Your new password is set. Sign in with it."))
        response = super().form_valid(form)
        tell_password_changed(self.request, form.user)
        return response


@method_decorator([login_required, never_cache], name="dispatch")
class ProfileView(ProfileFormView):
    """One's own name, and the link to the password."""

    form_class = ProfileForm
    template_name = "accounts/profile.html"
    success_url = reverse_lazy("accounts:profile")

    def get_form_kwargs(self) -> dict[str, Any]:
        """Bind the form to the signed-in user."""
        return {**super().get_form_kwargs(), "instance": _user(self.request)}

    def form_valid(self, form: ProfileForm) -> HttpResponse:
        """Store the name."""
        form.save()
        messages.success(self.request, _("Your profile is saved."))
        return super().form_valid(form)


@require_POST
@login_required
def sign_out_others(request: HttpRequest) -> HttpResponse:
    """End all sessions and tokens of the user except the current session."""
    user = _user(request)
    with transaction.atomic():  # one transaction: no check in between finds this session with the old hash
        sign_out_everywhere(user)
        update_session_auth_hash(request, user)
        request.session.save()
    messages.success(request, _("You are signed out everywhere else."))
    return redirect("accounts:profile")


def is_demo() -> bool:
    """Return whether this is the demo, whose passwords are public."""
    return settings.DEMO and seed.demo_exists()


def _user(request: HttpRequest) -> User:
    """Load the signed-in user as a separate instance: the one on the request keeps the values that the page shows."""
    return User.objects.get(pk=cast(User, request.user).pk)
