"""Tokens: what is stored of a text to be found by, and what a question asks for."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator
from uuid import UUID

from chats.search.folding import Kind, fold, runs

TOKEN_LENGTH = 64  # characters; what is longer is found by these
MOST_TOKENS = 10_000  # of one message: as many as it has characters
MOST_BYTES = 256 * 1024  # of one message's tokens; PostgreSQL takes 1 MB
_PAIR = 2
# Before what is no word: a private-use character, which no token of a text has.
_SCOPE = "\ue000"


@dataclasses.dataclass(frozen=True, slots=True)
class Term:
    """A token that a message must have, or one that begins so."""

    text: str
    is_beginning: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """All that a message must have. `parts` must stand in its folded text: pairs alone do not say in which order."""

    terms: tuple[Term, ...]
    parts: tuple[str, ...]

    def is_met_by(self, text: str) -> bool:
        """Whether a text that nobody has indexed has all of it."""
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


def _tokens(kind: Kind, run: str) -> Iterable[str]:
    if kind is Kind.WORD:
        return (run[:TOKEN_LENGTH],)
    if kind is Kind.SYMBOL:
        return run
    return itertools.chain(_pairs(run), run[-1])


def _pairs(run: str) -> Iterator[str]:
    return (one + other for one, other in itertools.pairwise(run))


def read_question(text: str) -> Question:
    """Return what `text`, as somebody typed it, asks for; without terms where it has no word."""
    terms: dict[Term, None] = {}
    parts: dict[str, None] = {}
    for kind, run in runs(fold(text)):
        if kind is Kind.UNSPACED and len(run) >= _PAIR:
            terms.update((Term(pair, is_beginning=False), None) for pair in _pairs(run))
            if len(run) > _PAIR:
                parts[run] = None
        elif kind is Kind.SYMBOL:
            terms.update((Term(char, is_beginning=False), None) for char in run)
        else:
            terms[Term(run[:TOKEN_LENGTH], is_beginning=True)] = None
    return Question(tuple(terms), tuple(parts))


def chat_token(chat_id: UUID) -> str:
    """Return the token of all messages of a chat."""
    return f"{_SCOPE}c{chat_id.hex}"


def workspace_token(workspace_id: UUID) -> str:
    """Return the token of all messages of a workspace."""
    return f"{_SCOPE}w{workspace_id.hex}"
