"""What people type: checked once here, whichever door it came through."""

import re
import unicodedata

from django.utils.translation import gettext as _

from chats.exceptions import Invalid, TooLong

# Letters and marks that draw nothing although Unicode does not class them as white space or format
# characters: Hangul fillers, the Braille blank, the grapheme joiner, variation selectors.
_INVISIBLE = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2065\u2800\u3164\uffa0"
    + "".join(map(chr, range(0xFE00, 0xFE10)))
    + "".join(map(chr, range(0xFFF0, 0xFFF9)))
    + "".join(map(chr, range(0xE0000, 0xE1000)))
)
_NOT_STORABLE = re.compile("[\0\ud800-\udfff]")  # NUL and lone surrogates
_SPACE_OR_CONTROL = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf", "Cs"})


def is_blank(text: str) -> bool:
    """Whether `text` has only white space, control, format and other invisible characters.

    Unassigned code points count as visible: they may be emoji newer than Python's tables.
    """
    return all(char in _INVISIBLE or unicodedata.category(char) in _SPACE_OR_CONTROL for char in text)


def clean_text(value: object, *, field: str, max_length: int, required: bool = True) -> str:
    """Return `value` if it is storable text of at most `max_length` characters.

    Raises Invalid if it is not text, is blank although `required`, or holds NUL or lone surrogates, which a database or
    UTF-8 cannot store; TooLong if it is longer.
    """
    if not isinstance(value, str):
        raise Invalid(f"{field} must be text, not {type(value).__name__}.", field=field)
    if len(value) > max_length:
        words = _("%(field)s has %(length)s characters; at most %(most)s are allowed.")
        raise TooLong(words % {"field": field, "length": f"{len(value):,}", "most": f"{max_length:,}"}, field=field)
    if _NOT_STORABLE.search(value):
        words = _("%(field)s contains characters that are not text (NUL or half a surrogate pair).")
        raise Invalid(words % {"field": field}, field=field)
    if required and is_blank(value):
        raise Invalid(_("%(field)s must not be empty.") % {"field": field}, field=field)
    return value


# Scripts whose letters never need a joiner: between them it only makes two names look alike.
_NEVER_JOINED = ("LATIN", "GREEK", "CYRILLIC", "DIGIT")
_JOINERS = "\u200c\u200d"  # Persian and Indic names and emoji have them
_VARIATION = frozenset(map(chr, [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]))  # emoji and Japanese names


def _is_hidden(text: str, index: int) -> bool:
    """Whether the character at `index` is invisible or changes the direction of the text."""
    char = text[index]
    around = [text[at] for at in (index - 1, index + 1) if 0 <= at < len(text)]
    if char in _JOINERS:
        joined = len(around) == 2 and not any(unicodedata.category(one)[0] in "ZC" for one in around)
        return not joined or any(unicodedata.name(one, "").startswith(_NEVER_JOINED) for one in around)
    if char in _VARIATION:
        return index == 0 or unicodedata.category(text[index - 1])[0] in "ZC" or text[index - 1] in _VARIATION
    return char in _INVISIBLE or (char != " " and unicodedata.category(char) in ("Cc", "Cf", "Co", "Zl", "Zp"))


def clean_name(value: object, *, field: str, max_length: int) -> str:
    """Return `value` as a person's name: one line of visible characters.

    Raises what `clean_line` raises, and Invalid for control, direction and invisible characters, which can make two
    names look alike.
    """
    name = clean_line(value, field=field, max_length=max_length)
    if any(_is_hidden(name, index) for index in range(len(name))):
        words = _("%(field)s must not contain invisible characters or characters that change the text direction.")
        raise Invalid(words % {"field": field}, field=field)
    return name


def clean_line(value: object, *, field: str, max_length: int) -> str:
    """Return `value` as one line, trimmed, with runs of white space folded; raises as `clean_text`."""
    text = clean_text(value, field=field, max_length=max_length * 4)
    return clean_text(" ".join(text.split()), field=field, max_length=max_length)
