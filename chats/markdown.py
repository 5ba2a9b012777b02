"""A message body, which is Markdown, to HTML that is safe to put on a page.

Raw HTML is shown as text, images and headings are not made. nh3 sanitises the result once more, so that a
fault in the parser or a plugin cannot become a script on everybody's page.

Whatever the body, its HTML has at most MAX_HTML_BYTES, and is made in less than 100 ms. What would be larger, take
longer, or show nothing of the body is shown as plain text instead.
"""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Collection, Iterator

import nh3
from markdown_it.token import Token

from chats.markdown_parser import LINK_SCHEMES, TooMuchWork, parse, to_html
from chats.text import is_blank

logger = logging.getLogger(__name__)

# A name ends with a letter, digit or underscore, so that the full stop in "ask @john." is not part of it.
_MENTION = re.compile(r"(?<![\w@/.])@([A-Za-z0-9](?:[A-Za-z0-9._-]{0,38}[A-Za-z0-9_])?)")
_MAX_MENTIONS = 50  # names in one message: bounds the look-up and the notifications
_MAX_MARKS = 200  # of these names in one message; the rest is text
# Of a message's HTML, in UTF-8. Plain text always fits: 10,000 characters are at most 50,007 bytes of it.
MAX_HTML_BYTES = 64_000

_ALLOWED_TAGS = {
    "p", "br", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "hr", "a", "span",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
_ALLOWED_ATTRIBUTES = {"a": {"href", "title"}, "span": {"class", "data-username"}, "code": {"class"}, "ol": {"start"}}

_cleaner = nh3.Cleaner(
    tags=_ALLOWED_TAGS,
    attributes=_ALLOWED_ATTRIBUTES,
    url_schemes=set(LINK_SCHEMES),
    link_rel="noopener noreferrer nofollow",
    set_tag_attribute_values={"a": {"target": "_blank"}},
)
# A mention as the cleaner writes it. Nobody can type one: in text "<" is escaped, in attributes the quote.
_MARKED = re.compile(r'<span class="mention" data-username="([a-z0-9._-]+)">([^<]*)</span>')
_TAG = re.compile(r"<[^>]*>")
_LINE_END = re.compile(r"\r\n?|\n")


class Document:
    """A body that was parsed and rendered, but for who of those it names is a member.

    First ask it for `mentioned_names`, then `render` it with those that are. All work is done at once, and `render` may
    be called while a lock is held.
    """

    def __init__(self, body: str) -> None:
        self.mentioned_names: list[str] = []
        self._html = as_text(body)
        try:
            tokens = parse(body)
            self.mentioned_names = _find_names(tokens)
            formatted = _format(tokens, self.mentioned_names)
        except TooMuchWork:
            return
        except Exception:
            # A fault of the parser, or one recursion too many: whoever wrote this is not to blame, and it is stored.
            logger.exception("A message of %d characters cannot be rendered; it is shown as text.", len(body))
            return
        # Colours of code, once there are any, are to be tried without here before all formatting is dropped.
        if len(formatted.encode()) <= MAX_HTML_BYTES and _shows_something(formatted):
            self._html = formatted

    def render(self, members: Collection[str] = ()) -> str:
        """Return safe HTML; `@name` becomes a mention where the lower-cased name is in `members`."""
        return _MARKED.sub(lambda mark: mark[0] if mark[1] in members else mark[2], self._html)


def render(body: str, members: Collection[str] = ()) -> str:
    """Return `body` as safe HTML, see `Document.render`."""
    return Document(body).render(members)


def as_text(body: str) -> str:
    """Return a body as HTML that shows it as it was typed."""
    lines = _LINE_END.split(html.escape(body, quote=False).strip("\r\n"))
    return "<p>" + "<br>\n".join(lines) + "</p>"


def _format(tokens: list[Token], names: Collection[str]) -> str:
    """Return safe HTML with a mention wherever one of `names` stands."""
    marks = iter(range(_MAX_MARKS))
    for parent in tokens:
        if parent.children:
            parent.children = list(_mark_mentions(parent.children, names, marks))
    return _cleaner.clean(to_html(tokens)).strip()


def _shows_something(formatted: str) -> bool:
    return "<hr>" in formatted or not is_blank(html.unescape(_TAG.sub("", formatted)))


def _find_names(tokens: list[Token]) -> list[str]:
    """Return the distinct names after an @, lower-cased, in order; code and links do not count."""
    names: dict[str, None] = {}
    for parent in tokens:
        for token in _plain_text(parent.children or []):
            for match in _MENTION.finditer(token.content):
                names.setdefault(match[1].lower())
    return list(names)[:_MAX_MENTIONS]


def _plain_text(children: list[Token]) -> Iterator[Token]:
    depth = 0
    for token in children:
        if token.type in ("link_open", "link_close"):
            depth += token.nesting
        elif token.type == "text" and depth == 0:
            yield token


def _mark_mentions(children: list[Token], names: Collection[str], marks: Iterator[int]) -> Iterator[Token]:
    plain = {id(token) for token in _plain_text(children)}
    for token in children:
        if id(token) not in plain:
            yield token
            continue
        end = 0
        for match in _MENTION.finditer(token.content):
            name = match[1].lower()
            if name in names and next(marks, None) is not None:
                yield Token("text", "", 0, content=token.content[end : match.start()])
                attributes: dict[str, str | int | float] = {"class": "mention", "data-username": name}
                yield Token("mention_open", "span", 1, attrs=attributes)
                yield Token("text", "", 0, content=match[0])
                yield Token("mention_close", "span", -1)
                end = match.end()
        yield Token("text", "", 0, content=token.content[end:])
