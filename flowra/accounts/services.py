"""Writes to accounts. Whoever ends a credential moves the user's `security_changed_at` with it.

Every process with sockets looks for newer stamps twice a second and checks that user's sockets again, so an
ended credential closes its sockets wherever they are.
"""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext as _

from chats.exceptions import Invalid
from chats.lib.clock import database_now
from chats.lib.text import clean_name
from chats.models import WorkspaceMember
from flowra.accounts.models import User, new_security_stamp

DISPLAY_NAME_MAX_LENGTH = 80


def touch_security(user: User) -> None:
    """Have all of the user's sockets checked again; for what ends a credential without changing the user."""
    now = database_now()
    User.objects.filter(pk=user.pk).update(security_changed_at=now)
    user.security_changed_at = now


def sign_out_everywhere(user: User) -> None:
    """End every session and token of the user; whoever wants to keep a session renews its hash."""
    user.security_stamp = new_security_stamp()
    user.save(update_fields=["security_stamp"])


def deactivate_user(user: User) -> None:
    """Let nobody in as this user; what they are signed in with ends and does not come back with the account."""
    user.is_active = False
    user.security_stamp = new_security_stamp()
    user.save(update_fields=["is_active", "security_stamp"])


def reactivate_user(user: User) -> None:
    """Let the user sign in again."""
    user.is_active = True
    user.save(update_fields=["is_active"])


def clean_display_name(user: User, display_name: object, *, field: str) -> str:
    """Return a name that the user may be shown under; raises Invalid, TooLong.

    It must not be somebody else's username, nor the name of somebody whom the user shares a workspace with: it would be
    theirs to everybody who reads it.
    """
    name = clean_name(display_name, field=field, max_length=DISPLAY_NAME_MAX_LENGTH)
    stored = User.objects.filter(pk=user.pk).values_list("display_name", flat=True).first()
    others = User.objects.exclude(pk=user.pk)
    mine = WorkspaceMember.objects.filter(user=user.pk).values("workspace")
    people = WorkspaceMember.objects.filter(workspace__in=mine).values("user")
    if (
        name != stored
        and others.filter(Q(username__iexact=name) | Q(display_name__iexact=name, pk__in=people)).exists()
    ):
        said = _("%(field)s is the name of somebody else here. Add something that tells you apart.") % {"field": field}
        raise Invalid(said, field=field)
    return name


def change_display_name(user: User, display_name: str) -> None:
    """Show the user under another name; raises Invalid, TooLong."""
    user.display_name = clean_display_name(user, display_name, field="display_name")
    user.save(update_fields=["display_name"])
