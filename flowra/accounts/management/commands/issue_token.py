"""manage.py issue_token USERNAME: prints an access token for a script."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from flowra.accounts.models import User
from flowra.accounts.security.tokens import issue_access_token


class Command(BaseCommand):
    help = "Prints an access token of a user, and nothing else, for `Authorization: Bearer`."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the username."""
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the token; raises CommandError for users who cannot sign in."""
        username = options["username"]
        try:
            user = User.objects.get_by_natural_key(username)
        except User.DoesNotExist as error:
            raise CommandError(f'There is no user "{username}".') from error
        if not user.is_active:
            raise CommandError(f'The user "{username}" is deactivated.')
        self.stdout.write(issue_access_token(user))
