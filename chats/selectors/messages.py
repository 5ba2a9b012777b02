"""Messages of a chat in pieces that are bounded in number and in bytes: pages, and what changed after a revision.

Lengths are read first, then no more rows than fit, because one row may be a thousand times as long as another.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db.models import Func, IntegerField, QuerySet, Value
from django.db.models.functions import Least, Left

from chats.markdown.plain_text import EXCERPT_SOURCE
from chats.models import FAR_BEHIND, SHOWN_HTML_BYTES, Chat, Message
from chats.selectors.mentions import find_mentions

if TYPE_CHECKING:
    from flowra.accounts.models import User

PAGE_LIMIT = 100  # messages; docs/api.md
_FIELDS_BYTES = 500  # of a message beside its body and HTML
_NEW_MEANWHILE = 10  # messages that may come between measuring and reading


class _Bytes(Func):
    """The length of a text in bytes; PostgreSQL has it without reading the text."""

    function = "OCTET_LENGTH"
    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Return the SQL for SQLite, which has OCTET_LENGTH only since 3.43."""
        return self.as_sql(compiler, connection, template="LENGTH(CAST(%(expressions)s AS BLOB))", **context)


# Bytes of a message when it is read; longer HTML than SHOWN_HTML_BYTES is read as the empty text.
SIZE = _Bytes("body") + Least(_Bytes("html"), Value(SHOWN_HTML_BYTES)) + Value(_FIELDS_BYTES)


@dataclasses.dataclass(frozen=True, slots=True)
class Changes:
    """What changed in a chat after a revision, up to `revision`; `more`: there are more changes after that.

    `reset`: there are too many to send, and the client loads the chat again.
    """

    revision: int
    reset: bool
    messages: Sequence[Message]
    more: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """`count` of the changed messages, those up to revision `until`."""

    until: int
    count: int


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """The parts of all changes up to `revision`, and their size in bytes; `reset` as in Changes."""

    revision: int
    reset: bool
    parts: Sequence[Part] = ()
    size: int = 0


def fitting(sizes: Iterable[int], most: int) -> int:
    """Return how many of the first `sizes` fit into `most` bytes together, at least 1 unless there are none."""
    count = total = 0
    for size in sizes:
        total += size
        if count and total > most:
            break
        count += 1
    return count


def list_messages(
    chat: Chat,
    *,
    before: int | None = None,
    after: int | None = None,
    limit: int = PAGE_LIMIT,
    max_bytes: int | None = None,
) -> list[Message]:
    """Return up to `limit` messages in order of `seq`, with authors: the latest ones, or those next to a `seq`.

    `before`: the latest ones with a smaller `seq`; `after`: the first ones with a larger one. Not more than `max_bytes`
    (default FLOWRA_PAGE_BYTES), but at least one.
    """
    rows = chat.messages.all()
    if before is not None:
        rows = rows.filter(seq__lt=before)
    if after is not None:
        rows = rows.filter(seq__gt=after)
    lengths = list(rows.order_by("-seq" if after is None else "seq").values_list("seq", SIZE)[:limit])
    count = fitting((size for _, size in lengths), settings.FLOWRA_PAGE_BYTES if max_bytes is None else max_bytes)
    if not count:
        return []
    ends = (lengths[0][0], lengths[count - 1][0])
    found = chat.messages.select_related("author").filter(seq__gte=min(ends), seq__lte=max(ends))
    return list(found.order_by("seq"))


def list_around(chat: Chat, seq: int, *, start: int, limit: int) -> list[Message]:
    """Return up to `limit` messages from the one at `start` on, in order of `seq`, with authors.

    Above and below `seq` not more than half of FLOWRA_PAGE_BYTES each, but at least one: of those next to it.
    """
    rows = chat.messages.filter(seq__gte=start).order_by("seq").values_list("seq", SIZE)
    lengths = list(rows[:limit])
    above = [row for row in lengths if row[0] < seq]
    below = lengths[len(above) :]
    most = settings.FLOWRA_PAGE_BYTES // 2
    first = len(above) - fitting((size for _, size in reversed(above)), most)
    end = len(above) + fitting((size for _, size in below), most)
    if first == end:
        return []
    ends = (lengths[first][0], lengths[end - 1][0])
    return list(chat.messages.select_related("author").filter(seq__gte=ends[0], seq__lte=ends[1]).order_by("seq"))


