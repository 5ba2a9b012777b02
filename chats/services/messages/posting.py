"""Posting: the write that everything waits for, so it is four statements, written by hand, in one transaction.

The same in words of the ORM takes seven, and putting those together costs the process more time than all else that a
post does. Both databases run these: PostgreSQL, and SQLite from 3.35 on, where RETURNING came.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from chats import events
from chats.exceptions import ChatError, Closed, Forbidden, Invalid, NotFound
from chats.lib.ids import new_id
from chats.lib.sql import load, run, with_tables
from chats.lib.text import clean_text
from chats.markdown.html import Document
from chats.markdown.plain_text import excerpt_of
from chats.models import BODY_MAX_LENGTH, Chat, ChatKind, ChatMember, Message, Notification
from chats.search.tokens import tokens_of
from chats.selectors.access import access_chat
from chats.selectors.messages import find_posted
from chats.services import publish
from chats.services.direct import refuse_blocked, show_direct
from chats.services.indexing.entries import store_entry
from chats.services.messages.mentions import Named, add_mentions, notify_answered
from chats.services.messages.notifications import mark_chat_notifications_read

if TYPE_CHECKING:
    from flowra.accounts.models import User

# Locks the chat's row as `SELECT … FOR NO KEY UPDATE` would, and raises its counters. The membership is checked only so
# that strangers lock nothing: PostgreSQL reads it as it was before it waited, so the next statement checks it again.
_ALLOCATE_SEQ = with_tables(
    """
    UPDATE {chats} SET seq = seq + 1, revision = revision + 1, last_message_at = %s
    WHERE id = %s AND EXISTS (
        SELECT 1 FROM {members} AS mine WHERE mine.chat_id = {chats}.id AND mine.user_id = %s
    )
    RETURNING id, workspace_id, kind, title, seq, revision, access_version, closed_at, last_message_at
""",
    chats=Chat,
    members=ChatMember,
)
# Several servers share a PostgreSQL, and messages are in order by its clock, read when the row is held.
_ALLOCATE_SEQ_ON_POSTGRESQL = _ALLOCATE_SEQ.replace("last_message_at = %s", "last_message_at = clock_timestamp()")
# Under the chat's lock a member stays one until the commit. The author has read the chat up to the new message. The
# author's names are read again because a socket may have been opened long ago.
_TOUCH_MEMBERSHIP = with_tables(
    """
    UPDATE {members} SET last_read_seq = %s, mention_count = 0
    WHERE chat_id = %s AND user_id = %s AND EXISTS (
        SELECT 1 FROM {users} AS author WHERE author.id = {members}.user_id AND author.is_active
    )
    RETURNING
        user_id,
        (SELECT username FROM {users} AS author WHERE author.id = {members}.user_id),
        (SELECT display_name FROM {users} AS author WHERE author.id = {members}.user_id),
        EXISTS (
            SELECT 1 FROM {notifications} AS unread
            WHERE unread.user_id = {members}.user_id AND unread.chat_id = {members}.chat_id
                AND unread.read_at IS NULL
        )
