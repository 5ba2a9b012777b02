"""A message's HTML as the server's page shows it: with each block's direction and each code block's language.

What clients get has none of it. `static/js/chat/message-body.js` does the same to what comes by the socket.
"""

from __future__ import annotations

import re

# A whole tag with its attributes; nh3 writes "<" in text as "&lt;".
_TAG = re.compile(r'<(/?[a-z0-9]+)((?:[^<>"]|"[^"]*")*)>')
_FIRST = "<p>"  # a first paragraph needs no dir: the body around it has dir="auto"
_DIRECTED = re.compile(r"p|li|h[2-6]|th|td|blockquote")
_LANGUAGE = re.compile(r'<pre dir="ltr"(?=><code dir="ltr" class="language-([^" ]+)")')


def page_html(html: str) -> str:
    """Return sanitised HTML of chats/markdown/html.py with `dir` on its blocks and `data-language` on named code."""
    start = len(_FIRST) if html.startswith(_FIRST) else 0
    return html[:start] + _LANGUAGE.sub(r'<pre dir="ltr" data-language="\1"', _TAG.sub(_direct, html[start:]))


def _direct(tag: re.Match[str]) -> str:
    name, attributes = tag[1], tag[2]
    if _DIRECTED.fullmatch(name):
        return f'<{name} dir="auto"{attributes}>'
    # The Latin letters of a mention must not make a Hebrew sentence after it run from the left.
    if name in ("pre", "code") or 'class="mention"' in attributes:
        return f'<{name} dir="ltr"{attributes}>'
    return tag[0]
