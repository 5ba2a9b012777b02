"""The Markdown of messages: markdown-it with bounds on the size of its output and its time.

What exceeds a bound is shown as typed. A body that would take too long to parse raises TooMuchWork.
Nothing that is typed vanishes: constructs of Markdown that show less than what is there (references, empty links,
cells beyond a table's columns, words after a code block's language) are text, or show it.
"""

from __future__ import annotations

import copy
import functools
import html
import re
from collections import Counter
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import mdurl
from markdown_it import MarkdownIt, helpers
from markdown_it.parser_inline import ParserInline
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import blockquote, list_block
from markdown_it.rules_inline import StateInline, autolink
from markdown_it.token import Token

from chats.markdown.blocks import MAX_NESTING, bounded_table, finish_blocks, nested, visible_heading
from chats.markdown.budget import MAX_WORK, spend
from chats.markdown.inline import InlineState, entity, escape, shortcode
from chats.markdown.links import (
    MAX_ADDRESS,
    LinkFinder,
    address,
    bounded_link,
    encoded_length,
    find_destination,
    link_with_text,
)

LINK_SCHEMES = frozenset({"http", "https", "mailto"})
_REFUSED = "refused:"  # a scheme that no link may have
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)


class _Inline(ParserInline):
    """Counts the tokens that `link_with_text` skips in search of the end of a link's text."""

    def skipToken(self, state: StateInline) -> None:
        """Skip one token, or the rest of the text if too many were skipped."""
        if spend(state.env, "work") > MAX_WORK:
            state.pos = state.posMax
        else:
            super().skipToken(state)

    def parse(self, src: str, md: MarkdownIt, env: Any, tokens: list[Token]) -> list[Token]:
        """Return the tokens of a paragraph, parsed with our InlineState."""
        state = InlineState(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


class _Parser(MarkdownIt):
    """markdown-it with our rules for links and how their addresses are shown."""

    def normalizeLink(self, url: str) -> str:
        """Return `url` percent-encoded, or _REFUSED if that would take long or lose the host."""
        if encoded_length(url) > MAX_ADDRESS:
            return _REFUSED
        # markdown-it drops host names of more than 255 characters, in the address and in the text.
        parts = mdurl.parse(url, slashes_denote_host=True)
        return super().normalizeLink(url) if mdurl.format(parts).lower() == url.strip().lower() else _REFUSED

    def validateLink(self, url: str) -> bool:
        """Whether `url` may be an address; nh3 would drop other schemes, and of `<a:b>` the brackets too."""
        scheme = _SCHEME.match(url)
        return scheme is None or scheme[1].lower() in LINK_SCHEMES

    def normalizeLinkText(self, link: str) -> str:
        """Return an address to be shown: decoded, unless that would hide a part of it."""
        text = super().normalizeLinkText(link)
        return text if text.isprintable() and "\ufffd" not in text else link


def parse(body: str) -> list[Token]:
    """Return the tokens of `body`, within the bounds above. Raises TooMuchWork."""
    env: Counter[str] = Counter()
    parser = copy.copy(_parser)
    parser.linkify = LinkFinder(env)
    parser.helpers = SimpleNamespace(  # type: ignore[assignment]
        parseLinkLabel=helpers.parseLinkLabel,
        parseLinkDestination=functools.partial(find_destination, env),
        parseLinkTitle=helpers.parseLinkTitle,
    )
    tokens = parser.parse(body, env)
    return finish_blocks(tokens)


def to_html(tokens: list[Token], *, colours: bool = True) -> str:
    """Return the HTML of tokens, with highlighted code or without; it still has to be sanitised."""
    made: str = _parser.renderer.render(tokens, _parser.options, {"colours": colours})
    return made


class _Renderer(RendererHTML):
    """markdown-it's renderer with titles of links and highlighted code."""

    def link_title(self, tokens: Sequence[Token], idx: int, _options: Any, _env: Any) -> str:
        """Return the title shown behind a link."""
        return html.escape(tokens[idx].content, quote=False)

    def fence(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """Return a code block; `finish_blocks` has made its language safe for a class."""
        token = tokens[idx]
        code = token.meta.get("coloured") if env.get("colours") else None
        if code is None:
            code = html.escape(token.content, quote=False)
        language = token.info.strip()
        name = f' class="language-{html.escape(language)}"' if language else ""
        return f"<pre><code{name}>{code}</code></pre>\n"


def _make_parser() -> MarkdownIt:
    parser = _Parser(renderer_cls=_Renderer)
    parser.inline = _Inline()
    parser.configure(
        "commonmark",
        {"html": False, "linkify": True, "breaks": True, "maxNesting": MAX_NESTING, "tasklists": True},
    )
    parser.enable(["linkify", "strikethrough", "table"])
    # `reference` hides the line that it is written in, and copies its address to wherever it is named.
    parser.disable(["reference", "image", "lheading", "html_block", "html_inline"])
    blocks = parser.block.ruler
    blocks.at("table", bounded_table, {"alt": ["paragraph", "reference"]})
    blocks.at("blockquote", nested(blockquote, 1), {"alt": ["paragraph", "reference", "blockquote", "list"]})
    blocks.at("list", nested(list_block, 2), {"alt": ["paragraph", "reference", "blockquote"]})
    blocks.at("heading", visible_heading, {"alt": ["paragraph", "reference", "blockquote"]})
    inlines = parser.inline.ruler
    inlines.at("link", bounded_link(link_with_text))
    inlines.at("autolink", bounded_link(autolink))
    inlines.at("linkify", bounded_link(address))
    inlines.at("escape", escape)
    inlines.at("entity", entity)
    inlines.after("entity", "shortcode", shortcode)
    return parser


_parser = _make_parser()
