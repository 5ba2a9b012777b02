"""manage.py index_messages: write missing index entries of messages and keys of names."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from django import db
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chats.services.indexing.backfill import fill_all_keys, index_step, note_that_all_is_indexed

TELL_EVERY = 2.0  # seconds between two lines of progress
INTERRUPTED = 130  # the shell's status for a process ended by Ctrl-C


class Command(BaseCommand):
    help = (
        "Indexes all messages that a search would not find as they are now, newest first; once after an update that "
        "says so. It runs beside the servers, once all of them are of this version; it may be stopped and run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare --before and --all."""
        parser.add_argument(
            "--before", type=UUID, metavar="ID", help="go on with older messages than this, the last one that was named"
        )
        parser.add_argument("--all", action="store_true", dest="anew", help="index also what seems to be up to date")

    def handle(self, *args: Any, before: UUID | None, anew: bool, **options: Any) -> None:
        """Index and report progress; raises CommandError with status 130 at Ctrl-C."""
        names = fill_all_keys()
        looked_at = indexed = 0
        told_at = time.monotonic()
        try:
            while True:
                step = index_step(before, anew=anew)
                db.reset_queries()  # which DEBUG collects
                looked_at, indexed = looked_at + step.looked_at, indexed + step.indexed
                if step.before is None:
                    break
                before = step.before
                if time.monotonic() - told_at >= TELL_EVERY:
                    self.stdout.write(f"  {looked_at:,} messages, {indexed:,} indexed, back to {before}")
                    self.stdout.flush()
                    told_at = time.monotonic()
        except KeyboardInterrupt:
            option = f" --before {before}" if before else ""
            raise CommandError(
                f"Stopped after {looked_at:,} messages; go on with: manage.py index_messages{option}",
                returncode=INTERRUPTED,
            ) from None
        note_that_all_is_indexed()
        told = f"{looked_at:,} messages looked at, {indexed:,} of them indexed; {names:,} names were not up to date."
        self.stdout.write(self.style.SUCCESS(told))
