"""Template tags of one message: what up to a hundred of a page repeat is put together here, not by the template."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING
from uuid import UUID

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from chats.views.timeline import TimelineRow

register = template.Library()

_ANY = UUID(int=0)
_TOOL = '<a class="icon-button"{} data-action="{}" aria-label="{}" title="{}"></a>\n'


@functools.lru_cache(maxsize=2)
def _address(name: str) -> str:
    """Return the address of a message's form, with places for the ids of chat and message."""
    return reverse(name, args=[_ANY, _ANY]).replace(str(_ANY), "{}")


def _tool(action: str, label: str, href: str) -> SafeString:
    place = format_html(' href="{}"', href) if href else ""
    return format_html(_TOOL, place, action, label, label)


@register.simple_tag
def message_tools(line: TimelineRow | str | None) -> SafeString:
    """Return links to what the reader may do with a message; without a line, for scripts, all, without addresses."""
    if not line or isinstance(line, str):
        # A link from the beginning: the keys take links out of the order of Tab when a message comes.
        tools = [_tool("reply", _("Reply"), "?reply_to=#composer")]
        tools += [_tool("edit", _("Edit"), ""), _tool("delete", _("Delete"), "")]
    else:
        message = line.message
        ids = (message.chat_id, message.pk)
        tools = [_tool("reply", _("Reply"), f"?reply_to={message.pk}#composer")]
        if line.is_own:
            tools.append(_tool("edit", _("Edit"), _address("chats:message_edit").format(*ids)))
        if line.may_delete:
            tools.append(_tool("delete", _("Delete"), _address("chats:message_delete").format(*ids)))
    group = '<div class="message-tools" role="group" aria-label="{}">\n{}</div>'
    return format_html(group, _("Message actions"), SafeString("".join(tools)))
