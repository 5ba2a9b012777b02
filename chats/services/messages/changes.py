"""Messages: edit, delete, read. Every edit and deletion locks the chat's row and raises its `revision` by one."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from chats import events
from chats.exceptions import Closed, Conflict, Forbidden, Invalid, NotFound
from chats.lib.text import clean_text
from chats.markdown.html import Document
from chats.markdown.plain_text import excerpt_of
from chats.models import BODY_MAX_LENGTH, Chat, ChatMember, Mention, Message, Notification
from chats.search.tokens import tokens_of
from chats.selectors.access import access_chat, access_message, may_manage_chat
from chats.services import publish
from chats.services.direct import refuse_blocked
from chats.services.indexing.entries import drop_entry, store_entry
from chats.services.messages.mentions import Named, change_mentions, drop_mentions
from chats.services.messages.notifications import drop_notifications, mark_messages_notifications_read

if TYPE_CHECKING:
    from flowra.accounts.models import User


def edit_message(*, user: User, chat_id: UUID, message_id: UUID, body: str) -> Message:
    """Give one's own message another body; the same body again changes nothing.

    Raises NotFound, Forbidden, Closed, Conflict (it was deleted), Invalid, TooLong.
    """
    try:
        # Rendered before the transaction, so that the chat's row is not locked meanwhile.
        document = Document(clean_text(body, field="body", max_length=BODY_MAX_LENGTH))
        tokens = tokens_of(document.text)
    except Invalid:
        _own_message(user, chat_id, message_id)  # only the author learns what is wrong with the text
        raise
    with transaction.atomic():
        chat = access_chat(user, chat_id, lock=True).chat
        message = _own_message(user, chat_id, message_id)
        if message.deleted_at is not None:
            raise Conflict(_("This message was deleted."))
        if chat.is_closed:
            raise Closed(_("This chat is archived."))
        refuse_blocked(chat)
        if message.body != body:
            _change_body(chat, message, body, document)
            store_entry(message, chat.workspace_id, tokens)
    return message


def _own_message(user: User, chat_id: UUID, message_id: UUID) -> Message:
    message = access_message(user, chat_id, message_id)
    if message.author_id != user.pk:
        raise Forbidden(_("Only its author can edit a message."))
    return message


def _change_body(chat: Chat, message: Message, body: str, document: Document) -> None:
    """Store and publish the new body of a message of a chat whose row the caller holds."""
    named = Named(chat, document)
    message.body = body
    message.html = named.html
    message.mention_ids = named.ids
    message.excerpt = excerpt_of(document)
    message.edited_at = timezone.now()
    _save_change(chat, message)
    publish.message_changed(events.MessageEdited, chat, message)
    change_mentions(message, named.notified)


def preview_message(*, user: User, chat_id: UUID, body: str) -> str:
    """Return the HTML that a message with this body would have in the chat. Raises NotFound, Invalid, TooLong."""
    chat = access_chat(user, chat_id).chat
    return Named(chat, Document(clean_text(body, field="body", max_length=BODY_MAX_LENGTH))).html


@transaction.atomic
def delete_message(*, user: User, chat_id: UUID, message_id: UUID) -> Message:
    """Empty a message, whose `seq` stays; deleting it again changes nothing.

    Allowed to its author, and except in direct chats to the chat's creator and workspace admins. Raises NotFound,
    Forbidden.
    """
    membership = access_chat(user, chat_id, lock=True)
    message = access_message(user, chat_id, message_id)
    if message.author_id != user.pk and not may_manage_chat(membership):
        raise Forbidden(_("Only its author, the chat's creator and workspace admins can delete a message."))
    empty_message(membership.chat, message)
    return message


def empty_message(chat: Chat, message: Message) -> None:
    """Delete a message of a chat whose row the caller holds."""
    if message.deleted_at is not None:
        return
    message.body = message.html = ""
    message.mention_ids = []
    message.deleted_at = timezone.now()
    _save_change(chat, message)
    drop_mentions(message, set(message.mentions.values_list("user_id", flat=True)))
    drop_entry(message)
    publish.message_changed(events.MessageDeleted, chat, message)
    drop_notifications(Notification.objects.filter(message=message))


@transaction.atomic
def mark_read(*, user: User, chat_id: UUID, seq: int) -> ChatMember:
    """Store that `user` has read the chat up to `seq`; never lower than before, nor higher than the last message.

    Raises NotFound, and Invalid for a negative `seq`.
    """
    if seq < 0:
        raise Invalid(_("seq must not be negative."), field="seq")
    membership = access_chat(user, chat_id)
    seq = min(seq, membership.chat.seq)
    if seq <= membership.last_read_seq:
        # An edit may have mentioned them in a message that they had read before.
        mark_messages_notifications_read(user.pk, chat_id, seq)
        return membership
    # Locked while mentions are counted, so that a post that mentions this member adds one before or after, not between.
    # Only this row: the models' ordering would join the chat's, which a removal has locked while it waits for this one.
    row = ChatMember.objects.select_for_update(of=("self",), no_key=True).filter(pk=membership.pk).order_by()
    held = row.values_list("last_read_seq", "mention_count").first()
    if held is None:
        raise NotFound(_("There is no such chat."))  # removed meanwhile
    membership.last_read_seq, membership.mention_count = held
    if seq <= membership.last_read_seq:
        return membership  # another call read further meanwhile
    membership.last_read_seq = seq
    if membership.mention_count:
        later = Mention.objects.filter(user_id=user.pk, message__chat_id=chat_id, message__seq__gt=seq)
        membership.mention_count = later.count()
    membership.save(update_fields=["last_read_seq", "mention_count"])
    mark_messages_notifications_read(user.pk, chat_id, seq)
    publish.chat_read(membership)
    return membership


def _save_change(chat: Chat, message: Message) -> None:
    """Store the changes of a message of a chat whose row the caller holds."""
    chat.revision += 1
    chat.save(update_fields=["revision"])
    message.revision = chat.revision
    message.save(update_fields=["body", "html", "edited_at", "deleted_at", "revision"])
