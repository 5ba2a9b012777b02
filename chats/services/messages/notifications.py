"""Notifications: store, mark as read, delete, and publish all of it."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from chats import events
from chats.models import Chat, Message, Notification
from chats.payloads import notification_payload
from chats.selectors.blocks import blockers_of
from chats.selectors.notifications import unread_notification_counts

if TYPE_CHECKING:
    from flowra.accounts.models import User


IDS_PER_EVENT = 500  # as many as one call marks as read; docs/api.md


def without_blockers(actor: User, users: Iterable[User]) -> list[User]:
    """Return those of `users` who do not block `actor`."""
    people = list(users)
    silent = blockers_of(actor.pk, [person.pk for person in people]) if people else set()
    return [person for person in people if person.pk not in silent]


def notify(users: Iterable[User], *, kind: str, actor: User, chat: Chat, message: Message | None) -> None:
    """Store and publish a notification for each of `users`, none of whom blocks the `actor`.

    A user has at most one unread notification of having been added to a chat.
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


@transaction.atomic
def mark_notifications_read(*, user: User, ids: Collection[UUID] | None) -> int:
    """Mark these notifications of `user`, or with None all, as read; returns how many were not."""
    rows = Notification.objects.filter(user_id=user.pk)
    found = _mark_read(rows if ids is None else rows.filter(pk__in=ids))
    if found:
        _publish_on_commit({user.pk: None if ids is None else found})
    return len(found)


def mark_chat_notifications_read(user_id: UUID, chat: Chat) -> None:
    """Mark all notifications of a chat as read: `user_id` has just posted in it; publishes it to their sockets."""
    _publish_on_commit({user_id: _mark_read(Notification.objects.filter(user_id=user_id, chat=chat))})
    events.publish_on_commit(
        events.ChatRead(
            workspace_id=chat.workspace_id,
            chat_id=chat.pk,
            revision=chat.revision,
            user_id=user_id,
            last_read_seq=chat.seq,
            unread_count=0,
            mention_count=0,
        )
    )


def mark_messages_notifications_read(user_id: UUID, chat_id: UUID, seq: int) -> None:
    """Mark the notifications about the messages of a chat up to `seq` as read; publishes it to their sockets."""
    rows = Notification.objects.filter(user_id=user_id, chat_id=chat_id, message__seq__lte=seq)
    _publish_on_commit({user_id: _mark_read(rows)})


def drop_notifications(rows: QuerySet[Notification]) -> None:
    """Delete notifications, and publish it to their users' sockets."""
    gone: dict[UUID, list[UUID]] = {}
    for user_id, pk in rows.order_by("pk").values_list("user_id", "pk"):
        gone.setdefault(user_id, []).append(pk)
    if gone:
        rows.delete()
        _publish_on_commit(gone)


def publish_gone(gone: Mapping[UUID, Collection[UUID]]) -> None:
    """Publish to users' own sockets that these of their notifications are no longer listed."""
    _publish_on_commit(gone)


def _mark_read(rows: QuerySet[Notification]) -> list[UUID]:
    """Mark what is unread among `rows` as read; returns the ids.

    They are locked in order, because two tabs that mark the same ones could otherwise deadlock.
    """
    unread = rows.filter(read_at__isnull=True).order_by("pk")
    found = list(unread.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))
    if found:
        Notification.objects.filter(pk__in=found).update(read_at=timezone.now())
    return found


def _publish_on_commit(changed: Mapping[UUID, Collection[UUID] | None]) -> None:
    """Publish after the commit which of these users' notifications (None: all) were read or deleted."""
    wanted = {user_id: ids for user_id, ids in changed.items() if ids is None or ids}
    if wanted:
        transaction.on_commit(functools.partial(_publish, wanted), robust=True)


def _publish(changed: Mapping[UUID, Collection[UUID] | None]) -> None:
    # Counted after the commit, because the transaction does not see what another tab has read meanwhile.
    counts = unread_notification_counts(changed.keys())
    for user_id, ids in changed.items():
        parts: Iterable[tuple[UUID, ...] | None] = [None] if ids is None else _parts(ids)
        for part in parts:
            read = events.NotificationsRead(user_id=user_id, ids=part, unread_count=counts.get(user_id, 0))
            events.publish_on_commit(read)


def _parts(ids: Collection[UUID]) -> Iterator[tuple[UUID, ...]]:
    rest = iter(ids)
    while part := tuple(islice(rest, IDS_PER_EVENT)):
        yield part
