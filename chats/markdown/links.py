"""Links of a message: what is a link, where it ends, and a bound on all of them.

Linkify-it finds addresses; it knows the ends of English sentences only, and takes file names for hosts. So hosts
without a scheme need a top-level domain of TOP_LEVEL, and an address ends before what closes or ends the sentence
around it, in every script.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from typing import Any

from linkify_it import LinkifyIt  # type: ignore[import-untyped]
from linkify_it.main import Match  # type: ignore[import-untyped]
from markdown_it import helpers
from markdown_it.rules_inline import StateInline, link, linkify
from markdown_it.token import Token

from chats.lib.text import is_blank
from chats.markdown.budget import MAX_WORK, spend

MAX_ADDRESS = 4_096  # characters of a link's address, percent-encoded: browsers and servers refuse longer ones
MAX_LINK_BYTES = 24_000  # of tags and attributes that all links of one message add to its HTML
# What the cleaner writes for each link beside its address.
_LINK_TAGS = len('<a href="" target="_blank" rel="noopener noreferrer nofollow"></a>')

# Top-level domains that make a host of a word without a scheme: those that people use most (w3techs.com, "Usage
# statistics of top level domains") and of countries. Without endings of files (.ai .app .cc .in .md .mov .pl .ps .py
# .rs .sh .so .zip), and without English words, for which a full stop before no space is one (.be .is .it .me .no .to).
TOP_LEVEL = [
    "com", "net", "org", "edu", "gov", "mil", "int", "info", "biz", "io", "dev", "cloud", "online", "site", "store",
    "tech", "blog", "wiki", "xyz", "eu", "ae", "ar", "at", "au", "bg", "br", "by", "ca", "ch", "ci", "cn", "co",
    "cz", "de", "dk", "ee", "es", "fi", "fr", "ge", "gr", "hk", "hr", "hu", "id", "ie", "il", "ir", "jp", "ke",
    "kr", "kz", "lt", "lu", "lv", "ma", "mx", "ng", "nl", "nz", "pe", "ph", "pk", "pt", "ro", "ru", "sa", "se",
    "sg", "si", "sk", "th", "tn", "tr", "tv", "tw", "ua", "uk", "uy", "uz", "ve", "vn", "za", "рф", "укр", "бел",
]  # fmt: skip
# Of an e-mail address, where the @ says what is meant: any of two letters, and these.
_MAIL_TOP_LEVEL = [*TOP_LEVEL, "app", "email", "museum", "name", "pro", "aero", "coop", "asia", "shop", "agency"]

_BEFORE_MAIL = "\"'(\\[{*~,;«‹“„‘‚¿¡"  # noqa: RUF001 - what may stand before an e-mail address, but for spaces

_SCHEME_STEPS = 20  # for each "://"; more for the text before it and the word after it, which are searched
# Where a link without "://" is looked for: a sixth of a step for each character after which one may begin, times the
# length of the word that it is in, and 60 more for what is done at each whatever the length.
_WORD_STEPS = 1 / 6
_NO_SPACE = re.compile(r"\S+")
# Chinese, Japanese and Korean have no spaces around a host, nor has wide punctuation.
_WIDE = "\u2e80-\u30ff\u3130-\u318f\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef"
_INVISIBLE = "\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2069\\ufeff"
_WORD = re.compile(f"[^\\s{_WIDE}{_INVISIBLE}]+")
_LINK_SIGNS = (".", "@")  # what a link without a scheme has at least one of
_LINK_ANCHOR = re.compile(r"\W")
_LABEL_LOOK_AHEAD = 200  # characters in which a blank link text ends

# Characters that end an address: punctuation that no space follows in its script, and quotes.
_ENDS = re.compile(
    '[\u3001-\u3003\u3008-\u3011\u3014-\u301f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\u201c-\u201f\u00ab\u00bb\u2039\u203a\u2026<>"`]'
)
_HOST = re.compile("[^/?#]*")
_WIDE_LETTERS = re.compile(f"(?<=[A-Za-z])[{_WIDE}]")
_TRAILING_ENTITY = re.compile(r"&(?:[lg]t|quot|apos|nbsp|#\d{1,7}|#x[0-9a-f]{1,6});?$", re.IGNORECASE)  # of pasted HTML
_STAYS = frozenset("/-=&#%+@$")  # punctuation that may end an address
_BRACKETS = {")": "(", "]": "[", "}": "{"}


def end_of_address(address: str) -> int:
    """Return the length of an address without punctuation and formatting of the text around it."""
    scheme = address.find("://") + 3 if "://" in address[:10] else 0
    host = _HOST.match(address, scheme)
    stop = _WIDE_LETTERS.search(address, scheme, host.end() if host else scheme)
    found = _ENDS.search(address)
    end = min([len(address), *(match.start() for match in (stop, found) if match)])
    while end > 0:
        if entity := _TRAILING_ENTITY.search(address, max(0, end - 12), end):
            end = entity.start()
            continue
        last = address[end - 1]
        if last in _BRACKETS:
            if address.count(_BRACKETS[last], 0, end) >= address.count(last, 0, end):
                break
        elif last in _STAYS or not (last in "~^|" or unicodedata.category(last)[0] in "PZC"):
            break
        end -= 1
    return end


def _shorten(found: Match) -> bool:
    """Cut a match where the address ends; returns whether anything is left."""
    end = end_of_address(found.raw)
    cut = len(found.raw) - end
    if cut:
        found.url, found.text, found.raw = found.url[:-cut], found.text[:-cut], found.raw[:end]
        found.last_index -= cut
    host = found.raw.rpartition("//")[2].removeprefix("mailto:")
    return any(char.isalnum() for char in host)


InlineRule = Callable[[StateInline, bool], bool]


def bounded_link(rule: InlineRule) -> InlineRule:
    """Return a rule that makes links while the budget of bytes lasts."""

    def bounded(state: StateInline, silent: bool) -> bool:
        if state.env["link_bytes"] > MAX_LINK_BYTES:
            return False
        first = len(state.tokens)
        if not rule(state, silent):
            return False
        if not silent:
            opened = next(token for token in state.tokens[first:] if token.type == "link_open")
            title = opened.attrs.pop("title", "")  # shown behind the link, for touch screens
            spend(state.env, "link_bytes", _link_bytes(opened))
            if title:
                state.push("link_title", "", 0).content = f" ({title})"  # no text: it mentions nobody
        return True

    return bounded


def link_with_text(state: StateInline, silent: bool) -> bool:
    """Parse `[text](address "title")` as a link; without visible text it is text.

    The end of the text is looked for from each bracket, through all that follows.
    """
    if state.src[state.pos] != "[" or state.env["work"] > MAX_WORK:
        return False
    start = state.pos + 1
    label_end = state.src.find("]", start, start + _LABEL_LOOK_AHEAD)
    if label_end >= 0 and is_blank(state.src[start:label_end]):
        return False
    return link(state, silent)


def find_destination(env: Counter[str], text: str, start: int, end: int) -> Any:
    """Find a link's address as markdown-it does, counting the characters that it scans up to a space."""
    run = _NO_SPACE.match(text, start, end)
    if spend(env, "work", len(run[0]) // 25 if run else 0) > MAX_WORK:
        start = end  # there is none
    return helpers.parseLinkDestination(text, start, end)


def address(state: StateInline, silent: bool) -> bool:
    """Parse `http://…` as a link, before formatting inside of it."""
    if not state.src.startswith("://", state.pos):
        return False
    word = _WORD.match(state.src, state.pos, state.pos + MAX_ADDRESS)
    length = len(word[0]) if word else 0
    if spend(state.env, "work", _SCHEME_STEPS + len(state.pending) // 100 + length // 20) > MAX_WORK:
        return False
    return linkify(state, silent)


def _link_bytes(opened: Token) -> int:
    return _LINK_TAGS + sum(len(html.escape(str(value)).encode()) for value in opened.attrs.values())


class LinkFinder:
    """linkify-it for one body: finds links in plain text while the budget of bytes lasts."""

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
                self._look_at(text, word)
        return bool(self._found)

    def _look_at(self, text: str, word: re.Match[str]) -> None:
        steps = (len(word[0]) + 60) * (len(_LINK_ANCHOR.findall(word[0])) + 1) * _WORD_STEPS
        spend(self._env, "work", int(steps))
        if not self._goes_on():
            return
        for found in _linkify.match(word[0]) or []:
            following = text[word.start() + found.last_index :][:2]
            if found.schema == "mailto:" and ":" not in found.raw and following[:1] == ":" and following[1:].strip():
                continue  # git@example.org:owner/name
            if not _shorten(found):
                continue
            if spend(self._env, "link_bytes", _LINK_TAGS + encoded_length(found.url)) > MAX_LINK_BYTES:
                break
            found.index += word.start()
            found.last_index += word.start()
            self._found.append(found)

    def _goes_on(self) -> bool:
        return bool(self._env["link_bytes"] <= MAX_LINK_BYTES and self._env["work"] <= MAX_WORK)

    def match(self, _text: str) -> list[Match]:
        """Return what `test` has just found."""
        return self._found

    def match_at_start(self, text: str) -> Match | None:
        """Return the link that `text` begins with."""
        found: Match | None = _linkify.match_at_start(text[: MAX_ADDRESS + 1])
        return found if found is not None and _shorten(found) else None


def encoded_length(url: str) -> int:
    """Return the length of an address with all non-ASCII characters percent-encoded."""
    ascii_only = len(url.encode("ascii", "ignore"))
    return ascii_only + 3 * (len(url.encode()) - ascii_only)


def _validate_www(_linkify_it: LinkifyIt, text: str, at: int) -> int:
    """Return the length of the address after `www.` at `at`; 0 if there is none."""
    found = _linkify.match_at_start("http://" + text[at : at + MAX_ADDRESS])
    host = found.url[len("http://") :].split("/")[0] if found else ""
    return len(found.url) - len("http://") if found and "." in host else 0


def _complete_www(_linkify_it: LinkifyIt, found: Match) -> None:
    found.url = f"http://{found.url}"


def _make_linkify() -> LinkifyIt:
    made = LinkifyIt()
    for schema in ("ftp:", "//"):
        made.add(schema, None)
    made.add("www.", {"validate": _validate_www, "normalize": _complete_www})
    made.tlds(_MAIL_TOP_LEVEL, True)
    mail = made.re["email_fuzzy"].replace('|"|\\(|', f"|[{_BEFORE_MAIL}]|", 1)
    made.tlds(TOP_LEVEL)
    made.re["email_fuzzy"] = mail
    return made


_linkify = _make_linkify()
