"""The user: a UUID key, a display name, and a stamp that changes with their credentials."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from importlib import import_module
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser, UserManager
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.core.validators import RegexValidator
from django.db import models, transaction
from django.db.models.functions import Lower
from django.dispatch import Signal
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from chats.lib.clock import database_now
from chats.lib.ids import new_id
from chats.search.fields import KeyedModel, KeyedQuerySet, NameKeyField

# `@username` in a message names a user, so it contains no "@", "+" or white space.
username_validator = RegexValidator(
    r"^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,38}[A-Za-z0-9_])?\Z",
    _("Use 1 to 40 letters, digits, dots, dashes and underscores, with a letter or digit first."),
)


SECURITY_FIELDS = {"password", "is_active", "security_stamp"}
NAME_FIELDS = {"username", "display_name"}  # shown to others
PROFILE_FIELDS = {*NAME_FIELDS, "email"}  # shown to the user
# Sent in the transaction of each change, with `user` and `has_new_name`.
profile_changed = Signal()


def new_security_stamp() -> str:
    """Return a random value. A new stamp ends every session and token of its user."""
    return secrets.token_hex(16)


class UserQuerySet(KeyedQuerySet["User"]):
    """`update` that maintains the same stamps and signals as `User.save`."""

    def update(self, **values: Any) -> int:
        """Update rows; a password, is_active or security_stamp among the values also sets `security_changed_at`."""
        if values.keys() & SECURITY_FIELDS:
            values.setdefault("security_changed_at", database_now())
        if not values.keys() & PROFILE_FIELDS:
            return super().update(**values)
        with transaction.atomic(using=self.db):
            rows = self.order_by().values_list("pk", "username", "display_name", "email")
            before = {pk: (username, name or username, email) for pk, username, name, email in rows}
            count = super().update(**values)
            ids = list(before)
            for start in range(0, len(ids), AT_ONCE):
                for user in self.model._default_manager.filter(pk__in=ids[start : start + AT_ONCE]):
                    user._send_profile_changed(before[user.pk])
        return count


AT_ONCE = 500  # rows per query, within the databases' limit of parameters


class FlowraUserManager(UserManager["User"]):
    """Finds users by name regardless of case, as names are unique."""

    def get_queryset(self) -> UserQuerySet:
        """Return all users."""
        return UserQuerySet(self.model, using=self._db)

    def get_by_natural_key(self, username: str | None) -> User:
        """Return the user of this name, ignoring case; raises User.DoesNotExist."""
        return self.get(username__iexact=username)


class User(KeyedModel, AbstractUser):
    """Somebody who can sign in."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    username = models.CharField(
        _("username"),
        max_length=40,
        unique=True,
        validators=[username_validator],
        error_messages={"unique": _("This name is taken.")},
    )
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    display_name = models.CharField(_("display name"), max_length=80, blank=True)
    name_key = NameKeyField(of="display_name")
    # Rotated by "sign out everywhere" and deactivation; part of the session hash and of every token.
    security_stamp = models.CharField(max_length=32, default=new_security_stamp, editable=False)
    # When a credential of the user may have ended, or they were removed from a chat or workspace. Processes with
    # sockets poll for new values twice a second and check that user's sockets (realtime/background/revocation.py).
    security_changed_at = models.DateTimeField(null=True, blank=True, editable=False, db_index=True)

    objects: ClassVar[FlowraUserManager] = FlowraUserManager()

    REQUIRED_FIELDS: ClassVar[list[str]] = ["email"]

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                Lower("username"), name="user_username_ci", violation_error_message=_("This name is taken.")
            )
        ]
        ordering: ClassVar = ["name_key", "id"]

    _security_before: tuple[str, bool, str] | None = None
    _profile_before: tuple[str, str, str] | None = None

    def __str__(self) -> str:
        return self.display_name or self.username

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Collection[Any], **kwargs: Any) -> User:
        """Load a row, and keep the values that `save` compares."""
        user = super().from_db(db, field_names, values, **kwargs)
        if not user.get_deferred_fields() & SECURITY_FIELDS:
            user._security_before = user._security_state()
        if not user.get_deferred_fields() & PROFILE_FIELDS:
            user._profile_before = user._profile_state()
        return user

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; changed credentials set `security_changed_at`, a changed name or address sends `profile_changed`."""
        self.display_name = self.display_name or self.username
        if self._security_before is not None and self._security_before != self._security_state():
            self.security_changed_at = database_now()
            if kwargs.get("update_fields") is not None:
                kwargs["update_fields"] = {*kwargs["update_fields"], "security_changed_at"}
        fields = kwargs.get("update_fields")
        with transaction.atomic(using=kwargs.get("using")):
            super().save(*args, **kwargs)
            if fields is None or PROFILE_FIELDS & set(fields):
                self._send_profile_changed(self._profile_before)
                self._profile_before = self._profile_state()
        self._security_before = self._security_state()

    def get_full_name(self) -> str:
        """Return the name to show."""
        return self.display_name or self.username

    def get_short_name(self) -> str:
        """Return the first word of the name to show."""
        return self.get_full_name().split()[0]

    def _security_state(self) -> tuple[str, bool, str]:
        return (self.password, self.is_active, self.security_stamp)

    def _profile_state(self) -> tuple[str, str, str]:
        return (self.username, self.get_full_name(), self.email)

    def _send_profile_changed(self, before: tuple[str, str, str] | None) -> None:
        """Send `profile_changed` if the profile differs from `before`; None for a new user."""
        now = self._profile_state()
        if before is not None and before != now:
            profile_changed.send(sender=type(self), user=self, has_new_name=before[:2] != now[:2])

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        # Django hashes the password alone; with the stamp in it, rotating the stamp ends all sessions.
        salt = "flowra.accounts.session"
        return salted_hmac(salt, self.password + self.security_stamp, secret=secret, algorithm="sha256").hexdigest()


class BrowserSession(AbstractBaseSession):
    """A browser session; `sid` stays when the key changes, and is "" until somebody signs in."""

    sid = models.CharField(max_length=32, blank=True, default="", db_index=True)

    class Meta(AbstractBaseSession.Meta):
        pass

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        """Return the store that SESSION_ENGINE names, which reads and writes the rows."""
        store: type[SessionBase] = import_module(settings.SESSION_ENGINE).SessionStore
        return store


class NameTries(models.Model):
    """Recent attempts to guess the password of a name, from anywhere (security/lockout.py). The name may not exist."""

    name = models.CharField(max_length=255, primary_key=True)
    count = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField(null=True, db_index=True)

    def __str__(self) -> str:
        return f"{self.name}: {self.count}"
