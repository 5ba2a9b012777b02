"""Halves of surrogate pairs: JSON can contain one, such as \\ud83d without its \\ude00, but text cannot.

msgspec refuses such JSON without naming the member; here it is read, to name it in the error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

_HALF = re.compile("[\ud800-\udfff]")


class _Members(list[tuple[str, Any]]):
    """A JSON object as its names and values, in order, with those that come twice."""


def read_members(text: str) -> Sequence[tuple[str, Any]]:
    """Return the names and values of a JSON object, none of what is no JSON or no object. Integers become floats."""
    try:
        read = json.loads(text, object_pairs_hook=_Members, parse_int=float, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return ()
    return read if isinstance(read, _Members) else ()


def has_half(value: object) -> bool:
    """Return whether there is one anywhere in what was read of JSON."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, str):
            if _HALF.search(one):
                return True
        elif isinstance(one, list | tuple):
            left.extend(one)
    return False


def without_halves(text: str) -> str:
    """Return `text` with U+FFFD in their place."""
    return _HALF.sub("\N{REPLACEMENT CHARACTER}", text)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
