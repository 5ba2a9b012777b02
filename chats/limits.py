"""How fast one user may post, edit and delete by pages and REST: as fast as by sockets, and counted with them.

`realtime`, which knows `chats`, registers the count.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

from chats.exceptions import TooFast
from chats.selectors.messages import find_posted

if TYPE_CHECKING:
    from flowra.accounts.models import User

# Counts a post of the user with this id; returns 0.0, or the seconds until there may be another.
PostLimit = Callable[[UUID], float]
_post_limit: PostLimit | None = None


def register_post_limit(limit: PostLimit) -> None:
    """Have posts, edits, deletions and previews counted by `limit`, which is called from any thread."""
    global _post_limit
    _post_limit = limit


def count_post(*, user: User, chat_id: UUID, client_id: UUID | None) -> None:
    """Count a post that is about to be made; raises TooFast.

    A repeated post, with the `client_id` of a stored message, is never refused: it stores nothing.
    """
    wait = _seconds_to_wait(user)
    if wait and (client_id is None or find_posted(user, chat_id, client_id) is None):
        raise TooFast(_("You are posting too fast; wait a moment."), retry_after=wait)


def count_change(*, user: User) -> None:
    """Count an edit or a deletion that is about to be made, which costs as much as a post; raises TooFast."""
    wait = _seconds_to_wait(user)
    if wait:
        raise TooFast(_("You are changing messages too fast; wait a moment."), retry_after=wait)


def count_preview(*, user: User) -> None:
    """Count a preview, which is rendered as a post is; raises TooFast."""
    wait = _seconds_to_wait(user)
    if wait:
        raise TooFast(_("You are asking for previews too fast; wait a moment."), retry_after=wait)


def _seconds_to_wait(user: User) -> float:
    """Count one; returns 0.0, or the seconds until there may be another."""
    if not settings.FLOWRA_RATE_LIMITS or _post_limit is None:
        return 0.0
    return _post_limit(user.pk)
