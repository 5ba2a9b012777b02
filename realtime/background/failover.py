"""Finds out by itself that the database has lost its latest commits.

A promoted standby may lack the latest commits, and so does a backup. New messages then get revisions that were used
before, and pages and rooms that know those take the new message for the old one and do not show it. So all revisions
are raised (chats/services/after_restore.py).

PostgreSQL begins another timeline with each promotion and each recovery to a point in time. A new cluster has another
system identifier, and a new database another oid. These three are stored in the database itself: if they differ from
what PostgreSQL says now, it was a standby or a backup. After a promotion that lost nothing, raising the revisions was
not necessary; it costs that every open page loads its chat again.

SQLite has nothing like that and needs `manage.py restored`.
"""

from __future__ import annotations

import logging

from django.db import NotSupportedError, ProgrammingError, connection, transaction

from chats import services
from realtime.models import DatabaseIdentity

logger = logging.getLogger(__name__)
# The timeline is the first part of the name of the WAL file. pg_control_checkpoint() would be late: it has the timeline
# of the last checkpoint. None of these functions needs a privilege.
_ASK = """
SELECT (SELECT system_identifier FROM pg_control_system())
    || '/' || (SELECT oid FROM pg_database WHERE datname = current_database())
    || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8)
"""
_silent = False


def read_identity() -> str:
    """Return the database's identity; empty for SQLite and for a hosted PostgreSQL that hides it."""
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
    """Return the database's identity; if it was another one before, all revisions were raised by then."""
    identity = read_identity()
    if not identity or DatabaseIdentity.objects.filter(pk=1, identity=identity).exists():
        return identity
    with transaction.atomic():
        row, is_first = DatabaseIdentity.objects.select_for_update().get_or_create(
            pk=1, defaults={"identity": identity}
        )
        if is_first or row.identity == identity:  # another process has done it
            return identity
        count = services.bump_revisions()
        before, row.identity = row.identity, identity
        row.save()
    logger.warning(
        "The database is %s now and was %s: it may have lost its latest commits. "
        "Clients that know one of its %d chats from before load it again.",
        identity,
        before,
        count,
    )
    return identity


def note_restore() -> int:
    """Raise all revisions, return how many chats there are, and store the database's identity as it is now."""
    identity = read_identity()
    with transaction.atomic():
        if identity:
            DatabaseIdentity.objects.update_or_create(pk=1, defaults={"identity": identity})
        return services.bump_revisions()
