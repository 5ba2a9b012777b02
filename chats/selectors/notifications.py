"""Notifications, and how many are unread."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Left

from chats.markdown.plain_text import EXCERPT_SOURCE
from chats.models import (
    Block,
    ChatMember,
    Notification,
    WorkspaceInvitation,
)
from chats.selectors.invitations import list_own_invitations, open_invitations

if TYPE_CHECKING:
    from flowra.accounts.models import User


def list_notifications(user: User) -> QuerySet[Notification]:
    """Return `user`'s notifications, newest first, with what a payload needs; only of chats they are in.

    Those of invitations only while these are open. Of the message only the beginning of its body is loaded.
    """
    in_chat = ChatMember.objects.filter(user_id=user.pk, chat_id=OuterRef("chat_id"))
    invited = list_own_invitations(user).order_by().values("notification_id")
    return (
        Notification.objects.filter(Exists(in_chat) | Q(pk__in=invited), user_id=user.pk)
        .select_related("actor", "chat", "message", "invitation__workspace")
        .defer("message__body", "message__html")
        .annotate(beginning=Left("message__body", EXCERPT_SOURCE))
        .order_by("-created_at", "-id")
    )


def count_unread_notifications(user: User) -> int:
    """Return how many notifications `user` has not read."""
    return unread_notification_counts([user.pk]).get(user.pk, 0)


def unread_notification_counts(user_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return by user id how many notifications of `list_notifications` are unread; users without any are missing."""
    in_chat = ChatMember.objects.filter(user_id=OuterRef("user_id"), chat_id=OuterRef("chat_id"))
    blocked = Block.objects.filter(blocker_id=OuterRef("user_id"), blocked_id=OuterRef("invited_by_id"))
    invited = WorkspaceInvitation.objects.filter(
        ~Exists(blocked), notification_id=OuterRef("pk"), invited_by__is_active=True, **open_invitations()
    )
    rows = Notification.objects.filter(Exists(in_chat) | Exists(invited), user_id__in=user_ids, read_at__isnull=True)
    return dict(rows.order_by().values_list("user_id").annotate(Count("pk")))
