"""manage.py render_messages: render the stored HTML of all messages again."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from django import db
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chats import services

TELL_EVERY = 2.0  # seconds between two lines of progress
INTERRUPTED = 130  # the shell's status for a process ended by Ctrl-C


class Command(BaseCommand):
    help = (
        "Renders all messages anew, once after an update that says so. It runs beside the servers, once all of them "
        "are of this version; it may be stopped and run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare --after."""
        parser.add_argument(
            "--after", type=UUID, metavar="ID", help="go on after this message, the last one that was named"
        )

    def handle(self, *args: Any, after: UUID | None, **options: Any) -> None:
        """Render and report progress; raises CommandError with status 130 at Ctrl-C."""
        looked_at = changed = 0
        told_at = time.monotonic()
        try:
            while True:
                batch = services.render_batch(after)
                db.reset_queries()  # which DEBUG collects
                if batch.last_id is None:
                    break
                after, looked_at, changed = batch.last_id, looked_at + batch.looked_at, changed + batch.changed
                if time.monotonic() - told_at >= TELL_EVERY:
                    self.stdout.write(f"  {looked_at:,} messages, {changed:,} changed, up to {after}")
                    self.stdout.flush()
                    told_at = time.monotonic()
        except KeyboardInterrupt:
            option = f" --after {after}" if after else ""
            raise CommandError(
                f"Stopped after {looked_at:,} messages; go on with: manage.py render_messages{option}",
                returncode=INTERRUPTED,
            ) from None
        self.stdout.write(self.style.SUCCESS(f"{looked_at:,} messages rendered, {changed:,} of them changed."))
