"""Writes to accounts. Whatever ends a credential also sets the user's `security_changed_at`.

Every process with sockets polls for newer values twice a second and checks that user's sockets again, so an ended
credential closes its sockets in all processes.
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
    """Recheck all of the user's sockets, after a credential ended without a change of the user."""
    now = database_now()
    User.objects.filter(pk=user.pk).update(security_changed_at=now)
    user.security_changed_at = now


def sign_out_everywhere(user: User) -> None:
    """End every session and token of the user; a caller that keeps its session renews its hash."""
    user.security_stamp = new_security_stamp()
    user.save(update_fields=["security_stamp"])


def deactivate_user(user: User) -> None:
    """Refuse sign-ins of this user; their sessions and tokens end and do not return with the account."""
    user.is_active = False
    user.security_stamp = new_security_stamp()
    user.save(update_fields=["is_active", "security_stamp"])


def reactivate_user(user: User) -> None:
    """Allow sign-ins of this user again."""
    user.is_active = True
    user.save(update_fields=["is_active"])


def clean_display_name(user: User, display_name: object, *, field: str) -> str:
    """Return a valid display name for the user; raises Invalid, TooLong.

    It must not be another user's username, nor the name of somebody who shares a workspace with the user.
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
        said = _("%(field)s: somebody else here has this name. Add something that tells you apart.") % {"field": field}
        raise Invalid(said, field=field)
    return name


def change_display_name(user: User, display_name: str) -> None:
    """Change the user's display name; raises Invalid, TooLong."""
    user.display_name = clean_display_name(user, display_name, field="display_name")
    user.save(update_fields=["display_name"])
