"""manage.py prune: counts old rows, and deletes them with --delete."""

from __future__ import annotations

import argparse
import datetime
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from flowra.pruning import KINDS, PrunedKind, delete_in_batches

DAYS = 90
MOST_DAYS = 36_500
TELL_EVERY = 2.0  # seconds between two lines of progress
INTERRUPTED = 130  # the shell's status for a process ended by Ctrl-C


def day_count(text: str) -> int:
    """Return a number of days, at least 1; raises argparse's error for anything else.

    Not 0: a notice must exist until every process has read it, and a notification until its reader has left the page.
    """
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days: give 1 to {MOST_DAYS:,}")
    return int(text)


class Command(BaseCommand):
    help = (
        "Counts what can go: notifications that were read and notices, invites and sign-ins that are old; tokens and "
        "sessions that have expired. Deletes it with --delete, in small transactions, while Flowra runs."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare --days and --delete."""
        parser.add_argument(
            "--days", type=day_count, default=DAYS, metavar="N", help="what is old (default: %(default)s)"
        )
        parser.add_argument("--delete", action="store_true", help="delete it; without this nothing is changed")

    def handle(self, *args: Any, days: int, delete: bool, **options: Any) -> None:
        """Count or delete; raises CommandError with status 130 at Ctrl-C."""
        now = timezone.now()
        old = now - datetime.timedelta(days=days)
        self.stdout.write(f"{'Deleting' if delete else 'Would delete'}, where old is before {old:%Y-%m-%d %H:%M} UTC:")
        total = 0
        try:
            for kind in KINDS:
                count = self._delete(kind, now, old) if delete else kind.find(now, old).count()
                self.stdout.write(f"  {kind.label:<36}{count:>12,}")
                total += count
        except KeyboardInterrupt:
            message = "Stopped. What was deleted is gone, nothing is half done; run it again to go on."
            raise CommandError(message, returncode=INTERRUPTED) from None
        self.stdout.write(f"  {'in all':<36}{total:>12,}")
        if not delete:
            self.stdout.write("Nothing was deleted. Run it again with --delete to do it.")

    def _delete(self, kind: PrunedKind, now: datetime.datetime, old: datetime.datetime) -> int:
        """Delete one kind of rows, print progress every TELL_EVERY seconds, and return the number of rows."""
        done, told_at = 0, time.monotonic()
        for count in delete_in_batches(kind.find(now, old)):
            done += count
            if time.monotonic() - told_at >= TELL_EVERY:
                self.stdout.write(f"    {kind.label}: {done:,} so far")
                self.stdout.flush()
                told_at = time.monotonic()
        return done
