"""Tokens: what the index stores of a text, and what a query asks for."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator
from uuid import UUID

from chats.search.folding import RunKind, fold, runs

TOKEN_LENGTH = 64  # characters; a longer word is found by its first ones
MOST_TOKENS = 10_000  # of one message, which has as many characters
MOST_BYTES = 256 * 1024  # of one message's tokens; PostgreSQL takes 1 MB
_PAIR = 2
# A private-use character, which no token of a text has, before ids.
_SCOPE = "\ue000"


@dataclasses.dataclass(frozen=True, slots=True)
class Term:
    """A token, or the beginning of one, that a message must have."""

    text: str
    is_beginning: bool


@dataclasses.dataclass(frozen=True, slots=True)
class TokenQuery:
    """What a query demands of a message. `parts` must be in its folded text, because pairs do not say their order."""

    terms: tuple[Term, ...]
    parts: tuple[str, ...]

    def is_met_by(self, text: str) -> bool:
        """Whether a text, which need not be indexed, has all of it."""
        tokens, folded = tokens_of(text), fold(text)
        return all(part in folded for part in self.parts) and all(
            any(token.startswith(term.text) if term.is_beginning else token == term.text for token in tokens)
            for term in self.terms
        )


def tokens_of(text: str) -> list[str]:
    """Return the tokens by which `text` is found, each once."""
    found: dict[str, None] = {}
    size = 0
    for token in itertools.chain.from_iterable(_tokens(kind, run) for kind, run in runs(fold(text))):
        if token in found:
            continue
        size += len(token.encode())
        if len(found) == MOST_TOKENS or size > MOST_BYTES:
            break
        found[token] = None
    return list(found)


def _tokens(kind: RunKind, run: str) -> Iterable[str]:
    if kind is RunKind.WORD:
        return (run[:TOKEN_LENGTH],)
    if kind is RunKind.SYMBOL:
        return run
    return itertools.chain(_pairs(run), run[-1])


def _pairs(run: str) -> Iterator[str]:
    return (one + other for one, other in itertools.pairwise(run))


def parse_query(text: str) -> TokenQuery:
    """Return the query that `text` asks, without terms if it has no word."""
    terms: dict[Term, None] = {}
    parts: dict[str, None] = {}
    for kind, run in runs(fold(text)):
        if kind is RunKind.UNSPACED and len(run) >= _PAIR:
            terms.update((Term(pair, is_beginning=False), None) for pair in _pairs(run))
            if len(run) > _PAIR:
                parts[run] = None
        elif kind is RunKind.SYMBOL:
            terms.update((Term(char, is_beginning=False), None) for char in run)
        else:
            terms[Term(run[:TOKEN_LENGTH], is_beginning=True)] = None
    return TokenQuery(tuple(terms), tuple(parts))


def chat_token(chat_id: UUID) -> str:
    """Return the token of all messages of a chat."""
    return f"{_SCOPE}c{chat_id.hex}"


def workspace_token(workspace_id: UUID) -> str:
    """Return the token of all messages of a workspace."""
    return f"{_SCOPE}w{workspace_id.hex}"