""",
    members=ChatMember,
    notifications=Notification,
    users=get_user_model(),
)
_INSERT_MESSAGE = with_tables(
    """
    INSERT INTO {messages}
        (id, chat_id, author_id, seq, revision, posted_revision, client_id, reply_to_id, body, html, created_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (chat_id, author_id, client_id) DO NOTHING
    RETURNING seq
""",
    messages=Message,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Posted:
    """A stored message, and whether this call stored it or an earlier one with the same `client_id`."""

    message: Message
    created: bool


class _Repeated(Exception):
    """The `client_id` was used before; rolls back the raised counters."""


def post_message(*, user: User, chat_id: UUID, body: str, client_id: UUID, reply_to_id: UUID | None = None) -> Posted:
    """Store a message; the same `client_id` again returns the first one, even if the post would be refused now.

    Raises NotFound, Closed, Forbidden (in a direct chat of which one blocks the other), Invalid, TooLong.
    """
    try:
        # Rendered before the transaction, so that the chat's row is not locked meanwhile.
        document = Document(clean_text(body, field="body", max_length=BODY_MAX_LENGTH))
        tokens = tokens_of(document.text)
        with transaction.atomic():
            message = _store(user.pk, chat_id, body, document, client_id, reply_to_id)
            store_entry(message, message.chat.workspace_id, tokens)
    except (Invalid, Closed, Forbidden, _Repeated) as refusal:
        # Few posts are repeated, so only refused ones are looked up.
        return Posted(_find_first(user, chat_id, client_id, refusal), created=False)
    return Posted(message, created=True)


def _store(
    user_id: UUID, chat_id: UUID, body: str, document: Document, client_id: UUID, reply_to_id: UUID | None
) -> Message:
    chat, is_closed, now = _allocate_seq(user_id, chat_id)
    author, has_unread = _touch_membership(user_id, chat)
    if is_closed:
        raise Closed(_("This chat is archived."))
    if chat.kind == ChatKind.DIRECT:
        refuse_blocked(chat)
    answered = _message_to_answer(chat, reply_to_id)
    named = Named(chat, document)
    message = Message(
        id=new_id(),
        chat=chat,
        author=author,
        seq=chat.seq,
        revision=chat.revision,
        posted_revision=chat.revision,
        client_id=client_id,
        reply_to=answered,
        body=body,
        html=named.html,
        created_at=now,
    )
    message.mention_ids = named.ids
    _insert(message)
    if chat.kind == ChatKind.DIRECT:
        show_direct(chat, chat.memberships.all())  # with the new message, which counts as unread there
    message.excerpt = excerpt_of(document)  # for the notifications: not parsed again while the chat's row is held
    publish.message_changed(events.MessagePosted, chat, message)
    if has_unread:
        mark_chat_notifications_read(user_id, chat)
    add_mentions(message, named.notified)
    if answered is not None:
        notify_answered(message, answered, {person.pk for person in named.notified})
    return message


def _allocate_seq(user_id: UUID, chat_id: UUID) -> tuple[Chat, bool, datetime]:
    """Return the chat, its row held and its numbers raised for one more message, whether it is closed, and the time."""
    now = timezone.now()
    if connection.vendor == "postgresql":
        row = run(_ALLOCATE_SEQ_ON_POSTGRESQL, chat_id, user_id)
    else:
        row = run(_ALLOCATE_SEQ, now, chat_id, user_id)
    if row is None:
        raise NotFound(_("There is no such chat."))
    *values, closed_at, taken_at = row
    chat = load(Chat, ["id", "workspace_id", "kind", "title", "seq", "revision", "access_version"], values)
    return chat, closed_at is not None, taken_at if connection.vendor == "postgresql" else now


def _touch_membership(user_id: UUID, chat: Chat) -> tuple[User, bool]:
    """Return the author as they are now, and whether they have unread notifications of the chat.

    The chat is read up to the new message. Raises NotFound if they are no member or deactivated.
    """
    row = run(_TOUCH_MEMBERSHIP, chat.seq, chat.pk, user_id)
    if row is None:
        raise NotFound(_("There is no such chat."))
    *values, has_unread = row
    return load(get_user_model(), ["id", "username", "display_name"], values), bool(has_unread)


def _message_to_answer(chat: Chat, message_id: UUID | None) -> Message | None:
    if message_id is None:
        return None
    answered = chat.messages.select_related("author").filter(pk=message_id).first()
    if answered is None:
        raise Invalid(_("reply_to must be a message of the same chat."), field="reply_to")
    return answered


def _insert(message: Message) -> None:
    """Store a new message; raises _Repeated where its author used its `client_id` in this chat before."""
    stored = run(
        _INSERT_MESSAGE,
        message.pk,
        message.chat_id,
        message.author_id,
        message.seq,
        message.revision,
        message.posted_revision,
        message.client_id,
        message.reply_to_id,
        message.body,
        message.html,
        message.created_at,
    )
    if stored is None:
        raise _Repeated
    message._state.adding = False
    message._state.db = connection.alias


def _find_first(user: User, chat_id: UUID, client_id: UUID, refusal: Exception) -> Message:
    """Return what was posted before under the `client_id`, else raise the `refusal`; NotFound to strangers."""
    access_chat(user, chat_id)
    first = find_posted(user, chat_id, client_id)
    if first is not None:
        return first
    if isinstance(refusal, ChatError):
        raise refusal from None
    raise NotFound(_("There is no such chat.")) from None  # it was deleted, and made anew, between two statements
