"""The forms of the account pages."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib.admin.forms import AdminPasswordChangeForm
from django.contrib.auth import password_validation
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, PasswordResetForm, UsernameField
from django.contrib.auth.tokens import PasswordResetTokenGenerator, default_token_generator
from django.contrib.sites.shortcuts import get_current_site
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.http import HttpRequest
from django.template import loader
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from chats.exceptions import Invalid
from flowra.accounts.mail import send_later
from flowra.accounts.models import User
from flowra.accounts.security.lockout import is_current_password
from flowra.accounts.services import clean_display_name

# Generic for the type checker only.
if TYPE_CHECKING:
    UserForm = forms.ModelForm[User]
else:
    UserForm = forms.ModelForm

RESET_MAIL_SECONDS = 60  # between two reset mails to one address
# Accounts that one mail has links for. Anybody can create accounts with another person's address: these must neither
# flood the address nor displace its own accounts in the mail.
RESET_ACCOUNTS = 1000
RESET_ADDRESSES = 5


class SignInForm(AuthenticationForm):
    """Username and password."""

    error_messages = {  # noqa: RUF012 (the base class does not know ClassVar)
        **AuthenticationForm.error_messages,
        "invalid_login": _("Wrong username or password. Check both and try again."),
    }


class DisplayNameMixin:
    """Cleans `display_name` as REST does: one line of visible characters, and not another user's name."""

    cleaned_data: dict[str, Any]
    instance: User

    def clean_display_name(self) -> str:
        """Return the name on one line, or "" if it is empty."""
        name = self.cleaned_data["display_name"]
        if not name.strip():
            return ""
        try:
            return clean_display_name(self.instance, name, field=str(_("Display name")))
        except Invalid as error:
            raise ValidationError(error.message) from error


