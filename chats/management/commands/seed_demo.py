"""manage.py seed_demo: the demo's people, chats and conversation."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chats.demo import seed


class Command(BaseCommand):
    help = (
        "Makes the demo: a workspace with people, chats and a conversation. Run again, it changes nothing. "
        f'Everybody\'s password is "{seed.PASSWORD}".'
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--members", type=int, default=0, metavar="N", help=f'add a chat "{seed.ALL_HANDS}" of N numbered members'
        )
        parser.add_argument(
            "--force", action="store_true", help="run although DEBUG is off: anybody can then sign in with the password"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the demo; raises CommandError if DEBUG is off, unless --force."""
        if not settings.DEBUG and not options["force"]:
            raise CommandError(
                "DEBUG is off, so this may be a server for real people, and the demo's accounts have a password that "
                "everybody knows. Use --force if you want them all the same."
            )
        try:
            seed.seed(options["members"], tell=self.stdout.write)
        except ValueError as error:
            raise CommandError(str(error)) from error
        names = ", ".join(account.username for account in seed.ACCOUNTS)
        self.stdout.write(self.style.SUCCESS(f'Sign in as {names} with the password "{seed.PASSWORD}".'))
