"""Inline rules: where formatting begins and ends, escapes, entities, emoji shortcodes."""

from __future__ import annotations

import functools
import re
import unicodedata

import emoji
from markdown_it.common.utils import isMdAsciiPunct, isPunctChar, isWhiteSpace
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline import entity as markdown_entity
from markdown_it.rules_inline.state_inline import Scanned

from chats.lib.text import is_blank

_OPENING = frozenset({"Ps", "Pi"})  # Unicode's categories of opening brackets and quotes
_CLOSING = frozenset({"Pe", "Pf"})
# What ends a word or a sentence: Unicode has no category for it.
_ENDING = frozenset(".,:;!?%…。、，．：；！？｡､؟،؛।॥።፣፤፥་།։׃‥・～·")  # noqa: RUF001 - these scripts are meant

# Characters with a meaning in Markdown everywhere; a backslash before any other is text.
_ALWAYS_ESCAPED = frozenset("[]<`|&:@")
_AT_LINE_START = frozenset("#+->.)=")
_LINE_START = re.compile(r"[ \t>]*\d*$")
_EMPHASIS = frozenset("*_~")
_ASCII_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")

_SHORTCODE = re.compile(r":([A-Za-z0-9_+-]{1,80}):")
_SKIN_TONES = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"


class InlineState(StateInline):
    """State of the inline parser, in which formatting begins and ends at word boundaries of every script."""

    emoji_end = -1  # where the last shortcode ended

    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:
        """Return whether a run of `*`, `_` or `~` may begin or end formatting, see `_flanks`."""
        end = start
        while end < self.posMax and self.src[end] == self.src[start]:
            end += 1
        before = self.src[start - 1] if start > 0 else " "
        after = self.src[end] if end < self.posMax else " "
        begins, ends = _flanks(before, after, is_underscore=not canSplitWord)
        if not canSplitWord and after in ".(" and self.src[end + 1 : end + 2].isalnum():
            ends = False  # __init__.py, __init__(self)
        return Scanned(begins, ends, end - start)


def _flanks(before: str, after: str, *, is_underscore: bool) -> tuple[bool, bool]:
    """Return whether marks between these two characters may begin formatting, and whether they may end it.

    CommonMark asks only whether punctuation stands beside the marks, and so sees no end in `**重要。**请看` and
    `**note:**text`: it was made for scripts with spaces. Here marks also end behind punctuation that closes something,
    before a letter, and begin before punctuation that opens something, behind one. Between letters `_` stays `_`.
    """
    space_before, space_after = isWhiteSpace(ord(before)), isWhiteSpace(ord(after))
    mark_before, mark_after = _is_punctuation(before), _is_punctuation(after)
    begins = not (space_after or (mark_after and not (space_before or mark_before)))
    ends = not (space_before or (mark_before and not (space_after or mark_after)))
    if is_underscore:
        begins, ends = begins and (not ends or mark_before), ends and (not begins or mark_after)
    if space_before or space_after or mark_before == mark_after:
        return begins, ends
    if is_underscore and (before if mark_before else after).isascii():
        return begins, ends  # snake_case_(names)
    return begins or (mark_after and not _closes(after)), ends or (mark_before and not _opens(before))


def _is_punctuation(char: str) -> bool:
    return isMdAsciiPunct(ord(char)) or isPunctChar(char)


def _opens(char: str) -> bool:
    return unicodedata.category(char) in _OPENING


def _closes(char: str) -> bool:
    return char in _ENDING or unicodedata.category(char) in _CLOSING


def escape(state: StateInline, silent: bool) -> bool:
    """Drop a backslash that escapes the next character; another one is text.

    So `\\*` is a star, and nothing of `C:\\new`, `\\d+\\.` or `¯\\_(ツ)_/¯` is lost.
    """
    if state.src[state.pos] != "\\":
        return False
    following = state.src[state.pos + 1 : state.pos + 2] if state.pos + 1 < state.posMax else ""
    if following not in _ASCII_PUNCTUATION or not following:
        return False
    is_special = _is_special(state, following)
    if not silent:
        token = state.push("text_special", "", 0)
        token.content = following if is_special else "\\" + following
        token.markup, token.info = "\\" + following, "escape"
    state.pos += 2
    return True


