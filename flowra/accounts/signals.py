"""What the beginning and the end of a session, and another name, mean for open sockets."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from chats.services import tell_me_changed, tell_user_changed
from flowra.accounts.models import BrowserSession, User, profile_changed
from flowra.accounts.security.sessions import SID, new_sid
from flowra.accounts.services import touch_security


@receiver(post_delete, sender=BrowserSession, dispatch_uid="flowra.accounts.session_ended")
def session_ended(sender: type[BrowserSession], instance: BrowserSession, **kwargs: Any) -> None:
    """Have the sockets of the session's user checked again, whoever deleted it: sign-out here or in the admin.

    Runs in the transaction of the deletion: a process that sees the new stamp no longer finds the session. Were
    the user touched before (`user_logged_out` is sent before), a check in between would find it and be satisfied.
    """
    if instance.expire_date <= timezone.now():
        return  # refused everywhere already; `clearsessions` deletes these by the thousand
    user_id = instance.get_decoded().get(SESSION_KEY)
    user = User.objects.filter(pk=user_id).only("pk").first() if user_id else None
    if user is not None:
        touch_security(user)


@receiver(user_logged_in, dispatch_uid="flowra.accounts.session_began")
def session_began(sender: type[User], request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Give the session its id. Signing in for tokens leaves the browser's session alone."""
    session = getattr(request, "session", None)
    if session is not None and session.get(SESSION_KEY) == str(user.pk):
        session.setdefault(SID, new_sid())


@receiver(profile_changed, dispatch_uid="flowra.accounts.profile_changed")
def publish_profile_changed(sender: type[User], user: User, has_new_name: bool, **kwargs: Any) -> None:
    """Have open pages show what is seen of the user now."""
    if has_new_name:
        tell_user_changed(user)
    tell_me_changed(user)
