"""Notifications: what rings somebody's bell."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from django.utils import timezone

from chats import events
from chats.models import Chat, Message, Notification
from chats.payloads import notification_payload

if TYPE_CHECKING:
    from flowra.accounts.models import User


def notify(users: Iterable[User], *, kind: str, actor: User, chat: Chat, message: Message | None) -> None:
    """Store a notification for each of `users` and tell them; the same one twice is stored once."""
    rows = [Notification(user=user, kind=kind, actor=actor, chat=chat, message=message) for user in users]
    Notification.objects.bulk_create(rows, ignore_conflicts=True)
    for row in rows:
        events.publish_on_commit(events.NotificationCreated(user_id=row.user_id, data=notification_payload(row)))


def mark_notifications_read(*, user: User, ids: Collection[UUID] | None) -> int:
    """Mark these notifications of `user`, or with None all, as read; returns how many were not."""
    rows = Notification.objects.filter(user_id=user.pk, read_at__isnull=True)
    if ids is not None:
        rows = rows.filter(pk__in=ids)
    return rows.update(read_at=timezone.now())
