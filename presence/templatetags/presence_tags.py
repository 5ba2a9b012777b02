"""Template tags of presence: `{% chat_presence chat as presence %}` once per page, shared by header and member list."""

from __future__ import annotations

from django import template

from chats.models import Chat
from presence.selectors import ChatPresence, show_presence

register = template.Library()


@register.simple_tag
def chat_presence(chat: Chat) -> ChatPresence:
    """Return who of the chat's members is online; the view has checked that the viewer is one of them."""
    return show_presence(chat)
