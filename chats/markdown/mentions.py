"""Mentions in a message's tokens: one pass marks them and collects the names."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from markdown_it.token import Token

from chats.markdown.naming import NOT_TEXT, Span, find_spans, names_in

_MAX_WRITTEN = 50  # different names in one message: bounds the look-up and the notifications
_MAX_NAMES = 200  # of possible usernames: "@a.b" may mention a or a.b
MAX_MARKS = 200  # further ones are marked only for new names


@dataclasses.dataclass(slots=True)
class Marks:
    """The names that a message mentions, lower-cased."""

    names: list[str] = dataclasses.field(default_factory=list)  # all possible usernames, to be looked up
    loud: list[str] = dataclasses.field(default_factory=list)  # as written, outside of quotes: these notify
    _written: set[str] = dataclasses.field(default_factory=set)
    _marked: int = 0

    def add(self, name: str, *, is_quoted: bool) -> bool:
        """Count a written `name`; returns whether it is within the bounds and to be marked."""
        if name in self._written:
            if self._marked >= MAX_MARKS:
                return False
        else:
            meant = [shorter for shorter in names_in(name) if shorter not in self.names]
            if len(self._written) >= _MAX_WRITTEN or len(self.names) + len(meant) > _MAX_NAMES:
                return False
            self._written.add(name)
            self.names.extend(meant)
        self._marked += 1
        if not is_quoted and name not in self.loud:
            self.loud.append(name)
        return True


def mark_mentions(tokens: list[Token]) -> Marks:
    """Put mention tokens around each name after an @, except in code and links; returns the names."""
    marks = Marks()
    quotes = 0
    for token in tokens:
        if token.type in ("blockquote_open", "blockquote_close"):
            quotes += token.nesting
        elif token.type == "inline" and token.children:
            token.children = list(_mark(token.children, marks, is_quoted=quotes > 0))
    return marks


def _mark(children: list[Token], marks: Marks, *, is_quoted: bool) -> Iterator[Token]:
    """Yield a paragraph's tokens with mentions. Its shown text counts: `**bob**@jane.org` mentions nobody."""
    shown = [_shown(token, depth) for token, depth in _with_link_depth(children)]
    breaks = []
    length = 0
    for text in shown:
        length += len(text)
        breaks.append(length)
    spans = iter(list(find_spans("".join(shown), breaks)))
    span = next(spans, None)
    for token, text, end in zip(children, shown, breaks, strict=True):
        if span is None or span.start >= end or text != token.content:
            yield token
            continue
        done = start = end - len(text)
        while span is not None and span.start < end:
            if marks.add(span.name, is_quoted=is_quoted):
                yield _text(text[done - start : span.start - start])
                yield from _mention(span, text[span.start - start : span.end - start])
                done = span.end
            span = next(spans, None)
        yield _text(text[done - start :])


def _with_link_depth(children: list[Token]) -> Iterator[tuple[Token, int]]:
    depth = 0
    for token in children:
        if token.type in ("link_open", "link_close"):
            depth += token.nesting
        yield token, depth


def _shown(token: Token, link_depth: int) -> str:
    """Return a token's text, the empty text for formatting marks, NOT_TEXT for anything else."""
    if token.type == "text" and link_depth == 0:
        return token.content
    if token.type in ("softbreak", "hardbreak"):
        return "\n"
    return "" if token.nesting and token.type not in ("link_open", "link_close") else NOT_TEXT


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _mention(span: Span, written: str) -> Iterator[Token]:
    yield Token("mention_open", "span", 1, attrs={"class": "mention", "data-username": span.name})
    yield _text(written)
    yield Token("mention_close", "span", -1)
