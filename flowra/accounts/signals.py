"""Effects of sign-in, sign-out and profile changes on open sockets."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from chats.services import publish
from flowra.accounts.models import BrowserSession, User, profile_changed
from flowra.accounts.security.sessions import SID, new_sid
from flowra.accounts.services import touch_security


@receiver(post_delete, sender=BrowserSession, dispatch_uid="flowra.accounts.session_ended")
def session_ended(sender: type[BrowserSession], instance: BrowserSession, **kwargs: Any) -> None:
    """Recheck the sockets of the session's user after it was deleted, by a sign-out here or in the admin.

    Runs in the transaction of the deletion: a process that sees the new stamp no longer finds the session.
    `user_logged_out` is sent too early: a check in between would still find the session.
    """
    if instance.expire_date <= timezone.now():
        return  # expired sessions are refused already; `clearsessions` deletes thousands of them
    user_id = instance.get_decoded().get(SESSION_KEY)
    user = User.objects.filter(pk=user_id).only("pk").first() if user_id else None
    if user is not None:
        touch_security(user)


@receiver(user_logged_in, dispatch_uid="flowra.accounts.session_began")
def session_began(sender: type[User], request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Give the session its id. A sign-in for tokens does not affect the browser's session."""
    session = getattr(request, "session", None)
    if session is not None and session.get(SESSION_KEY) == str(user.pk):
        session.setdefault(SID, new_sid())


@receiver(profile_changed, dispatch_uid="flowra.accounts.profile_changed")
def publish_profile_changed(sender: type[User], user: User, has_new_name: bool, **kwargs: Any) -> None:
    """Publish a profile change to open pages."""
    if has_new_name:
        publish.user_changed(user)
    publish.me_changed(user)
