"""The database's clock: times that several servers compare must come from one clock."""

from __future__ import annotations

import datetime

from django.db import connection
from django.utils import timezone


def database_now() -> datetime.datetime:
    """Return the database's time. SQLite uses this machine's clock, so no query is needed there."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        ((now,),) = cursor.fetchall()
    return now  # type: ignore[no-any-return]
