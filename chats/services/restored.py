"""After a backup was restored: tell the pages that saw what is gone from those that did not.

What was posted after the backup is lost, but pages that were open have it, with revisions that new messages will take
once more. As long as a page is ahead of its chat it is told to load the chat anew. Once the chat has passed it, its
position looks like any other, and it would show both what is lost and what is there, and miss some of the latter.

So every chat leaps further than it can have come since the backup. Whoever was anywhere before the leap loads anew.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import F

from chats.models import FAR_BEHIND, Chat

LEAP = 2 * FAR_BEHIND
_BATCH = 1_000  # chats of one statement


@transaction.atomic
def leap_ahead() -> int:
    """Move the revision of all chats by LEAP, and return how many there are; once after each restore.

    People may be writing meanwhile: chats are locked by id, as everywhere.
    """
    chats = Chat.objects.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True)
    count = 0
    batch = list(chats[:_BATCH])
    while batch:
        count += Chat.objects.filter(pk__in=batch).order_by().update(revision=F("revision") + LEAP)
        batch = list(chats.filter(pk__gt=batch[-1])[:_BATCH])
    return count
