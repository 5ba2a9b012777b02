"""What deleting a session means for the sockets that were opened with it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils import timezone

from flowra.accounts.models import User
from flowra.accounts.services import touch_security


@receiver(post_delete, sender=Session, dispatch_uid="flowra.accounts.session_ended")
def session_ended(sender: type[Session], instance: Session, **kwargs: Any) -> None:
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
