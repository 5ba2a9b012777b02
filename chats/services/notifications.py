"""Notifications: what rings somebody's bell."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from django.utils import timezone

from chats import events
from chats.models import Chat, Message, Notification
from chats.payloads import notification_payload
from chats.selectors import blockers_of

if TYPE_CHECKING:
    from flowra.accounts.models import User


def without_blockers(actor: User, users: Iterable[User]) -> list[User]:
    """Return those of `users` who do not block `actor`."""
    people = list(users)
    silent = blockers_of(actor.pk, [person.pk for person in people]) if people else set()
    return [person for person in people if person.pk not in silent]


def notify(users: Iterable[User], *, kind: str, actor: User, chat: Chat, message: Message | None) -> None:
    """Store a notification for each of `users`, who do not block the `actor`, and tell them.

    That somebody was added to a chat is told once, until they have read it.
    """
    wanted = {user.pk: user for user in users}
    if not wanted:
        return
    silent: set[UUID] = set()
    if kind == Notification.Kind.ADDED:
        unread = Notification.objects.filter(user_id__in=wanted, chat=chat, kind=kind, read_at__isnull=True)
        silent.update(unread.values_list("user_id", flat=True))
    rows = [
        Notification(user=user, kind=kind, actor=actor, chat=chat, message=message)
        for user in wanted.values()
        if user.pk not in silent
    ]
    Notification.objects.bulk_create(rows, ignore_conflicts=True)
    events.publish_on_commit(
        *(events.NotificationCreated(user_id=row.user_id, data=notification_payload(row)) for row in rows)
    )


def mark_notifications_read(*, user: User, ids: Collection[UUID] | None) -> int:
    """Mark these notifications of `user`, or with None all, as read; returns how many were not."""
    rows = Notification.objects.filter(user_id=user.pk, read_at__isnull=True)
    if ids is not None:
        rows = rows.filter(pk__in=ids)
    return rows.update(read_at=timezone.now())


def mark_chat_notifications_read(user_id: UUID, chat: Chat) -> None:
    """Mark all notifications of a chat as read: `user_id` has just written in it; their own sockets are told."""
    Notification.objects.filter(user_id=user_id, chat=chat, read_at__isnull=True).update(read_at=timezone.now())
    events.publish_on_commit(
        events.ChatRead(chat_id=chat.pk, user_id=user_id, last_read_seq=chat.seq, unread_count=0, mention_count=0)
    )