class SignUpForm(DisplayNameMixin, UserForm):
    """A new account. Email addresses may be used twice, so the form does not disclose who has an account."""

    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 8 characters, not only digits, and not a common password."),
    )

    class Meta:
        model = User
        fields = ("username", "display_name", "email")
        field_classes: ClassVar = {"username": UsernameField}
        help_texts: ClassVar = {
            "username": _("Letters, digits, dots, dashes and underscores. Others mention you by it: @username."),
            "display_name": _("What others see. If it is empty, they see your username."),
            "email": _("Only used when you forget your password."),
        }
        widgets: ClassVar = {
            "username": forms.TextInput(
                attrs={"autofocus": True, "autocomplete": "username", "dir": "auto", "spellcheck": "false"}
            ),
            "display_name": forms.TextInput(attrs={"autocomplete": "name", "dir": "auto"}),
            "email": forms.EmailInput(attrs={"autocomplete": "email"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].required = True

    def clean_username(self) -> str:
        """Refuse a name that differs from another one only in case."""
        username: str = self.cleaned_data["username"]
        if User.objects.filter(username__iexact=username).exists():
            raise ValidationError(self.name_taken, code="unique")
        return username

    @sensitive_variables("password")
    def _post_clean(self) -> None:
        # After the instance has its new values: the password must not resemble them.
        super()._post_clean()  # type: ignore[misc]
        password = self.cleaned_data.get("password")
        if password:
            try:
                password_validation.validate_password(password, self.instance)
            except ValidationError as error:
                self.add_error("password", error)

    def save(self, commit: bool = True) -> User:
        """Store the account with its password."""
        self.instance.set_password(self.cleaned_data["password"])
        return super().save(commit=commit)

    @property
    def name_taken(self) -> str:
        """What to say where somebody has the name already."""
        return str(_("This name is taken."))


class CurrentPasswordMixin:
    """Counts wrong current passwords, so that a stolen session cannot be used to guess them."""

    cleaned_data: dict[str, Any]
    error_messages: dict[str, Any]
    user: User

    def __init__(self, user: User, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)  # type: ignore[call-arg]
        self.request = request

    @sensitive_variables("old_password")
    def clean_old_password(self) -> str:
        """Return the current password; after too many wrong ones the response is the lock-out's."""
        old_password: str = self.cleaned_data["old_password"]
        if not is_current_password(self.request, self.user, old_password):
            raise ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
        return old_password


class ChangePasswordForm(CurrentPasswordMixin, PasswordChangeForm):
    """The current password, and twice the new one."""


class AdminChangePasswordForm(CurrentPasswordMixin, AdminPasswordChangeForm):
    """The same form, with the admin's widgets."""


class ProfileForm(DisplayNameMixin, UserForm):
    """The fields of a profile that its user may change."""

    class Meta:
        model = User
        fields = ("display_name",)
        help_texts: ClassVar = {"display_name": _("What others see. If it is empty, they see your username.")}
        widgets: ClassVar = {
            "display_name": forms.TextInput(attrs={"autofocus": True, "autocomplete": "name", "dir": "auto"})
        }


class ResetForm(PasswordResetForm):
    """Asks for an email address; the response is the same whether it belongs to an account or not."""

    email = forms.EmailField(
        label=_("Email"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True})
    )

    def save(
        self,
        domain_override: str | None = None,
        subject_template_name: str = "accounts/password_reset_subject.txt",
        email_template_name: str = "accounts/password_reset_mail.txt",
        use_https: bool = False,
        token_generator: PasswordResetTokenGenerator = default_token_generator,
        from_email: str | None = None,
        request: HttpRequest | None = None,
        html_email_template_name: str | None = None,
        extra_email_context: dict[str, str] | None = None,
    ) -> None:
        """Send one mail to each stored spelling of the address, with a link for each of its accounts."""
        site = get_current_site(request)
        context = {"protocol": "https" if use_https else "http", "domain": domain_override or site.domain}
        for address, users in self._by_address().items():
            fresh = cache.add(f"accounts.reset.{_digest(address)}", True, RESET_MAIL_SECONDS)
            if not fresh and settings.FLOWRA_RATE_LIMITS:
                continue
            accounts = [
                {
                    "user": user,
                    "uid": urlsafe_base64_encode(force_bytes(user.pk)),
                    "token": token_generator.make_token(user),
                }
                for user in users[:RESET_ACCOUNTS]
            ]
            self.send_mail(
                subject_template_name,
                email_template_name,
                {**context, "accounts": accounts, "has_more": len(users) > RESET_ACCOUNTS},
                from_email,
                self._recipient(users),
            )

    def _by_address(self) -> dict[str, list[User]]:
        """Return the accounts of the typed address, oldest first, by their stored address.

        Two spellings are one address if they differ only in the case of ASCII letters. Unicode case folding would merge
        mailboxes of different people: those get separate mails, at most RESET_ADDRESSES of them.
        """
        found: dict[str, list[User]] = {}
        for user in sorted(self.get_users(self.cleaned_data["email"]), key=lambda user: (user.date_joined, user.pk)):
            found.setdefault(_ascii_lower(user.email), []).append(user)
        typed = _ascii_lower(self.cleaned_data["email"])
        addresses = sorted(found, key=lambda address: address != typed)[:RESET_ADDRESSES]
        return {address: found[address] for address in addresses}

    def _recipient(self, users: list[User]) -> str:
        """Return the stored spelling to send to: the typed one if an account has it, else the oldest account's."""
        stored = [user.email for user in users]
        typed: str = self.cleaned_data["email"]
        return typed if typed in stored else stored[0]

    def send_mail(
        self,
        subject_template_name: str,
        email_template_name: str,
        context: dict[str, Any],
        from_email: str | None,
        to_email: str,
        html_email_template_name: str | None = None,
    ) -> None:
        """Render the mail in the language of the request, and send it in another thread."""
        subject = " ".join(loader.render_to_string(subject_template_name, context).split())
        body = loader.render_to_string(email_template_name, context)
        send_later(EmailMultiAlternatives(subject, body, from_email, [to_email]))


def _ascii_lower(address: str) -> str:
    return "".join(char.lower() if char.isascii() else char for char in address)


def _digest(address: str) -> str:
    """Return what a cache takes as a key whatever is in the address."""
    return hashlib.sha256(address.encode()).hexdigest()