def _is_special(state: StateInline, char: str) -> bool:
    """Whether the character after the backslash could be formatting there."""
    at = state.pos + 1
    if char in _EMPHASIS:
        before = state.src[state.pos - 1] if state.pos else " "
        after = state.src[at + 1] if at + 1 < state.posMax else " "
        return char != "_" or (before != "¯" and (after == char or any(_flanks(before, after, is_underscore=True))))
    if char == "\\":
        return state.src[at + 1 : at + 2] in _ASCII_PUNCTUATION and at + 1 < state.posMax
    if char == "!":
        return state.src[at + 1 : at + 2] == "["
    if char == "(":
        return state.src[state.pos - 1 : state.pos] == "]"
    if char in _AT_LINE_START:
        line = state.src.rfind("\n", max(0, state.pos - 200), state.pos) + 1
        return _LINE_START.fullmatch(state.src, max(line, state.pos - 200), state.pos) is not None
    return char in _ALWAYS_ESCAPED


def entity(state: StateInline, silent: bool) -> bool:
    """Replace `&amp;` by its character; an entity of an invisible character is shown as typed."""
    if state.src[state.pos] != "&":
        return False
    begun, count = state.pos, len(state.tokens)
    pending = state.pending
    if not markdown_entity(state, False):
        return False
    token = state.tokens[-1]
    if is_blank(token.content):
        token.content = token.markup
    if silent:
        del state.tokens[count:]
        state.pending = pending
    return state.pos > begun


def shortcode(state: StateInline, silent: bool) -> bool:
    """Replace `:tada:` by its emoji, unless it is part of a word, a time or an address."""
    if state.src[state.pos] != ":":
        return False
    match = _SHORTCODE.match(state.src, state.pos, state.posMax)
    shown = emoji_by_name().get(match[1].lower()) if match else None
    if match is None or shown is None:
        return False
    before = state.src[state.pos - 1 : state.pos]
    after = state.src[match.end() : match.end() + 1]
    follows_another = isinstance(state, InlineState) and state.emoji_end == state.pos
    if not follows_another and (_joins(before) or before == ":"):
        return False
    if _joins(after) or (after == ":" and not _is_shortcode(state.src, match.end())):
        return False
    if isinstance(state, InlineState):
        state.emoji_end = match.end()
    if not silent:
        state.append_pending(shown)
    state.pos = match.end()
    return True


def _joins(char: str) -> bool:
    """Whether there is a shortcode: no Latin letter, digit or part of an address beside its colons."""
    return char.isascii() and (char.isalnum() or (char != "" and char in "_/\\=&%#@"))


def _is_shortcode(text: str, at: int) -> bool:
    match = _SHORTCODE.match(text, at)
    return match is not None and match[1].lower() in emoji_by_name()


@functools.cache
def emoji_by_name() -> dict[str, str]:
    """Return the emoji by lower-case name: Unicode's names and those of GitHub and Slack."""
    names: dict[str, str] = {f"skin-tone-{number}": tone for number, tone in enumerate(_SKIN_TONES, start=2)}
    for shown, data in emoji.EMOJI_DATA.items():
        if data["status"] <= emoji.STATUS["fully_qualified"]:
            for name in (data["en"], *data.get("alias", ())):
                names.setdefault(name.strip(":").lower(), shown)
    flags = {
        name: shown for name, shown in names.items() if len(name) == 2 and "\U0001f1e6" <= shown[0] <= "\U0001f1ff"
    }
    return names | {f"flag-{name}": shown for name, shown in flags.items()}
