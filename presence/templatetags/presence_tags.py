"""Template tags of presence: `{% chat_presence chat as presence %}` once per page, shared by header and member list."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django import template
from django.core.paginator import Page, Paginator
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chats.models import Chat
from chats.payloads import time_text
from presence.selectors import ChatPresence, MemberPresence, show_presence

if TYPE_CHECKING:
    from flowra.accounts.models import User

register = template.Library()
register.filter("moment", time_text)

MEMBERS_PER_PAGE = 200
_JUST_NOW = 60  # seconds


@register.simple_tag
def chat_presence(chat: Chat) -> ChatPresence:
    """Return who of the chat's members is online; the view has checked that the viewer is one of them."""
    return show_presence(chat)


@register.simple_tag
def member_page(presence: ChatPresence, number: str) -> Page[MemberPresence]:
    """Return a page of the chat's members, online ones first: the first one where there is none of that number."""
    return Paginator(presence.members, MEMBERS_PER_PAGE).get_page(number)


@register.simple_tag
def member_of(presence: ChatPresence, person: User) -> MemberPresence | None:
    """Return what is known of one of the chat's members; None where they are none, any more."""
    return next((member for member in presence.members if member.user_id == person.pk), None)


@register.simple_tag
def presence_dot(member: MemberPresence) -> SafeString:
    """Return a member's dot, with its meaning for those who do not see it; nobody's where it is not known."""
    if member.is_online is None:
        return SafeString('<span class="presence-dot unknown"><span class="visually-hidden"></span></span>')
    look, words = ("online", _("Online")) if member.is_online else ("offline", _("Offline"))
    return format_html('<span class="presence-dot {}"><span class="visually-hidden">{}</span></span>', look, words)


@register.simple_tag
def presence_words(member: MemberPresence | None) -> str:
    """Return "online", or when a member was last seen; nothing where neither is known."""
    if member is None:
        return ""
    if member.is_online:
        return _("online")
    return last_seen(member.last_seen) if member.last_seen else ""


def last_seen(at: datetime) -> SafeString:
    """Return "last seen 5 minutes ago", in one unit as Intl.RelativeTimeFormat has it: the script keeps it fresh."""
    ago = ago_words((timezone.now() - at).total_seconds())
    time = format_html('<time datetime="{}" data-style="ago">{}</time>', time_text(at), ago)
    return format_html(_("last seen {time}"), time=time)


def ago_words(seconds: float) -> str:
    """Return how long ago something was, in the largest unit that has passed; static/js/lib/times.js does the same."""
    if seconds < _JUST_NOW:
        return _("just now")
    minutes = seconds / 60
    days = minutes / (60 * 24)
    if days >= 365.25:
        count = int(days / 365.25)
        return ngettext("%(count)d year ago", "%(count)d years ago", count) % {"count": count}
    if days >= 30.4375:
        count = int(days / 30.4375)
        return ngettext("%(count)d month ago", "%(count)d months ago", count) % {"count": count}
    if days >= 7:
        count = int(days / 7)
        return ngettext("%(count)d week ago", "%(count)d weeks ago", count) % {"count": count}
    if days >= 1:
        count = int(days)
        return ngettext("%(count)d day ago", "%(count)d days ago", count) % {"count": count}
    if minutes >= 60:
        count = int(minutes / 60)
        return ngettext("%(count)d hour ago", "%(count)d hours ago", count) % {"count": count}
    count = int(minutes)
    return ngettext("%(count)d minute ago", "%(count)d minutes ago", count) % {"count": count}
