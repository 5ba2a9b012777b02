"""From a message's tokens to its text without Markdown marks.

It says what the page shows. `static/js/chat/excerpt.js` makes the same text from the page itself;
tests/cases/excerpt.json holds the cases for both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from markdown_it.token import Token

RULE = "---"  # the text of a message that is nothing but a horizontal rule
_LINE_ENDS = frozenset({"paragraph_close", "heading_close", "tr_close"})
_CELL_ENDS = frozenset({"th_close", "td_close"})
_CODE = frozenset({"fence", "code_block"})
_BREAKS = frozenset({"softbreak", "hardbreak"})


def text_of_tokens(tokens: list[Token]) -> str:
    """Return the text in lines; the items of numbered lists have their numbers, as on the page."""
    text = re.sub(r" +$", "", "".join(_pieces(tokens)), flags=re.MULTILINE).strip("\n")
    if not text and any(token.type == "hr" for token in tokens):
        return RULE
    return text


def _pieces(tokens: Iterable[Token]) -> Iterator[str]:
    numbers: list[int | None] = []  # of the next item of each enclosing list; None for bullets
    for token in tokens:
        kind = token.type
        if kind == "inline":
            yield from _inline_pieces(token.children or [])
        elif kind in _LINE_ENDS:
            yield "\n"
        elif kind in _CELL_ENDS:
            yield " "
        elif kind in _CODE:
            yield f"{token.content}\n"
        elif kind == "ordered_list_open":
            numbers.append(int(token.attrs.get("start", 1)))
        elif kind == "bullet_list_open":
            numbers.append(None)
        elif kind in ("ordered_list_close", "bullet_list_close"):
            numbers.pop()
        elif kind == "list_item_open" and (number := numbers[-1]) is not None:
            number = int(token.attrs.get("value", number))
            numbers[-1] = number + 1
            yield f"{number}. "


def _inline_pieces(children: Iterable[Token]) -> Iterator[str]:
    for child in children:
        if child.type in _BREAKS:
            yield "\n"
        elif child.nesting == 0:
            yield child.content
