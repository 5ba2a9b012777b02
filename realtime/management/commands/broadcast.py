"""manage.py broadcast TEXT: a notice to everybody who has a page open, or to a workspace."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chats.exceptions import ChatError
from chats.models import Workspace
from realtime.background.notices import NOTICE_MAX_LENGTH, make_notice
from realtime.models import Notice

LISTED = 10  # workspaces of one name that are told apart


class Command(BaseCommand):
    help = (
        "Shows a notice on every open page, and sends it to every API client that is connected. It goes by way of the "
        "database: without a broker, and to all processes and machines."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the text, and for whom it is."""
        parser.add_argument("text", help=f"one line of at most {NOTICE_MAX_LENGTH} characters, shown as it is")
        parser.add_argument("--workspace", metavar="ID_OR_NAME", help="only to members of this workspace")
        parser.add_argument(
            "--level",
            choices=Notice.Level.values,
            default=Notice.Level.INFO.value,
            help="how it looks; an error stays until it is closed (default: %(default)s)",
        )

    def handle(self, *args: Any, text: str, workspace: str | None, level: str, **options: Any) -> None:
        """Store the notice and say who gets it; raises CommandError where there is nobody it could be for."""
        recipients = None if workspace is None else find_workspace(workspace)
        try:
            notice = make_notice(text=text, level=level, workspace=recipients)
        except ChatError as error:
            raise CommandError(error.message) from error
        whom = "everybody" if recipients is None else f"members of {recipients.name}"
        within = settings.FLOWRA_WATCH_INTERVAL
        self.stdout.write(f"To {whom} with a page open, within {within:g} s or so: {notice.text}")


def find_workspace(id_or_name: str) -> Workspace:
    """Return the one workspace meant; raises CommandError where there is none, or several have the name."""
    try:
        matches = Workspace.objects.filter(pk=UUID(id_or_name))
    except ValueError:
        matches = Workspace.objects.filter(name__iexact=id_or_name.strip())
    found = list(matches.order_by("created_at", "pk")[: LISTED + 1])
    if not found:
        raise CommandError(f'There is no workspace "{id_or_name}".')
    if len(found) > 1:
        lines = "\n".join(f"  {one.pk}  since {one.created_at:%Y-%m-%d}" for one in found[:LISTED])
        raise CommandError(
            f'Several workspaces are called "{id_or_name}". Name the one that you mean by its id:\n{lines}'
        )
    return found[0]
