"""The Markdown of messages: markdown-it's, with a bound on everything that makes much of little, or takes long.

What does not fit into a bound is text, as it was typed. A body that would take too long to parse raises TooMuchWork.
Nothing that is typed vanishes: constructs of Markdown that show less than what is there (references, empty links,
cells beyond a table's columns, words after a code block's language) are text, or show it.
"""

from __future__ import annotations

import copy
import functools
import html
import re
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import mdurl
from linkify_it import LinkifyIt  # type: ignore[import-untyped]
from linkify_it.main import Match  # type: ignore[import-untyped]
from markdown_it import MarkdownIt, helpers
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_block import StateBlock, blockquote, list_block
from markdown_it.rules_block.table import escapedSplit, getLine, table
from markdown_it.rules_inline import StateInline, autolink, link, linkify
from markdown_it.token import Token

from chats.text import is_blank

LINK_SCHEMES = frozenset({"http", "https", "mailto"})
MAX_NESTING = 20  # levels of quotes and lists; a list has two
MAX_CELLS = 2_000  # of all tables of one message
MAX_ADDRESS = 4_096  # characters of a link's address, percent-encoded: browsers and servers refuse longer ones
MAX_LINK_BYTES = 24_000  # that all links of one message add to its HTML: tags and attributes
# What the cleaner writes for each link beside its address and title.
_LINK_TAGS = len('<a href="" title="" target="_blank" rel="noopener noreferrer nofollow"></a>')

# Work of one body in rules that are quadratic or dear, in steps of about a microsecond each. With it a body of 10,000
# characters takes at most 0.08 s on a slow core, 0.05 s of which even the plainest rules may need.
MAX_WORK = 15_000
_SCHEME_STEPS = 20  # for each "://"; more for the text before it and the word after it, which are searched
# Where a link without "://" is looked for: a sixth of a step for each character after which one may begin, times the
# length of the word that it is in, and 60 more for what is done at each whatever the length.
_WORD_STEPS = 1 / 6
_NO_SPACE = re.compile(r"\S+")
_WORD = re.compile("[^\\s\u3000-\u303f\uff00-\uffef]+")  # Chinese and Japanese have full stops, but no spaces
_LINK_SIGNS = (".", "@", "//")  # what a link without formatting has at least one of
_LINK_ANCHOR = re.compile(r"\W")

_REFUSED = "refused:"  # no scheme that a link may have
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_LANGUAGE = re.compile(r"[\w+#.-]{1,40}")
_LABEL_LOOK_AHEAD = 200  # characters in which a blank link text ends


class TooMuchWork(Exception):
    """A body would take longer to parse than anything that people write."""


class _Inline(ParserInline):
    """Counts the tokens that are skipped in search of the end of a link's text; see _link."""

    def skipToken(self, state: StateInline) -> None:
        """Skip one token; all that is left where too many were skipped, as markdown-it does at too many levels."""
        if _spend(state.env, "work") > MAX_WORK:
            state.pos = state.posMax
        else:
            super().skipToken(state)


class _Parser(MarkdownIt):
    """markdown-it with what is a link, and how its address is shown, decided here."""

    def normalizeLink(self, url: str) -> str:
        """Return `url` percent-encoded, or _REFUSED where that would take long or lose the host."""
        if _encoded_length(url) > MAX_ADDRESS:
            return _REFUSED
        # markdown-it drops host names of more than 255 characters, in the address and in the text.
        parts = mdurl.parse(url, slashes_denote_host=True)
        return super().normalizeLink(url) if mdurl.format(parts).lower() == url.strip().lower() else _REFUSED

    def validateLink(self, url: str) -> bool:
        """Whether `url` may be an address. The cleaner would take out other schemes, and with `<a:b>` its brackets."""
        scheme = _SCHEME.match(url)
        return scheme is None or scheme[1].lower() in LINK_SCHEMES

    def normalizeLinkText(self, link: str) -> str:
        """Return an address as it is shown: decoded, unless that would hide a part of it."""
        text = super().normalizeLinkText(link)
        return text if text.isprintable() and "\ufffd" not in text else link


