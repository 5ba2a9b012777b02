"""Index entries that are missing or out of date.

These are of messages from before there was an index, and of those that a server of an earlier version writes during an
update. The servers make them in the background (realtime/background/indexing.py); `manage.py index_messages` makes all.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import F, OuterRef, Q, Subquery

from chats.markdown.plain_text import plain_text
from chats.models import Chat, Message, SearchEntry, SearchProgress, Workspace
from chats.search.tokens import tokens_of
from chats.services.indexing.entries import store_entry
from chats.services.indexing.keys import fill_keys

SPAN = 1_000  # messages that one step checks
BATCH = 50  # entries written in one transaction, in which SQLite has no other writer
_ONLY_ROW = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """What one step did; the next one begins below the id `before`, None if all messages were checked."""

    before: UUID | None
    looked_at: int
    indexed: int


def index_step(before: UUID | None = None, *, anew: bool = False) -> Step:
    """Check the newest messages with smaller ids than `before`, and index those without an entry of their revision.

    `anew`: index all of them. At most SPAN are checked and BATCH indexed. It is safe beside running servers, and may
    be stopped and repeated at any time.
    """
    rows = Message.objects.order_by("-pk")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    ids = list(rows.values_list("pk", flat=True)[:SPAN])
    if not ids:
        return Step(None, 0, 0)
    with transaction.atomic():
        stale = _stale(ids[-1], ids[0], BATCH, anew=anew)
        _index(stale)
    if len(stale) == BATCH:
        return Step(stale[-1], ids.index(stale[-1]) + 1, len(stale))
    return Step(ids[-1] if len(ids) == SPAN else None, len(ids), len(stale))


def index_some() -> int:
    """Do one step of the backfill; returns how many messages were checked, 0 once all were.

    Servers share the work: while one has the row locked, the others find nothing to do.
    """
    if SearchProgress.objects.filter(pk=_ONLY_ROW, is_done=True).exists():  # nearly always; and no transaction
        return 0
    SearchProgress.objects.get_or_create(pk=_ONLY_ROW)
    with transaction.atomic():
        rows = SearchProgress.objects.select_for_update(skip_locked=True).filter(pk=_ONLY_ROW, is_done=False)
        progress = rows.first()
        if progress is None:
            return 0
        step = index_step(progress.before)
        progress.before, progress.is_done = step.before, step.before is None
        progress.save()
    return step.looked_at


def index_since(moment: datetime.datetime) -> int:
    """Index up to BATCH of what was posted since `moment` and has no entry; returns how many."""
    first = UUID(int=int(moment.timestamp() * 1000) << 80)
    stale = _stale(first, None, BATCH)
    if stale:
        with transaction.atomic():
            _index(stale)
    return len(stale)


def note_that_all_is_indexed() -> None:
    """Mark the backfill as done."""
    SearchProgress.objects.update_or_create(pk=_ONLY_ROW, defaults={"before": None, "is_done": True})


def fill_all_keys() -> int:
    """Bring the folded names of people, chats and workspaces up to date; returns how many were not."""
    return sum(
        fill_keys(model, of, key)
        for model, of, key in (
            (get_user_model(), "display_name", "name_key"),
            (Chat, "title", "title_key"),
            (Workspace, "name", "name_key"),
        )
    )


def _stale(first: UUID, last: UUID | None, most: int, *, anew: bool = False) -> list[UUID]:
    """Return the newest of the messages between these ids that have no entry of their revision, or `anew` all."""
    entry = SearchEntry.objects.filter(message_id=OuterRef("pk")).order_by().values("revision")
    rows = Message.objects.filter(pk__gte=first, deleted_at__isnull=True, chat__deleted_at__isnull=True)
    if last is not None:
        rows = rows.filter(pk__lte=last)
    if not anew:
        rows = rows.annotate(indexed=Subquery(entry)).filter(Q(indexed__isnull=True) | ~Q(indexed=F("revision")))
    return list(rows.order_by("-pk").values_list("pk", flat=True)[:most])


def _index(ids: Sequence[UUID]) -> None:
    """Make the entries of these messages as they are now; the rows are held, so that none is edited meanwhile."""
    held = Message.objects.select_for_update(of=("self",), skip_locked=True).filter(pk__in=ids, deleted_at__isnull=True)
    for message in held.select_related("chat").defer("html").order_by("-pk"):
        store_entry(message, message.chat.workspace_id, tokens_of(plain_text(message.body)), is_latest=False)
