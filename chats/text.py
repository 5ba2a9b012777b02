"""What people type: checked once here, whichever door it came through."""

import unicodedata

from chats.exceptions import Invalid, TooLong

# Letters and marks that draw nothing although Unicode does not class them as white space or format
# characters: Hangul fillers, the Braille blank, the grapheme joiner, variation selectors.
_INVISIBLE = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
    + "".join(map(chr, range(0xFE00, 0xFE10)))
    + "".join(map(chr, range(0xE0100, 0xE01F0)))
)


def is_blank(text: str) -> bool:
    """Whether `text` shows nothing: only white space, control, format and other invisible characters."""
    return all(char in _INVISIBLE or unicodedata.category(char)[0] in "ZC" for char in text)


def clean_text(value: object, *, field: str, max_length: int, required: bool = True) -> str:
    """Return `value` if it is storable text of at most `max_length` characters.

    Raises Invalid where it is no text, blank although `required`, or holds what a database or UTF-8
    cannot (NUL, lone surrogates); TooLong where it is longer.
    """
    if not isinstance(value, str):
        raise Invalid(f"{field} must be text, not {type(value).__name__}.", field=field)
    if len(value) > max_length:
        raise TooLong(f"{field} has {len(value):,} characters; at most {max_length:,} are allowed.", field=field)
    if "\0" in value or any("\ud800" <= char <= "\udfff" for char in value):
        raise Invalid(f"{field} contains characters that are not text (NUL or half a surrogate pair).", field=field)
    if required and is_blank(value):
        raise Invalid(f"{field} must not be empty.", field=field)
    return value


def clean_line(value: object, *, field: str, max_length: int) -> str:
    """Return `value` as one line, trimmed, with runs of white space folded; raises as `clean_text`."""
    text = clean_text(value, field=field, max_length=max_length * 4)
    return clean_text(" ".join(text.split()), field=field, max_length=max_length)
