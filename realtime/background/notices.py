"""Notices from the operators: stored here, shown by every process with sockets (realtime/background/revocation.py)."""

from __future__ import annotations

from chats.exceptions import Invalid
from chats.lib.clock import database_now
from chats.lib.text import clean_line
from chats.models import Workspace
from realtime.models import Notice

NOTICE_MAX_LENGTH: int = Notice._meta.get_field("text").max_length or 0  # characters


def make_notice(*, text: str, level: str, workspace: Workspace | None) -> Notice:
    """Store a notice for the members of `workspace`, or with None for all users, and return it.

    Open sockets get it with the next poll of their process, FLOWRA_WATCH_INTERVAL seconds later at most.
    Raises Invalid for an empty text and an unknown level, TooLong above NOTICE_MAX_LENGTH characters.
    """
    if level not in Notice.Level.values:
        raise Invalid(f"level must be one of {', '.join(Notice.Level.values)}, not {level!r}.", field="level")
    line = clean_line(text, field="text", max_length=NOTICE_MAX_LENGTH)
    return Notice.objects.create(text=line, level=level, workspace=workspace, created_at=database_now())
