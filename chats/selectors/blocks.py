"""Who blocks whom."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Q, QuerySet

from chats.models import (
    Block,
    direct_key,
)

if TYPE_CHECKING:
    from flowra.accounts.models import User


def blocked_pairs(user_ids: Collection[UUID]) -> set[str]:
    """Return the keys of these users' direct chats in which one blocks the other."""
    rows = Block.objects.filter(Q(blocker_id__in=user_ids) | Q(blocked_id__in=user_ids))
    return {direct_key(*pair) for pair in rows.order_by().values_list("blocker_id", "blocked_id")}


def list_blocks(user: User) -> QuerySet[Block]:
    """Return `user`'s blocks, newest first, with `blocked` loaded."""
    return Block.objects.filter(blocker_id=user.pk).select_related("blocked").order_by("-created_at", "-id")


def blockers_of(user_id: UUID, among: Collection[UUID]) -> set[UUID]:
    """Return those of these users who block `user_id`."""
    return set(Block.objects.filter(blocked_id=user_id, blocker_id__in=among).values_list("blocker_id", flat=True))
