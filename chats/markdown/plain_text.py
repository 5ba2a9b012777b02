"""A message's body as plain text, for quotes, notifications, search results and the admin.

This is the one place that makes such text on the server. On the page `static/js/chat/excerpt.js` makes it from what is
shown: the same, so that a quote does not change by a reload.
"""

from __future__ import annotations

import functools

from chats.markdown.html import Document

EXCERPT_LENGTH = 140  # characters of a quoted message; docs/api.md
# Characters of a body that are read for an excerpt: enough for 140 visible ones between addresses and marks.
EXCERPT_SOURCE = 2_000
_KEPT = 1_024  # excerpts kept in memory: some 3 MB, of emoji 10 MB


def plain_text(body: str, *, one_line: bool = True) -> str:
    """Return the text of a Markdown body without its marks, in one line or in lines; takes as long as rendering it.

    `**bold**` is "bold", a link its label, an entity its character; quotes, lists, tables and code are their text.
    """
    text = Document(body).text
    return fold(text) if one_line else text


# Direction controls (U+202A to 202E, U+2066 to 2069), which would affect the text behind the excerpt.
_DIRECTION = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])


def fold(text: str) -> str:
    """Return `text` in one line, with single spaces, without the controls that change its direction."""
    return " ".join(text.translate(_DIRECTION).split())


def excerpt(beginning: str) -> str:
    """Return the excerpt, one line of EXCERPT_LENGTH, of a body or its first EXCERPT_SOURCE characters."""
    return _excerpt(beginning[:EXCERPT_SOURCE])


def excerpt_of(document: Document) -> str:
    """Return the excerpt of a body that was parsed already."""
    return fold(document.text)[:EXCERPT_LENGTH]


@functools.lru_cache(maxsize=_KEPT)
def _excerpt(beginning: str) -> str:
    return plain_text(beginning)[:EXCERPT_LENGTH]
