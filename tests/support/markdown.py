"""Markdown as a message shows it."""

from __future__ import annotations

from collections.abc import Collection

from chats.markdown.html import Document


def render(body: str, members: Collection[str] = ()) -> str:
    """Return the HTML of `body`; `members` are the lower-cased usernames that are marked."""
    return Document(body).render(members)
