"""From a message's Markdown body to safe HTML.

Raw HTML is shown as text; there are no images. nh3 sanitises the result again, so that a bug in the parser or a plugin
cannot become a script on the page.

The HTML of any body has at most MAX_HTML_BYTES and is made in less than 100 ms. A body whose HTML would be larger, take
longer or be empty is shown as plain text instead.
"""

from __future__ import annotations

import functools
import html
import logging
import re
from collections.abc import Collection

import nh3
from markdown_it.token import Token

from chats.lib.text import is_blank
from chats.markdown.budget import TooMuchWork
from chats.markdown.code import colour
from chats.markdown.mentions import mark_mentions
from chats.markdown.naming import longest_of
from chats.markdown.parser import LINK_SCHEMES, parse, to_html
from chats.markdown.words import text_of_tokens

logger = logging.getLogger(__name__)

# Of a message's HTML in UTF-8. Plain text always fits: 10,000 characters are at most 50,007 bytes.
MAX_HTML_BYTES = 64_000

_ALLOWED_TAGS = {
    "p", "br", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "hr", "a", "span",
    "table", "thead", "tbody", "tr", "th", "td", "h2", "h3", "h4", "h5", "h6", "label", "input",
}  # fmt: skip
_ALLOWED_ATTRIBUTES = {
    "a": {"href"},
    "span": {"class", "data-username"},
    "ol": {"class", "start"},
    "li": {"class", "value"},
    "input": {"checked", "disabled"},
    **{tag: {"class"} for tag in ("code", "th", "td", "h2", "h3", "h4", "h5", "h6")},
}

_cleaner = nh3.Cleaner(
    tags=_ALLOWED_TAGS,
    attributes=_ALLOWED_ATTRIBUTES,
    tag_attribute_values={"input": {"type": {"checkbox"}}},
    url_schemes=set(LINK_SCHEMES),
    link_rel="noopener noreferrer nofollow",
    set_tag_attribute_values={"a": {"target": "_blank"}},
)
# A mention as nh3 writes it. It cannot be typed: "<" is escaped in text, and the quote in attributes.
_MARKED = re.compile(r'<span class="mention" data-username="([a-z0-9._-]+)">([^<]*)</span>')
_MENTION = '<span class="mention" data-username='
_QUOTES_AND_MENTIONS = re.compile(r'<(/?)(blockquote)>|<span class="mention" data-username="([a-z0-9._-]+)">')
_TAG = re.compile(r"<[^>]*>")
_LINE_END = re.compile(r"\r\n?|\n")


class Document:
    """A body that was parsed and rendered, but for who of those it names is a member.

    First ask it for `mentioned_names`, then `render` it with those that are. All work is done at once, and `render` and
    `notified_names` may be called while a lock is held. What is shown as plain text names nobody.
    """

    def __init__(self, body: str) -> None:
        self.mentioned_names: list[str] = []  # all that may be mentioned, lower-cased
        self._loud: list[str] = []
        self._body = body
        self._html = as_text(body)
        self._formatted: list[Token] | None = None  # None if the body is shown as it was typed
        try:
            tokens = parse(body)
            marks = mark_mentions(tokens)
            is_coloured = colour(tokens)
            formatted = _clean(tokens, colours=is_coloured)
            # The colours of code are what is dropped first to keep the bounds; then all formatting is. Code has colours
            # only up to MAX_COLOURED characters, which takes some 0.01 s.
            if is_coloured and len(formatted.encode()) > MAX_HTML_BYTES:
                formatted = _clean(tokens, colours=False)
        except TooMuchWork:
            return
        except Exception:
            # A bug or a recursion error in the parser must not prevent the message from being stored.
            logger.exception("A message of %d characters cannot be rendered; it is shown as text.", len(body))
            return
        if len(formatted.encode()) <= MAX_HTML_BYTES and _shows_something(formatted):
            self._html, self._formatted = formatted, tokens
            self.mentioned_names, self._loud = marks.names, marks.loud

    @functools.cached_property
    def text(self) -> str:
        """The body's text as it is shown, in lines, without Markdown marks."""
        if self._formatted is None:
            return self._body.strip("\r\n")
        return text_of_tokens(self._formatted)

    def render(self, members: Collection[str] = ()) -> str:
        """Return safe HTML; `@name` becomes a mention where the lower-cased name is in `members`."""
        return _MARKED.sub(lambda mark: _resolve(mark, members), self._html)

    def notified_names(self, members: Collection[str]) -> set[str]:
        """Return the lower-cased names of `members` to notify: those mentioned outside of quotes."""
        return {name for written in self._loud if (name := longest_of(written, members)) is not None}


def _resolve(mark: re.Match[str], members: Collection[str]) -> str:
    """Return the HTML of a mention: of the member with the longest matching name, and the rest as text."""
    name = longest_of(mark[1], members)
    if name is None:
        return mark[2]
    shown = mark[2][: len(name) + 1]  # with its @
    return f'<span class="mention" data-username="{name}">{shown}</span>{mark[2][len(shown) :]}'


def names_mentioned(page: str) -> list[str]:
    """Return the lower-cased names that rendered HTML marks outside of quotes, in order, each once."""
    if _MENTION not in page:  # nearly always
        return []
    names: dict[str, None] = {}
    quotes = 0
    for closing, quote, name in _QUOTES_AND_MENTIONS.findall(page):
        if quote:
            quotes += -1 if closing else 1
        elif quotes == 0:
            names[name] = None
    return list(names)


def as_text(body: str) -> str:
    """Return HTML that shows a body as it was typed."""
    lines = _LINE_END.split(html.escape(body, quote=False).strip("\r\n"))
    return "<p>" + "<br>\n".join(lines) + "</p>"


def _clean(tokens: list[Token], *, colours: bool) -> str:
    return _cleaner.clean(to_html(tokens, colours=colours)).strip()


def _shows_something(formatted: str) -> bool:
    return "<hr>" in formatted or not is_blank(html.unescape(_TAG.sub("", formatted)))
