"""Rendering stored messages again after a change of `chats/markdown/html.py`.

Only their HTML changes: no revision is raised and nothing is published. Open pages show the new HTML when they are
loaded again.
"""

from __future__ import annotations

import dataclasses
import re
from uuid import UUID

from django.db.models import Case, F, QuerySet, TextField, Value, When
from django.db.models.functions import Length

from chats.markdown.html import Document
from chats.models import Mention, Message

BATCH = 100  # messages read at once
# Characters of stored HTML that are read. Earlier versions could make 75 million of a body of 10,000; longer HTML is
# replaced without being read, so that the memory of a batch is bounded.
_READABLE = 256 * 1024
_MARKED = re.compile(r'<span class="mention" data-username="([^"]+)">')


@dataclasses.dataclass(frozen=True, slots=True)
class Rendered:
    """What one call of `render_batch` did; `last_id` is None if no messages were left."""

    last_id: UUID | None
    looked_at: int
    changed: int


def render_batch(after: UUID | None = None, *, size: int = BATCH) -> Rendered:
    """Render the next `size` messages by id after the one with the id `after`; who is mentioned stays.

    Each message is one statement, which changes nothing if the message was edited or deleted since it was read. So it
    is safe beside running servers, and may be stopped and repeated at any time.
    """
    rows = Message.objects.filter(deleted_at__isnull=True).order_by("pk")
    if after is not None:
        rows = rows.filter(pk__gt=after)
    last_id, looked_at, changed = None, 0, 0
    for message_id, body, html in _with_readable_html(rows)[:size]:
        document = Document(body)
        made = document.render(_names(message_id, html) if document.mentioned_names else ())
        if made != html:
            unchanged = Message.objects.filter(pk=message_id, body=body, deleted_at__isnull=True)
            changed += unchanged.update(html=made)
        last_id, looked_at = message_id, looked_at + 1
    return Rendered(last_id, looked_at, changed)


def _with_readable_html(rows: QuerySet[Message]) -> QuerySet[Message, tuple[UUID, str, str | None]]:
    """Return (id, body, html) of each row, where html is None if it is too long to be read."""
    readable = Case(
        When(html_length__lte=_READABLE, then=F("html")), default=Value(None), output_field=TextField(null=True)
    )
    return rows.annotate(html_length=Length("html"), readable=readable).values_list("pk", "body", "readable")


def _names(message_id: UUID, html: str | None) -> set[str]:
    """Return the lower-cased usernames that the message mentions now."""
    if html is not None:
        return set(_MARKED.findall(html))
    people = Mention.objects.filter(message_id=message_id).values_list("user__username", flat=True)
    author = Message.objects.filter(pk=message_id).values_list("author__username", flat=True)
    return {name.lower() for name in [*people, *author]}
