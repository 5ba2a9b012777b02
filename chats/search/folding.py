"""Text as it is compared and sorted: without case, accents, compatibility forms and invisible characters.

`static/js/lib/folding.js` does the same for lists on the page; tests/cases/folding.json tests both.
"""

from __future__ import annotations

import functools
import itertools
import unicodedata
from collections.abc import Iterator
from enum import Enum

# Letters without a decomposition, and what is typed instead of them on other keyboards.
_PLAIN = str.maketrans(
    {
        "ł": "l",
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "ħ": "h",
        "ŧ": "t",
        "\u0131": "i",  # without its dot
        "ȷ": "j",
        "ŋ": "n",
        "ĸ": "k",
        "ƀ": "b",
        "ɨ": "i",
        "ʉ": "u",
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        "\u03c2": "\u03c3",  # the sigma at the end of a word
        "ß": "ss",
    }
)
# Scripts of South and South-East Asia, in which combining marks are vowels.
_MARKS_ARE_VOWELS = ((0x0900, 0x109F), (0x1700, 0x17FF), (0x1900, 0x1AAF), (0x1B00, 0x1C4F), (0xA800, 0xABFF))
# Combining classes that are dropped there too: nuktas, viramas, tone marks (combining classes 7, 9, 107, 122), accents.
_DROPPED_CLASSES = frozenset({7, 9, 107, 122, 216, 218, 220, 222, 228, 230, 232})
_ZERO_WIDTH_SPACE = "\u200b"  # a format character that ends a word
_TATWEEL = "\u0640"  # stretches an Arabic word
# First and last characters of scripts without spaces, or with endings joined to words: found by any part.
_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x0F00, 0x0FFF),  # Tibetan
    (0x1000, 0x109F),  # Burmese
    (0x1100, 0x11FF),  # Hangul letters
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x3007),  # Han iteration marks, zero
    (0x3021, 0x3029),
    (0x3031, 0x3035),
    (0x3041, 0x30FF),  # Hiragana, Katakana
    (0x3105, 0x312F),  # Bopomofo
    (0x31A0, 0x31BF),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),
    (0xA960, 0xA97F),
    (0xAC00, 0xD7FF),  # Hangul syllables
    (0xF900, 0xFAFF),
    (0x1AFF0, 0x1B16F),  # more kana
    (0x20000, 0x3FFFF),  # more Han
)


class RunKind(Enum):
    """What a run of characters is, which decides how it is found."""

    WORD = "word"  # by its beginning
    UNSPACED = "unspaced"  # by any part
    SYMBOL = "symbol"  # each by itself: emoji, currency


def fold(text: str) -> str:
    """Return `text` for comparison; texts that differ only in case and accents give the same."""
    if text.isascii():
        return text.lower()
    plain = _without_marks(text).casefold().translate(_PLAIN)
    return unicodedata.normalize("NFC", _without_marks(plain))


def runs(folded: str) -> Iterator[tuple[RunKind, str]]:
    """Yield the words, unspaced runs and symbols of a folded text, in order."""
    for kind, characters in itertools.groupby(folded, _kind):
        if kind is not None:
            yield kind, "".join(characters)


def name_key(name: str) -> str:
    """Return the key to find and sort a name by: its folded words with single spaces; for "Ann-Lee Ø" "ann lee o".

    A name without a word is only folded.
    """
    folded = fold(name)
    return " ".join(run for _, run in runs(folded)) or folded.strip()


def _without_marks(text: str) -> str:
    return "".join(filter(_is_kept, unicodedata.normalize("NFKD", text)))


@functools.cache
def _is_kept(char: str) -> bool:
    category = unicodedata.category(char)
    if category == "Cf":
        return char == _ZERO_WIDTH_SPACE
    if category not in ("Mn", "Me"):
        return char != _TATWEEL
    return _is_within(char, _MARKS_ARE_VOWELS) and unicodedata.combining(char) not in _DROPPED_CLASSES


@functools.cache
def _kind(char: str) -> RunKind | None:
    category = unicodedata.category(char)
    if category[0] in "LNM":
        return RunKind.UNSPACED if _is_within(char, _UNSPACED) and category[0] != "N" else RunKind.WORD
    if category in ("So", "Sc", "Sm") and not char.isascii():
        return RunKind.SYMBOL
    return None


def _is_within(char: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= ord(char) <= last for first, last in ranges)
