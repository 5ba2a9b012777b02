"""The database's clock: what several servers compare must not go by the clock of any one of them."""

from __future__ import annotations

import datetime

from django.db import connection
from django.utils import timezone


def database_now() -> datetime.datetime:
    """Return the database's time; with SQLite, which has this machine's, no query is needed."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        ((now,),) = cursor.fetchall()
    return now  # type: ignore[no-any-return]
