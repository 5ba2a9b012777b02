"""Conditions for finding people and chats by their folded names."""

from __future__ import annotations

from django.db.models import Q

from chats.search.folding import RunKind, fold, runs

_BEFORE_A_WORD_OF_A_USERNAME = (".", "_", "-")


def has_words(query: str, key: str, username: str | None = None) -> Q | None:
    """Return the condition that a row's folded name, or its username, has all words of `query`, each by its beginning.

    `key` and `username` are paths as in `filter`. None if `query` has nothing that a name can have.
    """
    folded = fold(query)
    words = list(runs(folded))
    if not words:
        return Q(**{key: folded.strip()}) if folded.strip() else None
    condition = Q()
    for kind, word in words:
        condition &= _has_word(kind, word, key, username)
    return condition


def _has_word(kind: RunKind, word: str, key: str, username: str | None) -> Q:
    if kind is not RunKind.WORD:
        return Q(**{f"{key}__contains": word})
    found = Q(**{f"{key}__startswith": word}) | Q(**{f"{key}__contains": f" {word}"})
    if username is not None:
        found |= Q(**{f"{username}__istartswith": word})
        for before in _BEFORE_A_WORD_OF_A_USERNAME:
            found |= Q(**{f"{username}__icontains": f"{before}{word}"})
    return found
