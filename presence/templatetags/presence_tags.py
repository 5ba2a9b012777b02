"""Template tags of presence: `{% chat_presence chat as presence %}` once per page, shared by header and member list."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypedDict

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chats.models import Chat
from chats.payloads import time_text
from presence.selectors import MEMBERS_SHOWN, ChatPresence, MemberPresence, find_members, show_presence

if TYPE_CHECKING:
    from flowra.accounts.models import User

register = template.Library()
register.filter("moment", time_text)

_JUST_NOW = 60  # seconds


@register.simple_tag
def chat_presence(chat: Chat) -> ChatPresence:
    """Return who of the chat's members is online; the view has checked that the viewer is one of them."""
    return show_presence(chat)


class MemberQuery(TypedDict, total=False):
    """What of the list of members is asked for; by default its first page."""

    page: int | None
    rows: int | None  # instead of a page: that many from the first one on, in whole pages
    search: str


@dataclasses.dataclass(frozen=True, slots=True)
class MemberRows:
    """A part of the list of members: `rows` are those from number `first` to number `last`, of `total` found."""

    rows: Sequence[MemberPresence]
    first: int
    last: int
    total: int
    previous_page: int | None
    next_page: int | None


@register.simple_tag
def member_rows(chat: Chat, presence: ChatPresence, query: MemberQuery | str) -> MemberRows:
    """Return a part of the chat's members, online ones first; the last page where there is none of that number."""
    wanted: MemberQuery = {} if isinstance(query, str) else query
    found = find_members(chat, presence, wanted.get("search") or "")
    last_page = max(1, math.ceil(len(found) / MEMBERS_SHOWN))
    if rows := wanted.get("rows"):
        page, start = min(math.ceil(rows / MEMBERS_SHOWN), last_page), 0
    else:
        page = min(wanted.get("page") or 1, last_page)
        start = (page - 1) * MEMBERS_SHOWN
    shown = found[start : page * MEMBERS_SHOWN]
    return MemberRows(
        rows=shown,
        first=start + 1,
        last=start + len(shown),
        total=len(found),
        previous_page=page - 1 if start else None,
        next_page=page + 1 if page < last_page else None,
    )


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
