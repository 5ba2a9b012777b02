"""A message body, which is Markdown, to HTML that is safe to put on a page.

Raw HTML is shown as text, images and headings are not made. nh3 sanitises the result once more, so that a
fault in the parser or a plugin cannot become a script on everybody's page.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, table
from markdown_it.token import Token

# A name ends with a letter, digit or underscore, so that the full stop in "ask @john." is not part of it.
_MENTION = re.compile(r"(?<![\w@/.])@([A-Za-z0-9](?:[A-Za-z0-9._-]{0,38}[A-Za-z0-9_])?)")
_MAX_MENTIONS = 50  # in one message: bounds the look-up and the notifications
_MAX_CELLS = 2_000  # of all tables of one message; what does not fit is text

_ALLOWED_TAGS = {
    "p", "br", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "hr", "a", "span",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
_ALLOWED_ATTRIBUTES = {"a": {"href", "title"}, "span": {"class", "data-username"}, "code": {"class"}, "ol": {"start"}}

_parser = MarkdownIt("commonmark", {"html": False, "linkify": True, "breaks": True, "maxNesting": 20})
_parser.enable(["linkify", "strikethrough", "table"]).disable(["image", "heading", "lheading", "html_block"])


def _bounded_table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Make a table as markdown-it does, but no more than _MAX_CELLS in all.

    A row of one character is filled up to the width of the table: within 10,000 characters somebody could have the
    parser make half a million cells, for seconds and hundreds of megabytes, and everybody's page show them.
    """
    if start + 2 > end:
        return False
    made = state.env.get("cells", 0)
    columns = state.src[state.bMarks[start + 1] : state.eMarks[start + 1]].strip(" |").count("|") + 1
    rows = (_MAX_CELLS - made) // columns  # the header among them
    if rows < 1 or not table(state, start, min(end, start + 1 + rows), silent):
        return False
    if not silent:
        state.env["cells"] = made + columns * (state.line - start - 1)
    return True


_parser.block.ruler.at("table", _bounded_table, {"alt": ["paragraph", "reference"]})
_cleaner = nh3.Cleaner(
    tags=_ALLOWED_TAGS,
    attributes=_ALLOWED_ATTRIBUTES,
    url_schemes={"http", "https", "mailto"},
    link_rel="noopener noreferrer nofollow",
    set_tag_attribute_values={"a": {"target": "_blank"}},
)


class Document:
    """A parsed body: first ask it for `mentioned_names`, then `render` it with those that are members."""

    def __init__(self, body: str) -> None:
        self._tokens = _parser.parse(body)
        self.mentioned_names = self._find_names()

    def render(self, members: Collection[str] = ()) -> str:
        """Return safe HTML; `@name` becomes a mention where the lower-cased name is in `members`."""
        for parent in self._tokens:
            if parent.children:
                parent.children = list(_mark_mentions(parent.children, members))
        html = _parser.renderer.render(self._tokens, _parser.options, {})
        return _cleaner.clean(html).strip()

    def _find_names(self) -> list[str]:
        """Return the distinct names after an @, lower-cased, in order; code and links do not count."""
        names: dict[str, None] = {}
        for parent in self._tokens:
            for token in _plain_text(parent.children or []):
                for match in _MENTION.finditer(token.content):
                    names.setdefault(match[1].lower())
        return list(names)[:_MAX_MENTIONS]


def render(body: str, members: Collection[str] = ()) -> str:
    """Return `body` as safe HTML, see `Document.render`."""
    return Document(body).render(members)


def _plain_text(children: list[Token]) -> Iterator[Token]:
    depth = 0
    for token in children:
        if token.type in ("link_open", "link_close"):
            depth += token.nesting
        elif token.type == "text" and depth == 0:
            yield token


def _mark_mentions(children: list[Token], members: Collection[str]) -> Iterator[Token]:
    plain = {id(token) for token in _plain_text(children)}
    for token in children:
        if id(token) not in plain:
            yield token
            continue
        end = 0
        for match in _MENTION.finditer(token.content):
            if match[1].lower() in members:
                yield Token("text", "", 0, content=token.content[end : match.start()])
                attributes: dict[str, str | int | float] = {"class": "mention", "data-username": match[1].lower()}
                yield Token("mention_open", "span", 1, attrs=attributes)
                yield Token("text", "", 0, content=match[0])
                yield Token("mention_close", "span", -1)
                end = match.end()
        yield Token("text", "", 0, content=token.content[end:])
