"""Blocks of one user by another; docs/api.md, "Blocks", says what they prevent."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from chats import events
from chats.exceptions import Conflict, Invalid, NotFound
from chats.models import Block, Chat, ChatKind, WorkspaceInvitation, direct_key
from chats.selectors.workspaces import shared_workspaces
from chats.services.chats import request_recheck

if TYPE_CHECKING:
    from flowra.accounts.models import User

BLOCKS_MAX = 1_000  # per user


@transaction.atomic
def block_user(*, user: User, user_id: UUID) -> None:
    """Block somebody; blocking again changes nothing. No message in their direct chats is stored after it.

    Raises Invalid for oneself, NotFound for somebody whom `user` does not know of, Conflict over BLOCKS_MAX.
    """
    if user_id == user.pk:
        raise Invalid(_("You cannot block yourself."), field="user_id")
    if Block.objects.filter(blocker=user, blocked_id=user_id).exists():
        return
    if not _knows(user, user_id):
        raise NotFound(_("There is no such person."))
    if Block.objects.filter(blocker=user).count() >= BLOCKS_MAX:
        raise Conflict(_("You have blocked as many people as possible."))
    # Locked, so that a message that is being posted is stored before the block, and none after it.
    _lock_direct_chats(user.pk, user_id)
    Block.objects.bulk_create([Block(blocker=user, blocked_id=user_id)], ignore_conflicts=True)
    _recheck_both(user.pk, user_id)


@transaction.atomic
def unblock_user(*, user: User, user_id: UUID) -> None:
    """End a block; again it changes nothing."""
    _lock_direct_chats(user.pk, user_id)
    deleted, _rows = Block.objects.filter(blocker=user, blocked_id=user_id).delete()
    if deleted:
        _recheck_both(user.pk, user_id)


def find_acquaintance(user: User, user_id: UUID) -> User:
    """Return somebody whom `user` may block, because they know of them. Raises NotFound."""
    person = get_user_model().objects.filter(pk=user_id).first() if _knows(user, user_id) else None
    if person is None:
        raise NotFound(_("There is no such person."))
    return person


def _knows(user: User, user_id: UUID) -> bool:
    """Whether they share a workspace or a direct chat, or the other has ever invited `user`."""
    return (
        bool(shared_workspaces(user, user_id))
        or Chat.objects.filter(direct_key=direct_key(user.pk, user_id)).exists()
        or WorkspaceInvitation.objects.filter(user=user, invited_by_id=user_id).exists()
    )


def _lock_direct_chats(first: UUID, second: UUID) -> None:
    chats = Chat.objects.filter(kind=ChatKind.DIRECT, direct_key=direct_key(first, second))
    list(chats.select_for_update(no_key=True).order_by("pk").values_list("pk"))


def _recheck_both(first: UUID, second: UUID) -> None:
    """Have both users' presence and the subscriptions of their direct chats checked again."""
    Chat.objects.filter(kind=ChatKind.DIRECT, direct_key=direct_key(first, second)).update(
        access_version=F("access_version") + 1
    )
    events.publish_on_commit(events.BlockChanged(user_ids=(first, second)))
    for user_id in sorted((first, second)):
        request_recheck(user_id)
