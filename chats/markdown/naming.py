"""Where a text mentions somebody: `@` and a username. Pure.

Whether there is such a member is asked elsewhere. A name may be followed by what could also belong to it
("@jane.Thanks"), so a span stands for all names that may be meant, and the longest one of a member counts.

static/js/composer/mentions.js has the same rule for what is being typed; tests/cases/mentions.json holds both to it.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence

NAME_MAX_LENGTH = 40  # of a username, see flowra/accounts/models.py
NOT_TEXT = "\ufffc"  # in place of code, links and addresses, which mention nobody

# The second @ is the full-width one of Chinese and Japanese keyboards.
_RUN = re.compile("[@\uff20]([A-Za-z0-9][A-Za-z0-9._-]*)")
# Addresses that are no links: with a scheme, or a host before a slash. They end at a space, at wide punctuation, and
# before an @ after a bracket or the like.
_ADDRESS = re.compile(
    r"(?:(?<=[A-Za-z0-9])://"
    r"|(?<![\w@\uff20.-])(?:localhost(?::\d++)?+|[A-Za-z0-9-]++(?:\.[A-Za-z0-9-]++)++(?<=[A-Za-z]{2})(?::\d++)?+)/)"
    "(?:[^\\s<>\"\ufffc\u3000-\u303f\uff00-\uffef@]|(?<![)\\],;!?}'])@)*+"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Span:
    """A mention in a text, from the `@` at `start` to the `end` of the longest possible name."""

    start: int
    end: int
    name: str  # the longest one, lower-cased


def find_spans(text: str, breaks: Sequence[int] = ()) -> Iterator[Span]:
    """Yield the mentions in `text`. No name spans one of `breaks`, which are ascending indices."""
    text = _ADDRESS.sub(lambda address: NOT_TEXT * len(address[0]), text)
    name_ends = -1  # where the run before this one ended
    for run in _RUN.finditer(text):
        if not _may_begin(text, run, follows_name=run.start() == name_ends):
            continue
        name_ends = run.end()
        following = bisect_right(breaks, run.start())
        most = min(breaks[following], name_ends) if following < len(breaks) else name_ends
        first = run.start(1)
        for end in range(min(most, first + NAME_MAX_LENGTH), first, -1):
            if _may_end(text, end):
                yield Span(run.start(), end, text[first:end].lower())
                break


def names_in(name: str) -> Iterator[str]:
    """Yield all usernames that a span's name may mean, the longest first."""
    return (name[:end] for end in range(len(name), 0, -1) if _may_end(name, end))


def longest_of(name: str, members: Collection[str]) -> str | None:
    """Return the longest username among `members` that a span's name may mean; None if there is none."""
    return next((shorter for shorter in names_in(name) if shorter in members), None)


def _may_end(text: str, end: int) -> bool:
    """Whether a name may end there: after a letter, digit or underscore, not within a word."""
    return text[end - 1] not in ".-" and not (end < len(text) and _is_word(text[end]))


def _may_begin(text: str, run: re.Match[str], *, follows_name: bool) -> bool:
    """Whether the @ of a run begins a mention: not within a word of the same script or a mail address."""
    at = run.start()
    is_domain = _is_domain(run[1])
    if text[run.end() : run.end() + 1] == "@" and _is_domain(_run_at(text, run.end())):
        return False  # @jane@example.org
    if follows_name:
        return not is_domain
    before = at
    while before and (text[before - 1] == "_" or unicodedata.category(text[before - 1])[0] in "NM"):
        before -= 1
    if before and (_is_latin(text[before - 1]) or text[before - 1] in "@\uff20"):
        return False
    return before == at or not is_domain  # 123@example.org


def _run_at(text: str, at: int) -> str:
    run = _RUN.match(text, at)
    return run[1] if run else ""


def _is_domain(run: str) -> bool:
    """Whether a run is a domain, and not the end of a sentence and a capital letter of the next one."""
    host, _, last = run.rstrip("._-").rpartition(".")
    return host != "" and len(last) > 1 and last.isalpha() and last.islower()


def _is_word(character: str) -> bool:
    """Whether a character continues a word of Latin letters."""
    return _is_latin(character) or (character.isascii() and character.isdigit()) or unicodedata.combining(character) > 0


def _is_latin(character: str) -> bool:
    if character.isascii():
        return character.isalpha()
    return character.isalpha() and "LATIN" in unicodedata.name(character, "")
