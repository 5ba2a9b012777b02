"""Writes to accounts. Whoever ends a credential moves the user's `security_changed_at` with it.

Every process with sockets looks for newer stamps once a second and checks that user's sockets again, so an
ended credential closes its sockets wherever they are.
"""

from __future__ import annotations

from chats.clock import database_now
from chats.text import clean_line
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


def change_display_name(user: User, display_name: str) -> None:
    """Show the user under another name; raises Invalid, TooLong."""
    user.display_name = clean_line(display_name, field="display_name", max_length=DISPLAY_NAME_MAX_LENGTH)
    user.save(update_fields=["display_name"])
