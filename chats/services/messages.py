"""Messages: post, edit, delete, read. Every change takes the chat's row and raises its `revision` by one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Lower
from django.utils import timezone

from chats import events
from chats.exceptions import ChatError, Closed, Conflict, Forbidden, Invalid
from chats.markdown import Document
from chats.models import BODY_MAX_LENGTH, Chat, ChatMember, Mention, Message, Notification
from chats.selectors import access_chat, access_message, find_posted, is_workspace_admin
from chats.services.notifications import notify
from chats.text import clean_text

if TYPE_CHECKING:
    from flowra.accounts.models import User


@dataclasses.dataclass(frozen=True, slots=True)
class Posted:
    """A stored message, and whether this call stored it or an earlier one with the same `client_id`."""

    message: Message
    created: bool


def post_message(*, user: User, chat_id: UUID, body: str, client_id: UUID, reply_to_id: UUID | None = None) -> Posted:
    """Store a message; the same `client_id` again gives the first one, whatever else is wrong by then.

    Raises NotFound, Closed, Invalid, TooLong.
    """
    fault: ChatError | None = None
    document = None
    try:
        # Parsed before the transaction: nobody should wait for Markdown behind the chat's row.
        document = Document(clean_text(body, field="body", max_length=BODY_MAX_LENGTH))
    except Invalid as error:
        fault = error
    with transaction.atomic():
        membership = access_chat(user, chat_id, lock=True)
        first = find_posted(user, chat_id, client_id)
        if first is not None:
            return Posted(first, created=False)
        if fault is not None or document is None:
            raise fault or Invalid("body is missing.", field="body")
        chat = membership.chat
        if chat.is_closed:
            raise Closed("This chat is closed.")
        answered = _message_to_answer(chat, reply_to_id)
        mentioned = _members_named(chat, document.mentioned_names)
        _advance(chat, posted=True)
        message = Message(
            chat=chat,
            author=membership.user,
            seq=chat.seq,
            revision=chat.revision,
            posted_revision=chat.revision,
            client_id=client_id,
            reply_to=answered,
            body=body,
            html=document.render({person.username.lower() for person in mentioned}),
        )
        message.save(force_insert=True)
        events.publish_on_commit(events.message_changed(events.MessagePosted, chat, message))
        # What one writes, one has read, and what stands above it.
        ChatMember.objects.filter(pk=membership.pk).update(last_read_seq=chat.seq, mention_count=0)
        _add_mentions(message, mentioned)
        if answered is not None:
            _tell_answered(message, answered, {person.pk for person in mentioned})
    return Posted(message, created=True)


@transaction.atomic
def edit_message(*, user: User, chat_id: UUID, message_id: UUID, body: str) -> Message:
    """Give one's own message another body; the same body again changes nothing.

    Raises NotFound, Forbidden, Closed, Conflict (it was deleted), Invalid, TooLong.
    """
    chat = access_chat(user, chat_id, lock=True).chat
    message = access_message(user, chat_id, message_id)
    if message.author_id != user.pk:
        raise Forbidden("Only its author can edit a message.")
    document = Document(clean_text(body, field="body", max_length=BODY_MAX_LENGTH))
    if message.deleted_at is not None:
        raise Conflict("This message was deleted.")
    if chat.is_closed:
        raise Closed("This chat is closed.")
    if message.body == body:
        return message
    mentioned = _members_named(chat, document.mentioned_names)
    before = set(message.mentions.values_list("user_id", flat=True))
    message.body = body
    message.html = document.render({person.username.lower() for person in mentioned})
    message.edited_at = timezone.now()
    _save_change(chat, message)
    events.publish_on_commit(events.message_changed(events.MessageEdited, chat, message))
    _drop_mentions(message, before - {person.pk for person in mentioned})
    _add_mentions(message, [person for person in mentioned if person.pk not in before])
    return message


@transaction.atomic
def delete_message(*, user: User, chat_id: UUID, message_id: UUID) -> Message:
    """Empty a message, which keeps its place; deleting it again changes nothing.

    The author may, and the chat's creator and workspace admins. Raises NotFound, Forbidden.
    """
    membership = access_chat(user, chat_id, lock=True)
    message = access_message(user, chat_id, message_id)
    may = message.author_id == user.pk or membership.chat.created_by_id == user.pk
    if not may and not is_workspace_admin(user.pk, membership.chat.workspace_id):
        raise Forbidden("Only its author, the chat's creator and workspace admins can delete a message.")
    empty_message(membership.chat, message)
    return message


def empty_message(chat: Chat, message: Message) -> None:
    """Delete a message of a chat whose row the caller holds."""
    if message.deleted_at is not None:
        return
    message.body = message.html = ""
    message.deleted_at = timezone.now()
    _save_change(chat, message)
    _drop_mentions(message, set(message.mentions.values_list("user_id", flat=True)))
    Notification.objects.filter(message=message).delete()
    events.publish_on_commit(events.message_changed(events.MessageDeleted, chat, message))


@transaction.atomic
def mark_read(*, user: User, chat_id: UUID, seq: int) -> ChatMember:
    """Note that `user` has read the chat up to `seq`; never falls, never passes the last message.

    Raises NotFound, and Invalid for a negative `seq`.
    """
    if seq < 0:
        raise Invalid("seq must not be negative.", field="seq")
    membership = access_chat(user, chat_id)
    seq = min(seq, membership.chat.seq)
    if seq <= membership.last_read_seq:
        return membership
    # Held while mentions are counted: a post that mentions this member adds its one before or after, not in between.
    ChatMember.objects.select_for_update(no_key=True).filter(pk=membership.pk).values_list("pk").first()
    unread = Mention.objects.filter(user_id=user.pk, message__chat_id=chat_id, message__seq__gt=seq).count()
    # The condition keeps a slower, older call from setting it back.
    moved = ChatMember.objects.filter(pk=membership.pk, last_read_seq__lt=seq).update(
        last_read_seq=seq, mention_count=unread
    )
    Notification.objects.filter(user_id=user.pk, chat_id=chat_id, read_at__isnull=True, message__seq__lte=seq).update(
        read_at=timezone.now()
    )
    membership.refresh_from_db(fields=["last_read_seq", "mention_count"])
    if moved:
        events.publish_on_commit(
            events.ChatRead(
                chat_id=chat_id,
                user_id=user.pk,
                last_read_seq=membership.last_read_seq,
                unread_count=membership.chat.seq - membership.last_read_seq,
                mention_count=membership.mention_count,
            )
        )
    return membership


def _advance(chat: Chat, *, posted: bool) -> None:
    """Raise the counters of a chat whose row the caller holds."""
    chat.revision += 1
    fields = ["revision"]
    if posted:
        chat.seq += 1
        chat.last_message_at = timezone.now()
        fields += ["seq", "last_message_at"]
    chat.save(update_fields=fields)


def _save_change(chat: Chat, message: Message) -> None:
    _advance(chat, posted=False)
    message.revision = chat.revision
    message.save(update_fields=["body", "html", "edited_at", "deleted_at", "revision"])


def _message_to_answer(chat: Chat, message_id: UUID | None) -> Message | None:
    if message_id is None:
        return None
    answered = chat.messages.select_related("author").filter(pk=message_id).first()
    if answered is None:
        raise Invalid("reply_to must be a message of the same chat.", field="reply_to")
    return answered


def _members_named(chat: Chat, names: list[str]) -> list[User]:
    if not names:
        return []
    members = get_user_model().objects.filter(chat_memberships__chat=chat, is_active=True)
    return list(members.annotate(name=Lower("username")).filter(name__in=names))


def _add_mentions(message: Message, people: Iterable[User]) -> None:
    others = [person for person in people if person.pk != message.author_id]
    if not others:
        return
    Mention.objects.bulk_create([Mention(message=message, user=person) for person in others], ignore_conflicts=True)
    ChatMember.objects.filter(
        chat_id=message.chat_id, user__in=[person.pk for person in others], last_read_seq__lt=message.seq
    ).update(mention_count=F("mention_count") + 1)
    notify(others, kind=Notification.Kind.MENTION, actor=message.author, chat=message.chat, message=message)


def _drop_mentions(message: Message, user_ids: set[UUID]) -> None:
    if not user_ids:
        return
    message.mentions.filter(user_id__in=user_ids).delete()
    Notification.objects.filter(
        message=message, user_id__in=user_ids, kind=Notification.Kind.MENTION, read_at__isnull=True
    ).delete()
    ChatMember.objects.filter(
        chat_id=message.chat_id, user_id__in=user_ids, last_read_seq__lt=message.seq, mention_count__gt=0
    ).update(mention_count=F("mention_count") - 1)


def _tell_answered(message: Message, answered: Message, mentioned: set[UUID]) -> None:
    author = answered.author
    if author.pk in mentioned | {message.author_id}:
        return
    if ChatMember.objects.filter(chat_id=message.chat_id, user=author).exists():
        notify([author], kind=Notification.Kind.REPLY, actor=message.author, chat=message.chat, message=message)
