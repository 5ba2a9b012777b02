"""manage.py restored: what has to be done once after a backup was restored."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from realtime.background.failover import note_restore


class Command(BaseCommand):
    help = (
        "Run it once after a backup was restored, before the servers start: pages that were open and have seen what "
        "the backup does not have will load their chats anew, even if others have written since."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it and say so. A second time it does no harm."""
        count = note_restore()
        self.stdout.write(self.style.SUCCESS(f"{count:,} chats: whoever knows one from before loads it anew."))
