"""What staff may do to chats that they are not in: the same changes, told to the same pages.

Who calls these has checked that the caller is staff (the admin site does).
"""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from chats.models import Chat, Message
from chats.services.chats import set_closed
from chats.services.messages import empty_message


@transaction.atomic
def moderate_delete_message(*, message_id: UUID) -> None:
    """Empty a message; raises Message.DoesNotExist."""
    chat_id = Message.objects.values_list("chat_id", flat=True).get(pk=message_id)
    chat = _lock(chat_id)
    empty_message(chat, Message.objects.select_related("author").get(pk=message_id))


@transaction.atomic
def moderate_close_chat(*, chat_id: UUID) -> None:
    """Close a chat; raises Chat.DoesNotExist."""
    set_closed(_lock(chat_id), closed=True)


@transaction.atomic
def moderate_reopen_chat(*, chat_id: UUID) -> None:
    """Reopen a chat; raises Chat.DoesNotExist."""
    set_closed(_lock(chat_id), closed=False)


def _lock(chat_id: UUID) -> Chat:
    return Chat.objects.select_for_update(no_key=True).get(pk=chat_id)
