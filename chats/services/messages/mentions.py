"""Mentions and replies: who is mentioned, the counters, and the notifications.

Callers hold the chat's row. A member's row is changed before their notifications, as `mark_read` does; the other way
round the two could deadlock.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import F, QuerySet
from django.db.models.functions import Lower

from chats import events
from chats.markdown.html import Document, names_mentioned
from chats.models import Chat, ChatMember, Mention, Message, Notification
from chats.services.messages.notifications import drop_notifications, notify, without_blockers

if TYPE_CHECKING:
    from flowra.accounts.models import User


class Named:
    """The members mentioned in a message: `html` marks all of them, `notified` are those to notify.

    `ids` are those of the notified, in the order of the text.
    """

    def __init__(self, chat: Chat, document: Document) -> None:
        members = {person.username.lower(): person for person in _members_named(chat, document.mentioned_names)}
        self.html = document.render(members.keys())
        self.notified = [members[name] for name in document.notified_names(members.keys())]
        self.ids = [members[name].pk for name in names_mentioned(self.html)]


def _members_named(chat: Chat, names: list[str]) -> list[User]:
    """Return the active members of the chat among these lower-cased names."""
    if not names:
        return []
    members = get_user_model().objects.filter(chat_memberships__chat=chat, is_active=True)
    return list(members.annotate(name=Lower("username")).filter(name__in=names))


def add_mentions(message: Message, people: Iterable[User]) -> None:
    """Store that `message` mentions these users, and notify them.

    Neither the author nor users who block the author are notified.
    """
    others = [person for person in people if person.pk != message.author_id]
    if not others:
        return
    others = without_blockers(message.author, others)
    Mention.objects.bulk_create([Mention(message=message, user=person) for person in others], ignore_conflicts=True)
    ChatMember.objects.filter(
        chat_id=message.chat_id, user__in=[person.pk for person in others], last_read_seq__lt=message.seq
    ).update(mention_count=F("mention_count") + 1)
    publish_mentions(message, {person.pk for person in others})
    notify(others, kind=Notification.Kind.MENTION, actor=message.author, chat=message.chat, message=message)


def change_mentions(message: Message, notified: Iterable[User]) -> None:
    """Store that an edited message now mentions these users; those who were notified before are not notified again."""
    people = list(notified)
    before = set(message.mentions.values_list("user_id", flat=True))
    drop_mentions(message, before - {person.pk for person in people})
    new = [person for person in people if person.pk not in before]
    # One notification each: of the mention instead of the reply.
    told = _notifications_of(message, Notification.Kind.REPLY)
    drop_notifications(told.filter(user__in=[person.pk for person in new]))
    add_mentions(message, new)


def drop_mentions(message: Message, user_ids: Set[UUID]) -> None:
    """Delete the mentions of these users in `message`; the notification of a reply stays."""
    if not user_ids:
        return
    message.mentions.filter(user_id__in=user_ids).delete()
    ChatMember.objects.filter(
        chat_id=message.chat_id, user_id__in=user_ids, last_read_seq__lt=message.seq, mention_count__gt=0
    ).update(mention_count=F("mention_count") - 1)
    told = _notifications_of(message, Notification.Kind.MENTION).filter(user_id__in=user_ids)
    if message.reply_to is not None and message.reply_to.author_id in user_ids:
        author_id = message.reply_to.author_id
        # Earlier versions stored both notifications.
        if not _notifications_of(message, Notification.Kind.REPLY).filter(user_id=author_id).exists():
            told.filter(user_id=author_id).update(kind=Notification.Kind.REPLY)
    drop_notifications(told.filter(kind=Notification.Kind.MENTION))
    publish_mentions(message, user_ids)


def publish_mentions(message: Message, user_ids: Set[UUID]) -> None:
    """Publish after the commit that these members' counts have changed."""
    if not user_ids:
        return
    chat = message.chat
    events.publish_on_commit(
        events.MentionsChanged(
            workspace_id=chat.workspace_id, chat_id=chat.pk, revision=message.revision, user_ids=tuple(user_ids)
        )
    )


def _notifications_of(message: Message, kind: str) -> QuerySet[Notification]:
    return Notification.objects.filter(message=message, kind=kind)


def notify_answered(message: Message, answered: Message, mentioned: Set[UUID]) -> None:
    """Notify the author of `answered` of the reply `message`, unless they are among those `mentioned`."""
    author = answered.author
    if author.pk in mentioned or author.pk == message.author_id:
        return
    if ChatMember.objects.filter(chat_id=message.chat_id, user=author).exists():
        notify(
            without_blockers(message.author, [author]),
            kind=Notification.Kind.REPLY,
            actor=message.author,
            chat=message.chat,
            message=message,
        )
