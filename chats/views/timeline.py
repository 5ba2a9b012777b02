"""The messages of a page, as the template shows them: grouped, with days, the first unread and quotes."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from chats.models import Chat, ChatMember, Message
from chats.selectors.messages import list_answered, list_around, list_messages
from chats.selectors.unread import FirstUnread, find_first_unread

GROUP_SECONDS = 5 * 60  # one author's messages stand under one name for so long; static/js/chat/grouping.js has it too
LIMIT = 50  # messages at the end of a chat, above or below others
AROUND, AROUND_ABOVE = 100, 25  # messages around one; at most so many of them are above it


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
    """Consecutive messages of a chat, and whether there are more above and below; without those it is live."""

    lines: Sequence[TimelineRow]
    has_older: bool
    has_newer: bool

    @property
    def is_live(self) -> bool:
        """Whether the chat's last message is the last line."""
        return not self.has_newer

    @property
    def first_seq(self) -> int:
        """The `seq` of the first message, 1 if there is none."""
        return self.lines[0].message.seq if self.lines else 1

    @property
    def last_seq(self) -> int:
        """The `seq` of the last message, 0 if there is none."""
        return self.lines[-1].message.seq if self.lines else 0


def opening(membership: ChatMember, *, may_manage: bool) -> tuple[Timeline, FirstUnread | None]:
    """Return what a chat opens with: the messages around the first unread one, which comes with them, or the end."""
    if membership.chat.seq <= membership.last_read_seq:
        return latest(membership, may_manage=may_manage), None
    shown = around(membership, membership.last_read_seq + 1, may_manage=may_manage)
    begins = next((line.message for line in shown.lines if line.is_first_unread), None)
    if begins is not None:
        return shown, FirstUnread(begins.seq, begins.created_at)
    first_unread = find_first_unread(membership)  # below many that were deleted
    if first_unread is None:
        return latest(membership, may_manage=may_manage), None
    return around(membership, first_unread.seq, may_manage=may_manage), first_unread


def latest(membership: ChatMember, *, may_manage: bool) -> Timeline:
    """Return the end of the chat."""
    return _timeline(membership, list_messages(membership.chat, limit=LIMIT), may_manage=may_manage)


def before(membership: ChatMember, seq: int, *, may_manage: bool) -> Timeline:
    """Return the messages above the one at `seq`."""
    return _timeline(membership, list_messages(membership.chat, before=seq, limit=LIMIT), may_manage=may_manage)


def after(membership: ChatMember, seq: int, *, may_manage: bool) -> Timeline:
    """Return the messages below the one at `seq`."""
    return _timeline(membership, list_messages(membership.chat, after=seq, limit=LIMIT), may_manage=may_manage)


def around(membership: ChatMember, seq: int, *, may_manage: bool) -> Timeline:
    """Return the messages around the one at `seq`, or around its place if there is none."""
    start = min(seq - AROUND_ABOVE, membership.chat.seq + 1 - LIMIT)  # near the end no less than the end
    messages = list_around(membership.chat, seq, start=start, limit=AROUND)
    if not messages:
        return latest(membership, may_manage=may_manage)
    return _timeline(membership, messages, may_manage=may_manage)


def _timeline(membership: ChatMember, messages: Sequence[Message], *, may_manage: bool) -> Timeline:
    answered = list_answered(messages)
    read_up_to = membership.last_read_seq
    if messages and messages[0].seq > read_up_to + 1:
        read_up_to = messages[-1].seq  # the first unread message is further up
    places = arrange(messages, reader_id=membership.user_id, read_up_to=read_up_to)
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
    return Timeline(
        lines,
        has_older=bool(messages) and messages[0].seq > 1,
        has_newer=bool(messages) and messages[-1].seq < membership.chat.seq,
    )


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
