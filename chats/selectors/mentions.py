"""Who is mentioned in stored messages: the names are marked in the HTML, and one query tells whose they are."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models.functions import Lower

from chats.markdown.html import names_mentioned
from chats.models import Message


def find_mentions(messages: Iterable[Message]) -> None:
    """Set `mention_ids` of these messages, with one query if any of them mentions somebody."""
    named = [(message, names_mentioned(message.html)) for message in messages]
    ids = _ids_of({name for _, names in named for name in names})
    for message, names in named:
        message.mention_ids = [ids[name] for name in names if name in ids]


def _ids_of(names: Iterable[str]) -> dict[str, UUID]:
    """Return by name the ids of the users who have one of these lower-cased usernames."""
    wanted = sorted(names)
    if not wanted:
        return {}
    rows = get_user_model().objects.order_by().annotate(name=Lower("username")).filter(name__in=wanted)
    return dict(rows.values_list("name", "pk"))