def parse(body: str) -> list[Token]:
    """Return the tokens of `body`, all that it shows within the bounds above. Raises TooMuchWork."""
    env: Counter[str] = Counter()
    parser = copy.copy(_parser)
    parser.linkify = _LinkFinder(env)
    parser.helpers = SimpleNamespace(  # type: ignore[assignment]
        parseLinkLabel=helpers.parseLinkLabel,
        parseLinkDestination=functools.partial(_find_destination, env),
        parseLinkTitle=helpers.parseLinkTitle,
    )
    tokens = parser.parse(body, env)
    for token in tokens:
        if token.type == "fence":
            _show_info(token)
    return tokens


def to_html(tokens: list[Token]) -> str:
    """Return what markdown-it makes of tokens; it still has to be cleaned."""
    made: str = _parser.renderer.render(tokens, _parser.options, {})
    return made


def _spend(env: Any, kind: str, amount: int = 1) -> int:
    """Count work or bytes of this body, and return how much of the kind was counted."""
    env[kind] += amount
    spent: int = env[kind]
    return spent


# --- Blocks -------------------------------------------------------------------------------------

BlockRule = Callable[[StateBlock, int, int, bool], bool]


def _nested(rule: BlockRule, levels: int) -> BlockRule:
    """Return a rule for a block that holds others: deeper than MAX_NESTING it is text.

    markdown-it itself drops what is deeper. And every quote looks at each line after it, with rules of its own: twenty
    of them before 5,000 lines would take 0.2 s.
    """

    def bounded(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        if _spend(state.env, "work") > MAX_WORK:
            raise TooMuchWork
        return state.level + levels < MAX_NESTING and rule(state, start, end, silent)

    return bounded


def _table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Make a table, of no more than MAX_CELLS in all, and that ends before a row with more cells than columns.

    A row of one character is filled up to the width of the table: within 10,000 characters somebody could have the
    parser make half a million cells, for seconds and hundreds of megabytes, and everybody's page show them. And what
    stands beyond the last column would not be shown.
    """
    if start + 2 > end or not table(state, start, end, True):
        return False
    columns = state.src[state.bMarks[start + 1] : state.eMarks[start + 1]].strip(" \t|").count("|") + 1
    rows = (MAX_CELLS - state.env["cells"]) // columns  # the header among them
    if rows < 1:
        return False
    if silent:
        return True
    end = min(end, start + 1 + rows)
    for line in range(start + 2, end):
        row = getLine(state, line).strip()
        if not row or _count_cells(row, columns) > columns:
            end = line
            break
    made = table(state, start, end, False)
    _spend(state.env, "cells", columns * (state.line - start - 1))
    return made


def _count_cells(row: str, columns: int) -> int:
    """Return how many cells the row has, counted only where they may be more than `columns`."""
    if row.count("|") < columns:
        return columns
    cells = escapedSplit(row)
    return len(cells) - (cells[0] == "") - (len(cells) > 1 and cells[-1] == "")


def _show_info(fence: Token) -> None:
    """Show what stands after ``` unless it is the language of the code between that and another ```."""
    info = fence.info.strip()
    if not info:
        return
    is_language = _LANGUAGE.fullmatch(info) is not None
    if not (is_language and fence.content.strip() and _is_closed(fence)):
        fence.content = f"{info}\n{fence.content}"
        fence.info = info if is_language else ""


def _is_closed(fence: Token) -> bool:
    lines = fence.content.count("\n") + (fence.content[-1:] not in ("", "\n"))
    first, after = fence.map or (0, 0)
    return after - first == lines + 2


# --- Links --------------------------------------------------------------------------------------

InlineRule = Callable[[StateInline, bool], bool]


def _bounded_link(rule: InlineRule) -> InlineRule:
    """Return a rule that makes links as long as there are bytes left for them."""

    def bounded(state: StateInline, silent: bool) -> bool:
        if state.env["link_bytes"] > MAX_LINK_BYTES:
            return False
        first = len(state.tokens)
        if not rule(state, silent):
            return False
        if not silent:
            opened = next(token for token in state.tokens[first:] if token.type == "link_open")
            _spend(state.env, "link_bytes", _link_bytes(opened))
        return True

    return bounded


def _link(state: StateInline, silent: bool) -> bool:
    """Make `[text](address "title")` a link; a link without a text to click on is text.

    The end of the text is looked for from each bracket, through all that follows.
    """
    if state.src[state.pos] != "[" or state.env["work"] > MAX_WORK:
        return False
    start = state.pos + 1
    label_end = state.src.find("]", start, start + _LABEL_LOOK_AHEAD)
    if label_end >= 0 and is_blank(state.src[start:label_end]):
        return False
    return link(state, silent)


def _find_destination(env: Counter[str], text: str, start: int, end: int) -> Any:
    """Find the address of a link as markdown-it does, which looks at each character up to a space."""
    run = _NO_SPACE.match(text, start, end)
    if _spend(env, "work", len(run[0]) // 25 if run else 0) > MAX_WORK:
        start = end  # where there is none
    return helpers.parseLinkDestination(text, start, end)


def _address(state: StateInline, silent: bool) -> bool:
    """Make `http://…` a link, before anything in it is taken for formatting."""
    if not state.src.startswith("://", state.pos):
        return False
    word = _WORD.match(state.src, state.pos, state.pos + MAX_ADDRESS)
    length = len(word[0]) if word else 0
    if _spend(state.env, "work", _SCHEME_STEPS + len(state.pending) // 100 + length // 20) > MAX_WORK:
        return False
    return linkify(state, silent)


def _link_bytes(opened: Token) -> int:
    return _LINK_TAGS + sum(len(html.escape(str(value)).encode()) for value in opened.attrs.values())


class _LinkFinder:
    """linkify-it for one body: finds links in plain text as long as there are bytes left for them."""

    def __init__(self, env: Counter[str]) -> None:
        self._env = env
        self._found: list[Match] = []

    def pretest(self, _text: str) -> bool:
        """Whether a paragraph may hold links."""
        return self._goes_on()

    def test(self, text: str) -> bool:
        """Whether a piece of the paragraph holds links; `match` returns them."""
        self._found = []
        if not any(sign in text for sign in _LINK_SIGNS):
            return False
        for word in _WORD.finditer(text):
            if any(sign in word[0] for sign in _LINK_SIGNS):
                if not self._goes_on():
                    break
                self._look_at(word[0], word.start())
        return bool(self._found)

    def _look_at(self, word: str, place: int) -> None:
        _spend(self._env, "work", int((len(word) + 60) * (len(_LINK_ANCHOR.findall(word)) + 1) * _WORD_STEPS))
        if not self._goes_on():
            return
        for found in _linkify.match(word) or []:
            if _spend(self._env, "link_bytes", _LINK_TAGS + _encoded_length(found.url)) > MAX_LINK_BYTES:
                break
            found.index += place
            found.last_index += place
            self._found.append(found)

    def _goes_on(self) -> bool:
        return bool(self._env["link_bytes"] <= MAX_LINK_BYTES and self._env["work"] <= MAX_WORK)

    def match(self, _text: str) -> list[Match]:
        """Return what `test` has just found."""
        return self._found

    def match_at_start(self, text: str) -> Match | None:
        """Return the link that `text` begins with."""
        found: Match | None = _linkify.match_at_start(text[: MAX_ADDRESS + 1])
        return found


def _encoded_length(url: str) -> int:
    """Return how long an address is once all but ASCII in it is percent-encoded."""
    ascii_only = len(url.encode("ascii", "ignore"))
    return ascii_only + 3 * (len(url.encode()) - ascii_only)


def _make_parser() -> MarkdownIt:
    parser = _Parser()
    parser.inline = _Inline()
    parser.configure("commonmark", {"html": False, "linkify": True, "breaks": True, "maxNesting": MAX_NESTING})
    parser.enable(["linkify", "strikethrough", "table"])
    # `reference` hides the line that it is written in, and copies its address to wherever it is named.
    parser.disable(["reference", "image", "heading", "lheading", "html_block", "html_inline"])
    blocks = parser.block.ruler
    blocks.at("table", _table, {"alt": ["paragraph", "reference"]})
    blocks.at("blockquote", _nested(blockquote, 1), {"alt": ["paragraph", "reference", "blockquote", "list"]})
    blocks.at("list", _nested(list_block, 2), {"alt": ["paragraph", "reference", "blockquote"]})
    inlines = parser.inline.ruler
    inlines.at("link", _bounded_link(_link))
    inlines.at("autolink", _bounded_link(autolink))
    inlines.at("linkify", _bounded_link(_address))
    return parser


_parser = _make_parser()
_linkify = LinkifyIt()
