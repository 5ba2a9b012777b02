"""Old rows that `manage.py prune` deletes, in small transactions.

Each kind has one query for its old rows. The query is repeated in the transaction that deletes, so that a row that was
used again meanwhile is kept.
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

BATCH = 500  # rows per transaction: few enough to block no writer noticeably

Rows = QuerySet[Any, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class PrunedKind:
    """Rows of one table that can be deleted; `find` takes the current time and the time before which rows are old."""

    label: str
    find: Callable[[datetime.datetime, datetime.datetime], Rows]


def _is_used_up(created_before: datetime.datetime) -> Q:
    # The last use of an invite is not stored.
    return Q(max_uses__isnull=False, use_count__gte=F("max_uses"), created_at__lt=created_before)


# Expired credentials are refused anyway, so they are deleted at once; rows that people may still look at are deleted
# when they are old.
KINDS = (
    PrunedKind("read notifications", lambda now, old: Notification.objects.filter(read_at__lt=old)),
    PrunedKind("notices", lambda now, old: Notice.objects.filter(created_at__lt=old)),
    PrunedKind(
        "invites that expired or are used up",
        lambda now, old: WorkspaceInvite.objects.filter(Q(expires_at__lt=old) | _is_used_up(old)),
    ),
    # The entry that revokes a sign-in's tokens expires with the last of them (flowra/accounts/security/tokens.py).
    PrunedKind("expired tokens", lambda now, old: OutstandingToken.objects.filter(expires_at__lt=now)),
    PrunedKind("expired sessions", lambda now, old: BrowserSession.objects.filter(expire_date__lt=now)),
    PrunedKind("sign-ins", lambda now, old: AccessLog.objects.filter(attempt_time__lt=old)),
    PrunedKind("failed sign-ins", lambda now, old: AccessAttempt.objects.filter(attempt_time__lt=old)),
    PrunedKind("names that were tried", lambda now, old: NameTries.objects.filter(last_at__lt=now - FORGET_AFTER)),
    PrunedKind("lock-outs", lambda now, old: AccessFailureLog.objects.filter(attempt_time__lt=old)),
)


def delete_in_batches(rows: Rows) -> Iterator[int]:
    """Delete `rows` with their dependent rows, BATCH at a time; yield the number of rows of each transaction.

    It can be stopped at any time. It visits each row once, so it ends even if new ones appear as fast as old ones are
    deleted.
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
        reset_queries()  # which DEBUG records
        yield by_model.get(rows.model._meta.label, 0)
