"""Template tags of the page: avatars, times, counts."""

from __future__ import annotations

import functools
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote
from uuid import UUID

from django import template
from django.conf import settings
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from lucide.templatetags.lucide import lucide as render_icon

from chats.lib.direction import isolate, turns, without_controls
from chats.markdown.page_html import page_html
from chats.payloads import time_text
from chats.selectors.unread import UNREAD_MAX
from chats.templatetags.client_texts import client_texts

if TYPE_CHECKING:
    from django.template import Context

    from flowra.accounts.models import User

register = template.Library()
register.simple_tag(client_texts)
register.filter("isolated", isolate)  # for attributes and titles, which cannot contain <bdi>

AVATAR_HUES = 8  # as many as `.avatar[data-hue]` rules in components.css
# What every icon of the set says, and static/css/base.css for all.
_STROKES = 'fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" '
_BADGE_MAX = 99
_TIME_FORMATS = {"day": "j F Y", "full": r"j F Y H:i \U\T\C"}  # Django's; months in the page's language


@register.filter
def initials(name: str) -> str:
    """Return the first letters of the first and the last word of `name`, upper-cased."""
    words = [word for word in str(name).split() if word]
    if not words:
        return "?"
    letters = words[0][0] if len(words) == 1 else words[0][0] + words[-1][0]
    return letters.upper()


@register.filter
def bdi(name: object) -> SafeString:
    """Return a name for a sentence of HTML, isolated from the direction of the text around it."""
    return format_html("<bdi>{}</bdi>" if turns(name) else "{}", without_controls(name))


@register.filter
def message_html(html: str) -> SafeString:
    """Return the HTML of a message, which is sanitised, as the page shows it."""
    return mark_safe(page_html(html))  # noqa: S308 - made safe by chats/markdown/html.py


@register.filter
def hue(user_id: UUID | str) -> int:
    """Return the avatar colour of a user; static/js/lib/avatars.js computes the same."""
    return int(str(user_id)[-4:], 16) % AVATAR_HUES


@register.simple_tag
def avatar(user: User | None, *, says_whose: bool = True) -> SafeString:
    """Return a user's avatar, an empty one for None; decoration, because the name is always beside it.

    In a message and in the list of members what it stands in says to scripts whose it is, and the avatar does not.
    """
    if not user:
        return SafeString('<span class="avatar" aria-hidden="true"></span>')
    return _avatar(user.pk, user.get_full_name(), says_whose=says_whose)


@functools.lru_cache(maxsize=1024)  # those of a few pages: one author has written many of the messages
def _avatar(user_id: UUID, name: str, *, says_whose: bool) -> SafeString:
    return format_html(
        '<span class="avatar"{} data-hue="{}" aria-hidden="true">{}</span>',
        format_html(' data-avatar-of="{}"', user_id) if says_whose else "",
        hue(user_id),
        initials(name),
    )


@register.simple_tag
def icon(name: str, size: int, **attributes: str) -> SafeString:
    """Return an icon of the Lucide set as inline SVG. It is decoration beside a text."""
    return _icon(name, size, **attributes)


@functools.lru_cache(maxsize=256)  # as many as the templates name
def _icon(name: str, size: int, **attributes: str) -> SafeString:
    return SafeString(render_icon(str(name), size=size, aria_hidden="true", **attributes).replace(_STROKES, "", 1))


@register.simple_tag
@functools.lru_cache(maxsize=1)
def page_icon() -> SafeString:
    """Return the address of the page's icon, static/img/flowra.svg itself: no request for it.

    Chromium asks for an icon's file again with each new address of a page, thus with each chat.
    """
    drawing = (settings.BASE_DIR / "static/img/flowra.svg").read_text().strip()
    return format_html("data:image/svg+xml,{}", quote(drawing, safe=" /:=;,.-"))


@register.simple_tag
@functools.lru_cache(maxsize=64)
def symbol(name: str, key: str) -> SafeString:
    """Return the one copy of an icon that a page has, in its `<svg class="sprite">`; `sprite key` shows it."""
    parts = str(render_icon(name)).partition(">")[2].rpartition("</svg>")[0]
    return format_html('<symbol id="icon-{}" viewBox="0 0 24 24">{}</symbol>', key, SafeString(parts))


@register.simple_tag
@functools.lru_cache(maxsize=64)  # a page has it as often as members
def sprite(key: str) -> SafeString:
    """Return an icon whose `symbol` the page holds; static/css/components.css gives its size and strokes."""
    return format_html('<svg aria-hidden="true"><use href="#icon-{}"/></svg>', key)


@register.simple_tag(takes_context=True)
def page_link(context: Context, name: str, number: int) -> str:
    """Return the query of this address with another page: `name` is the parameter that has its number."""
    query = context["request"].GET.copy()
    query[name] = str(number)
    return f"?{query.urlencode()}"


@register.filter
def badge(count: int) -> str:
    """Return a count as a badge shows it: "99+" above 99."""
    return f"{_BADGE_MAX}+" if count > _BADGE_MAX else str(count)


@register.filter
def spoken_count(count: int) -> str:
    """Return a count of unread messages as it is read out: "999+" where there may be more."""
    return f"{UNREAD_MAX}+" if count >= UNREAD_MAX else str(count)


@register.simple_tag
def local_time(value: datetime | None, style: str = "time") -> SafeString:
    """Return a <time> that static/js/lib/times.js shows in the reader's zone; without it, it is in UTC.

    `style` is "time" (09:41), "day" or "full". Without a value it is empty, to be filled in by the script.
    """
    if not value:
        return format_html('<time datetime="" data-style="{}"></time>', style)
    # Hours and minutes are the same in every language; Django's formats take their time.
    words = f"{value:%H:%M}" if style == "time" else date_format(value, _TIME_FORMATS[style])
    return format_html('<time datetime="{}" data-style="{}">{}</time>', time_text(value), style, words)
