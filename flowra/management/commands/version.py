"""manage.py version: prints Flowra's version. manage.py answers it itself, so that it works with any settings."""

from typing import Any

from django.core.management.base import BaseCommand

from flowra.version import version_line


class Command(BaseCommand):
    help = "Print the version of Flowra, and those of Django and Python."
    requires_system_checks: list[str] = []  # noqa: RUF012  (as the base class has it)

    def handle(self, *args: Any, **options: Any) -> None:
        """Print it."""
        self.stdout.write(version_line())
