"""Names within sentences of the other writing direction, for example a Hebrew name in an English sentence."""

import re

# Letters of scripts that run from right to left (Unicode's blocks for them), and characters that set directions.
_TURNS = re.compile(
    "[\u0590-\u08ff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
# Controls that change the direction of the text after the name, or end the isolate around it.
_REACHING = re.compile("[\u202a-\u202e\u2066-\u2069]")
FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"


def without_controls(name: object) -> str:
    """Return `name` without the characters that would change the direction of the text around it."""
    return _REACHING.sub("", str(name))


def turns(name: object) -> bool:
    """Whether `name` may change the direction of a left-to-right sentence around it."""
    return _TURNS.search(str(name)) is not None


def isolate(name: object) -> str:
    """Return `name` for a sentence of plain text: a title, a label, a mail. In HTML, <bdi> does the same.

    static/js/lib/direction.js does the same. A left-to-right name is returned as it is.
    """
    text = str(name)
    if not turns(text):
        return text
    return f"{FIRST_STRONG_ISOLATE}{without_controls(text)}{POP_ISOLATE}"
