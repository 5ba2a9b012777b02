"""A database that lost its latest commits, noticed by itself.

A standby that takes over may lack what was committed last, and so does a backup. New messages then get revisions that
were used before, and whoever knows those, pages and this process's rooms, takes the new for the old and does not show
it. So every chat leaps (chats/services/after_restore.py).

PostgreSQL begins another timeline with each promotion and each recovery to a point in time. A cluster that is made anew
has another system identifier, and a database that is made anew another oid. The database itself keeps these three:
where they are others now, it was a standby or a backup. After a promotion that lost nothing the leap was not needed; it
costs that every open page loads its chat anew.

SQLite has nothing like that: there, `manage.py restored` is needed.
"""

from __future__ import annotations

import logging

from django.db import NotSupportedError, ProgrammingError, connection, transaction

from chats import services
from realtime.models import DatabaseIdentity

logger = logging.getLogger(__name__)
# The timeline is the first part of the name of the file that is written to. pg_control_checkpoint() would tell it late:
# it names that of the last checkpoint. None of these functions needs a right of its own.
_ASK = """
SELECT (SELECT system_identifier FROM pg_control_system())
    || '/' || (SELECT oid FROM pg_database WHERE datname = current_database())
    || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8)
"""
_silent = False


def read_identity() -> str:
    """Return which database this is; empty where it does not say so, as SQLite and some hosted PostgreSQL."""
    global _silent
    if connection.vendor != "postgresql":
        return ""
    try:
        with connection.cursor() as cursor:
            cursor.execute(_ASK)
            ((identity,),) = cursor.fetchall()
    except (NotSupportedError, ProgrammingError) as error:
        if not _silent:
            logger.warning("PostgreSQL hides its timeline; run `manage.py restored` after a failover: %s", error)
        _silent = True
        return ""
    return str(identity)


def find_failover() -> str:
    """Return which database this is; where it was another one before, all chats have leapt by then."""
    identity = read_identity()
    if not identity or DatabaseIdentity.objects.filter(pk=1, identity=identity).exists():
        return identity
    with transaction.atomic():
        row, is_first = DatabaseIdentity.objects.select_for_update().get_or_create(
            pk=1, defaults={"identity": identity}
        )
        if is_first or row.identity == identity:  # another process has seen to it
            return identity
        count = services.bump_revisions()
        before, row.identity = row.identity, identity
        row.save()
    logger.warning(
        "The database is %s now and was %s: it may have lost what was committed last. "
        "Whoever knows one of its %d chats from before loads it anew.",
        identity,
        before,
        count,
    )
    return identity


def note_restore() -> int:
    """Have all chats leap, return how many there are, and take the database for what it is now."""
    identity = read_identity()
    with transaction.atomic():
        if identity:
            DatabaseIdentity.objects.update_or_create(pk=1, defaults={"identity": identity})
        return services.bump_revisions()
