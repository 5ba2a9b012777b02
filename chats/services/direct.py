"""Direct chats: each of the two members may hide one, and a message shows it again."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from chats.exceptions import Forbidden
from chats.models import Chat, ChatMember
from chats.selectors.access import is_blocked_within
from chats.selectors.chats import peers_of
from chats.services import publish


def hide_direct(membership: ChatMember) -> None:
    """Hide a direct chat, whose row the caller holds, from this member; again it changes nothing."""
    if membership.hidden_at is not None:
        return
    membership.hidden_at = timezone.now()
    membership.save(update_fields=["hidden_at"])
    publish.chat_hidden(membership)


def show_direct(chat: Chat, memberships: QuerySet[ChatMember]) -> None:
    """Show a direct chat, whose row the caller holds, to those of `memberships` who have hidden it."""
    hidden = list(memberships.filter(hidden_at__isnull=False).select_related("chat"))
    if not hidden:
        return
    memberships.filter(pk__in=[row.pk for row in hidden]).update(hidden_at=None)
    for row in hidden:
        peer = peers_of([row]).get(row.chat_id, row.chat)  # a label for each of the two
        publish.chat_shown(row, str(peer))


def refuse_blocked(chat: Chat) -> None:
    """Raise Forbidden for a direct chat in which one blocks the other."""
    if is_blocked_within(chat):
        raise Forbidden(_("One of you has blocked the other."))
