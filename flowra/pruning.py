"""What nobody will ask for again: found, counted, and deleted in small transactions.

Every kind says in one query what is old. The same query is asked again in the transaction that deletes, so that a row
that came back to life in between (a session that was used again) stays.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterator
from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.db import reset_queries, transaction
from django.db.models import F, Q, QuerySet
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from chats.models import Notification, WorkspaceInvite
from flowra.accounts.models import BrowserSession, NameTries
from flowra.accounts.security.lockout import FORGET_AFTER
from realtime.models import Notice

BATCH = 500  # rows of one transaction: short enough that nobody who writes waits for it

Rows = QuerySet[Any, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """Rows of one table that can go; `find` gets now and the moment before which things are old."""

    label: str
    find: Callable[[datetime.datetime, datetime.datetime], Rows]


def _is_used_up(created_before: datetime.datetime) -> Q:
    # When an invite was used last is not stored.
    return Q(max_uses__isnull=False, use_count__gte=F("max_uses"), created_at__lt=created_before)


# What has expired is refused whether it is there or not, so it goes at once; what could still be looked at, or explains
# something that happened, goes once it is old.
KINDS = (
    Kind("read notifications", lambda now, old: Notification.objects.filter(read_at__lt=old)),
    Kind("notices", lambda now, old: Notice.objects.filter(created_at__lt=old)),
    Kind(
        "invites that expired or are used up",
        lambda now, old: WorkspaceInvite.objects.filter(Q(expires_at__lt=old) | _is_used_up(old)),
    ),
    # The entry that ends the tokens of a sign-in expires with the last token that it could end; see accounts/tokens.py.
    Kind("expired tokens", lambda now, old: OutstandingToken.objects.filter(expires_at__lt=now)),
    Kind("expired sessions", lambda now, old: BrowserSession.objects.filter(expire_date__lt=now)),
    Kind("sign-ins", lambda now, old: AccessLog.objects.filter(attempt_time__lt=old)),
    Kind("failed sign-ins", lambda now, old: AccessAttempt.objects.filter(attempt_time__lt=old)),
    Kind("names that were tried", lambda now, old: NameTries.objects.filter(last_at__lt=now - FORGET_AFTER)),
    Kind("lock-outs", lambda now, old: AccessFailureLog.objects.filter(attempt_time__lt=old)),
)


def delete_in_batches(rows: Rows) -> Iterator[int]:
    """Delete `rows`, and what hangs on them, BATCH at a time; yield how many of them each transaction deleted.

    Stopping half-way loses nothing and leaves nothing half done. Each row is looked at once, so it ends even where
    new ones come as fast as old ones go.
    """
    last: Any = None
    while True:
        some = rows.order_by("pk") if last is None else rows.order_by("pk").filter(pk__gt=last)
        keys = list(some.values_list("pk", flat=True)[:BATCH])
        if not keys:
            return
        last = keys[-1]
        with transaction.atomic():
            _, by_model = rows.filter(pk__in=keys).delete()
        reset_queries()  # which DEBUG collects
        yield by_model.get(rows.model._meta.label, 0)
