"""Mentions in the tokens of a message: one pass marks them in what is shown, and says who is to be told."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from markdown_it.token import Token

from chats.markdown.naming import NOT_TEXT, Span, find_spans, names_in

_MAX_WRITTEN = 50  # different names in one message: bounds the look-up and the notifications
_MAX_NAMES = 200  # that these may stand for: "@a.b" may be a's name or a.b's
MAX_MARKS = 200  # after these only names that are new are marked


@dataclasses.dataclass(slots=True)
class Marks:
    """What a message names, lower-cased."""

    names: list[str] = dataclasses.field(default_factory=list)  # all that may be meant, to be looked up
    loud: list[str] = dataclasses.field(default_factory=list)  # as written, outside of quotes
    _written: set[str] = dataclasses.field(default_factory=set)
    _marked: int = 0

    def add(self, name: str, *, is_quoted: bool) -> bool:
        """Note that `name` is written; returns whether it is to be marked, which it is not beyond the bounds."""
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
    """Put tokens for a mention around each name after an @, and return what was marked; code and links do not count."""
    marks = Marks()
    quotes = 0
    for token in tokens:
        if token.type in ("blockquote_open", "blockquote_close"):
            quotes += token.nesting
        elif token.type == "inline" and token.children:
            token.children = list(_mark(token.children, marks, is_quoted=quotes > 0))
    return marks


def _mark(children: list[Token], marks: Marks, *, is_quoted: bool) -> Iterator[Token]:
    """Yield the tokens of a paragraph with its mentions. It is read as it is shown: `**bob**@jane.org` names nobody."""
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
    """Return the text of a token, nothing for the beginning and end of formatting, one sign for anything else."""
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