def list_answered(messages: Iterable[Message]) -> Mapping[UUID, Message]:
    """Return by id the messages that `messages` reply to, with authors and excerpts, in one query."""
    ids = {message.reply_to_id for message in messages if message.reply_to_id is not None}
    if not ids:
        return {}
    return {message.pk: message for message in excerpts(Message.objects.filter(pk__in=ids).select_related("author"))}


def load_fitting(rows: QuerySet[Message], limit: int) -> list[Message]:
    """Return the first of `rows`: at most `limit` and FLOWRA_PAGE_BYTES, but at least one."""
    lengths = list(rows.values_list("pk", SIZE)[:limit])
    ids = [pk for pk, _ in lengths[: fitting((size for _, size in lengths), settings.FLOWRA_PAGE_BYTES)]]
    found = Message.objects.select_related("author").in_bulk(ids)
    return [found[pk] for pk in ids if pk in found]


def excerpts(messages: QuerySet[Message]) -> QuerySet[Message]:
    """Return these messages with only the beginning of each body loaded, as `excerpt` needs it."""
    return messages.defer("body", "html").annotate(beginning=Left("body", EXCERPT_SOURCE))


def plan_changes(chat: Chat, since: int, *, limit: int, max_bytes: int | None, part_bytes: int) -> Plan:
    """Return the changes of `chat` after revision `since` as parts of at most `part_bytes`.

    It is a reset if they are more than `limit` messages or `max_bytes` (None: any size), if `since` is ahead of the
    chat, or from before a restored backup (services/after_restore.py).
    """
    if since > chat.revision or chat.revision - since >= FAR_BEHIND:
        return Plan(chat.revision, reset=True)
    if since == chat.revision:
        return Plan(chat.revision, reset=False)
    rows = chat.messages.filter(revision__gt=since).order_by("revision")
    lengths = list(rows.values_list("revision", SIZE)[: limit + 1])
    size = sum(size for _, size in lengths)
    if len(lengths) > limit or (max_bytes is not None and size > max_bytes):
        return Plan(chat.revision, reset=True)
    parts: list[Part] = []
    while lengths:
        count = fitting((size for _, size in lengths), part_bytes)
        parts.append(Part(until=lengths[count - 1][0], count=count))
        lengths = lengths[count:]
    return Plan(chat.revision, reset=False, parts=parts, size=size)


def load_part(chat: Chat, after: int, part: Part, *, is_last: bool) -> list[Message]:
    """Return the messages of the part after revision `after`, in order of revision, with authors and mentions.

    The last part also has what was changed since it was planned.
    """
    rows = chat.messages.filter(revision__gt=after).select_related("author").order_by("revision")
    messages = list(rows[: part.count + _NEW_MEANWHILE] if is_last else rows.filter(revision__lte=part.until))
    find_mentions(messages)
    return messages


def list_changes(chat: Chat, since: int, limit: int, *, max_bytes: int | None = None) -> Changes:
    """Return the messages changed after revision `since`, in order of revision, with authors, or a reset.

    Only the first ones if they are more than `max_bytes` (default FLOWRA_PAGE_BYTES).
    """
    most = settings.FLOWRA_PAGE_BYTES if max_bytes is None else max_bytes
    plan = plan_changes(chat, since, limit=limit, max_bytes=None, part_bytes=most)
    if plan.reset or not plan.parts:
        return Changes(plan.revision, plan.reset, [])
    part, is_last = plan.parts[0], len(plan.parts) == 1
    messages = load_part(chat, since, part, is_last=is_last)
    if is_last:
        # Read after `chat`, so it may know more: then the position is that of the last row.
        return Changes(max([plan.revision, *(message.revision for message in messages)]), False, messages)
    # A message that was changed again since it was measured has a later revision, and comes in a later part.
    return Changes(messages[-1].revision if messages else part.until, False, messages, more=True)


def find_posted(user: User, chat_id: UUID, client_id: UUID) -> Message | None:
    """Return what `user` posted to the chat under this idempotency key, if anything."""
    return (
        Message.objects.select_related("author").filter(chat_id=chat_id, author_id=user.pk, client_id=client_id).first()
    )
