"""After a backup was restored: make every open page load its chats anew.

Messages posted after the backup are lost, but open pages show them, under revisions that new messages will get again.
A page that is ahead of its chat is told to load it anew; once the chat has caught up, the page could not be told apart
from one that missed nothing. So all revisions rise by more than there can have been changes since the backup.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import F

from chats.models import FAR_BEHIND, Chat

BUMP = 2 * FAR_BEHIND
_BATCH = 1_000  # chats of one statement


@transaction.atomic
def bump_revisions() -> int:
    """Raise the revision of every chat by BUMP; returns the number of chats. Call it once after each restore.

    Safe while people post: chats are locked in order of id, as everywhere.
    """
    chats = Chat.objects.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True)
    count = 0
    batch = list(chats[:_BATCH])
    while batch:
        count += Chat.objects.filter(pk__in=batch).order_by().update(revision=F("revision") + BUMP)
        batch = list(chats.filter(pk__gt=batch[-1])[:_BATCH])
    return count
