"""The messages of a page, as the template shows them: grouped, with days, the first unread and quotes."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from django.conf import settings

from chats.models import Chat, ChatMember, Message
from chats.selectors.messages import list_answered, list_messages

GROUP_SECONDS = 5 * 60  # one author's messages stand under one name for so long; static/js/chat/grouping.js has it too
LIMIT_MIN, LIMIT_MAX = 50, 100
READ_CONTEXT = 15  # messages shown above the first unread one


@dataclasses.dataclass(frozen=True, slots=True)
class TimelineRow:
    """A message, and how it is shown."""

    message: Message
    answered: Message | None
    is_own: bool
    may_delete: bool
    is_continuation: bool
    starts_day: bool
    is_first_unread: bool


class Arrangement(NamedTuple):
    """How a message is shown: under the name of the one above, below a new day, below "New"."""

    is_continuation: bool
    starts_day: bool
    is_first_unread: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Timeline:
    """Consecutive messages of a chat; `is_live` if the last one is among them."""

    lines: Sequence[TimelineRow]
    has_older: bool
    is_live: bool

    @property
    def first_seq(self) -> int:
        """The `seq` of the first message, 1 if there is none."""
        return self.lines[0].message.seq if self.lines else 1


def latest(membership: ChatMember, *, may_manage: bool) -> Timeline:
    """Return the end of the chat: enough to begin with the first unread message."""
    unread = membership.chat.seq - membership.last_read_seq
    limit = max(LIMIT_MIN, min(unread + READ_CONTEXT, LIMIT_MAX))
    return _timeline(membership, list_messages(membership.chat, limit=limit), may_manage=may_manage, is_live=True)


def before(membership: ChatMember, seq: int, *, may_manage: bool) -> Timeline:
    """Return the messages above the one at `seq`."""
    messages = list_messages(membership.chat, before=seq, limit=LIMIT_MIN)
    return _timeline(membership, messages, may_manage=may_manage, is_live=False)


def around(membership: ChatMember, seq: int, *, may_manage: bool) -> Timeline:
    """Return the messages around the one at `seq`: it and some before it, and what follows."""
    most = settings.FLOWRA_PAGE_BYTES // 2
    messages = list_messages(membership.chat, before=seq + 1, limit=LIMIT_MIN // 2, max_bytes=most)
    messages += list_messages(membership.chat, after=seq, limit=LIMIT_MAX - LIMIT_MIN // 2, max_bytes=most)
    is_live = not messages or messages[-1].seq >= membership.chat.seq
    if is_live and len(messages) < LIMIT_MIN:
        end = latest(membership, may_manage=may_manage)
        if end.first_seq <= seq:
            return end
    return _timeline(membership, messages, may_manage=may_manage, is_live=is_live)


def _timeline(membership: ChatMember, messages: Sequence[Message], *, may_manage: bool, is_live: bool) -> Timeline:
    answered = list_answered(messages)
    places = arrange(messages, reader_id=membership.user_id, read_up_to=membership.last_read_seq)
    lines = [
        TimelineRow(
            message=message,
            answered=answered.get(message.reply_to_id) if message.reply_to_id else None,
            is_own=message.author_id == membership.user_id,
            may_delete=message.author_id == membership.user_id or may_manage,
            **place._asdict(),
        )
        for message, place in zip(messages, places, strict=True)
    ]
    return Timeline(lines, has_older=bool(messages) and messages[0].seq > 1, is_live=is_live)


def arrange(messages: Sequence[Message], *, reader_id: UUID, read_up_to: int) -> Iterator[Arrangement]:
    """Yield each message's arrangement. The page's script does the same (static/js/chat/grouping.js), and both are held
    together by tests/cases/grouping.json."""
    is_new_shown = False
    for previous, message in zip([None, *messages], messages, strict=False):
        is_unread = message.seq > read_up_to and message.author_id != reader_id and message.deleted_at is None
        is_first_unread = is_unread and not is_new_shown
        is_new_shown = is_new_shown or is_unread
        starts_day = previous is None or previous.created_at.date() != message.created_at.date()
        is_continuation = not starts_day and not is_first_unread and _continues(previous, message)
        yield Arrangement(is_continuation, starts_day, is_first_unread)


def _continues(previous: Message | None, message: Message) -> bool:
    if previous is None or previous.author_id != message.author_id or message.reply_to_id is not None:
        return False
    return message.created_at - previous.created_at < datetime.timedelta(seconds=GROUP_SECONDS)


def answered_in(chat: Chat, message_id: UUID | None) -> Message | None:
    """Return the message of this chat that is being answered, if it is there and not deleted."""
    if message_id is None:
        return None
    return chat.messages.select_related("author").filter(pk=message_id, deleted_at__isnull=True).first()
